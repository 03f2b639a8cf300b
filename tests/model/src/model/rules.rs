//! What must never happen. Steps note what they break; the properties read it off the state.

use super::super::machine::{ATTEMPT, Change, LEASE};
use super::process::{Cache, Life, Right, Todo, owner};
use super::record::Record;
use super::server::Token;
use super::state::State;
use crate::config::Config;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    OneSender = 1,
    Reread = 2,
    ClaimLasts = 4,
    NewestStays = 8,
    NothingWiped = 16,
    EverybodyEnds = 32,
    TrueEnds = 64,
    LoginLives = 128,
    Rests = 256,
    LoggedOut = 512,
    OwnOrganization = 1024,
    OwnClaim = 2048,
}

/// What can cost a login, on a strict server, with the best of machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// A process was stopped past its claim.
    Late = 1,
    /// An answer was lost, or died with its process.
    Lost = 2,
    /// The store failed while a pair was in hand.
    Store = 4,
    /// A program without claims has refreshed.
    Cli = 8,
}

impl State {
    pub(crate) fn broke(&mut self, rule: Rule) {
        self.broken |= rule as u16;
    }

    pub(crate) fn keeps(&self, rule: Rule) -> bool {
        self.broken & rule as u16 == 0
    }

    pub(crate) fn excuse(&mut self, excuse: Excuse) {
        self.excuses |= excuse as u8;
    }

    pub(crate) fn is_excused(&self, excuse: Excuse) -> bool {
        self.excuses & excuse as u8 != 0
    }

    /// The machine has just decided that `token` is to be sent.
    pub(crate) fn check_decision(&mut self, config: &Config, p: usize, token: Token) {
        let flight = self.processes[p].flight.as_ref().expect("a refresh");
        let unsaved = flight.loaded.unsaved;
        let late = flight
            .watch
            .claimed
            .is_some_and(|claimed| config.tick * u32::from(self.now - claimed) + ATTEMPT > LEASE);
        let stale = flight.watch.seen != Some(token);
        if stale && !unsaved {
            self.broke(Rule::Reread);
        }
        if late && !config.locked && !unsaved {
            self.broke(Rule::ClaimLasts);
        }
    }

    /// `token` is sent now.
    pub(crate) fn check_send(&mut self, config: &Config, p: usize, token: Token) {
        let now = self.now;
        let process = &mut self.processes[p];
        let watch = &process.flight.as_ref().expect("a refresh").watch;
        let until = match config.locked {
            true => u8::MAX,
            false => watch.claimed.unwrap_or(now) + config.ticks(LEASE),
        };
        // The limit of what claims can do: stopped between the check and the sending, for so long
        // that the attempt does not fit into the claim any more.
        let late = watch.stalled && now + config.ticks(ATTEMPT) >= until;
        let excused = watch.froze;
        let too_early = now < process.no_send_before;
        process.right = Some(Right {
            token,
            until,
            excused,
        });
        let others = self.processes.iter().enumerate();
        let rivals = others
            .filter(|(q, _)| *q != p)
            .filter_map(|(_, process)| process.right)
            .any(|right| right.token == token && !(right.excused && now >= right.until));
        let spent = self.spent & (1 << token) != 0;
        if (rivals || spent) && !late && !self.is_excused(Excuse::Cli) {
            self.broke(Rule::OneSender);
        }
        if late {
            self.excuse(Excuse::Late);
        }
        if too_early {
            self.broke(Rule::Rests);
        }
    }

    /// A process is about to write `new`.
    pub(crate) fn check_write(
        &mut self,
        p: usize,
        own: usize,
        change: &Change<Token>,
        new: &Record,
    ) {
        let old = self.store;
        for org in 0..2 {
            match (old.orgs[org], new.orgs[org]) {
                (None, None) => {}
                (Some(_), None) => self.broke(Rule::NothingWiped),
                (None, Some(_)) if org == own => self.broke(Rule::LoggedOut),
                (None, Some(_)) => {}
                (Some(old), Some(new)) => {
                    if new.token < old.token {
                        self.broke(Rule::NewestStays);
                    }
                }
            }
            if let Some(login) = new.orgs[org]
                && self.server.pair(login.token).org != org
            {
                self.broke(Rule::OwnOrganization);
            }
        }
        let claim = old.orgs[own].and_then(|login| login.claim);
        if *change == Change::Release && claim.is_some_and(|claim| claim.owner != owner(p)) {
            self.broke(Rule::OwnClaim);
        }
        if let Change::Refuse(token) = change
            && !self.server.pair(*token).refused
        {
            self.broke(Rule::TrueEnds);
        }
    }

    /// A pair that the server has given, and would take, is in the store, in a living process or
    /// on its way; else it was lost for a reason that counts.
    pub(crate) fn nothing_lost(&self) -> bool {
        self.keeps(Rule::NothingWiped)
            && (self.is_excused(Excuse::Cli)
                || self
                    .server
                    .families()
                    .filter(|family| family.death.is_none() && !family.excused)
                    .all(|family| self.holds(family.current)))
    }

    fn holds(&self, token: Token) -> bool {
        let has =
            |record: &Record| record.token(0) == Some(token) || record.token(1) == Some(token);
        has(&self.store)
            || self.processes.iter().any(|process| {
                let flight = process.flight.as_ref();
                let unsaved = match &process.cache {
                    Cache::Unsaved { record, .. } => has(record),
                    Cache::Empty | Cache::Clean { .. } => false,
                };
                unsaved
                    || flight.is_some_and(|flight| {
                        flight.tokens == Some(token)
                            || matches!(flight.todo, Todo::Request { answer: Some(Some(got)), .. } if got == token)
                    })
            })
    }

    /// Time has passed.
    pub(crate) fn check_time(&mut self, config: &Config) {
        let now = self.now;
        for p in 0..self.processes.len() {
            let process = &self.processes[p];
            let Some(flight) = &process.flight else {
                continue;
            };
            let claim_over = |claimed: u8| now >= claimed + config.ticks(LEASE);
            if matches!(process.life, Life::Frozen { .. })
                && flight.watch.claimed.is_some_and(claim_over)
            {
                self.excuse(Excuse::Late);
            } else if !flight.watch.froze && now - flight.watch.started > config.patience {
                self.broke(Rule::EverybodyEnds);
            }
        }
    }

    /// The logins of an organization are replaced or ended: nobody needs their pairs.
    pub(crate) fn excuse_organization(&mut self, org: usize) {
        let mut tokens: Vec<_> = self
            .server
            .families()
            .map(|family| family.current)
            .collect();
        tokens.retain(|token| self.server.pair(*token).org == org);
        tokens.extend(self.store.token(org));
        for token in tokens {
            self.server.family(token).excused = true;
        }
    }
}
