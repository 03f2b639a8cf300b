//! A process: the machine under test, and what its driver (`session/refresh.rs`, `cache.rs`)
//! keeps beside it.

use super::super::machine::{Change, Effect, Event, Machine, Seen, Time, Use};
use super::record::{Login, Record};
use super::server::{Server, Token};
use crate::config::{Config, Part};
use std::time::Duration;

/// The wall clock at the first tick.
const EPOCH: Duration = Duration::from_secs(100_000_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Running,
    Frozen { since: u8 },
    Crashed,
}

/// As the core's `Cache`; `text` is what the store held when it was last read or written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cache {
    Empty,
    Clean { record: Record, text: Record },
    Unsaved { record: Record, text: Record },
}

/// A record as it was just read, with our unsaved changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Loaded {
    pub(crate) text: Record,
    pub(crate) record: Record,
    pub(crate) unsaved: bool,
}

/// What a refresh is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Todo {
    Effect(Effect<Token>),
    /// Sent; what the server answered, once it has.
    Request {
        token: Token,
        answer: Option<Option<Token>>,
    },
    /// Done, but the process was stopped before it could see what came of it.
    Event(Event<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    pub(crate) stale: Token,
    pub(crate) loaded: Loaded,
    pub(crate) tokens: Option<Token>,
    pub(crate) todo: Todo,
    /// Since when.
    pub(crate) since: u8,
    pub(crate) watch: Watch,
}

/// What the properties need to know of a refresh; the machine does not see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Watch {
    pub(crate) started: u8,
    /// When the last claim was decided on.
    pub(crate) claimed: Option<u8>,
    /// The token that the store held when it was last read or written, since the last answer.
    pub(crate) seen: Option<Token>,
    /// It was stopped during this refresh,
    pub(crate) froze: bool,
    /// after it had decided to send.
    pub(crate) stalled: bool,
    pub(crate) refused: bool,
    /// When it was refused, somebody prompt had the next pair in hand.
    pub(crate) hope: bool,
}

/// A token was sent, and nobody else is to send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Right {
    pub(crate) token: Token,
    /// When the claim expires.
    pub(crate) until: u8,
    /// The process was stopped, died, or could not store what it got: then others may send the
    /// token once the claim has expired.
    pub(crate) excused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) life: Life,
    /// How many refreshes it may still start.
    pub(crate) starts: u8,
    pub(crate) machine: Machine<Token>,
    pub(crate) cache: Cache,
    /// By organization: the refresh token that the one in memory was given for.
    pub(crate) spent: [Option<Token>; 2],
    /// The last refresh failed, so that rests count.
    pub(crate) failed: bool,
    pub(crate) flight: Option<Flight>,
    pub(crate) right: Option<Right>,
    pub(crate) no_send_before: u8,
}

/// Whose claims are whose.
pub(crate) fn owner(p: usize) -> u64 {
    p as u64 + 1
}

impl Process {
    pub(crate) fn new(owner: u64, starts: u8) -> Self {
        Process {
            life: Life::Running,
            starts,
            machine: Machine::new(owner),
            cache: Cache::Empty,
            spent: [None; 2],
            failed: false,
            flight: None,
            right: None,
            no_send_before: 0,
        }
    }

    /// Forgets what cannot matter any more, so that fewer states differ.
    pub(crate) fn tidy(&mut self) {
        let over = self.life == Life::Crashed || self.starts == 0;
        if over && self.flight.is_none() && !self.is_unsaved() {
            *self = Process {
                life: self.life,
                right: self.right,
                ..Process::new(0, 0)
            };
        }
    }

    pub(crate) fn is_unsaved(&self) -> bool {
        matches!(self.cache, Cache::Unsaved { .. })
    }

    /// As the core's `Session::load`.
    pub(crate) fn load(&mut self, store: &Record) -> Loaded {
        let (record, unsaved) = match &self.cache {
            Cache::Empty => (*store, false),
            Cache::Clean { record, text } if text == store => (*record, false),
            Cache::Unsaved { record, text } if text == store => (*record, true),
            Cache::Clean { record, .. } => {
                let record = Record::merged(record, record, store, &self.spent);
                (record, record != *store)
            }
            Cache::Unsaved { record, text } => {
                let record = Record::merged(text, record, store, &self.spent);
                (record, record != *store)
            }
        };
        let text = *store;
        self.cache = match unsaved {
            true => Cache::Unsaved { record, text },
            false => Cache::Clean { record, text },
        };
        Loaded {
            text,
            record,
            unsaved,
        }
    }
}

pub(crate) fn time(config: &Config, part: &Part, now: u8) -> Time {
    let real = config.tick * u32::from(now);
    let wall = EPOCH + real;
    let ahead = config.tick * part.clock.unsigned_abs();
    Time {
        real,
        wall: match part.clock < 0 {
            true => wall - ahead,
            false => wall + ahead,
        },
        client: real,
    }
}

/// As the core's `decide`.
pub(crate) fn usable(config: &Config, part: &Part, login: &Login, now: u8) -> Use {
    let wall = i32::from(now) + part.clock;
    let margin = i32::from(config.ticks(Duration::from_secs(30)));
    let refused = login.refused == Some(login.token);
    if login.expires > wall {
        let early = login.expires <= wall + margin;
        let misdated = login.expires > wall + config.life + margin;
        return match (early || misdated) && !refused {
            true => Use::Early,
            false => Use::Good,
        };
    }
    match refused {
        true => Use::Over,
        false => Use::Expired,
    }
}

impl Flight {
    pub(crate) fn seen(&self, config: &Config, part: &Part, now: u8) -> Option<Seen<Token>> {
        let login = self.loaded.record.orgs[part.org]?;
        Some(Seen {
            token: login.token,
            newer: login.token != self.stale,
            usable: usable(config, part, &login, now),
            claim: login.claim,
            unsaved: self.loaded.unsaved,
        })
    }

    /// As the core's `Refresh::changed`: the record as it was loaded, with `change`.
    pub(crate) fn changed(
        &self,
        change: &Change<Token>,
        org: usize,
        expires: i32,
        server: &Server,
    ) -> Record {
        let mut record = self.loaded.record;
        match (change, self.tokens) {
            (Change::Claim(claim), _) => record.set_claim(org, Some(*claim)),
            (Change::Release, _) => record.set_claim(org, None),
            (Change::Refuse(token), _) => record.mark_refused(org, *token),
            (Change::Commit, Some(token)) => record.apply(org, token, expires),
            (Change::Move, Some(token)) => {
                record.move_login(org, server.pair(token).org, token, expires);
            }
            (Change::Save | Change::Commit | Change::Move, _) => {}
        }
        record
    }
}
