//! The whole world, and what the processes do in it.

use super::super::machine::{Change, Effect, End, Event, RefreshOutcome, Use};
use super::process::{Cache, Flight, Life, Loaded, Process, Todo, Watch, owner, time, usable};
use super::record::Record;
use super::rules::{Excuse, Rule};
use super::server::{Death, Server, Token};
use crate::config::{Budget, Config};
use std::time::Duration;

/// A program that refreshes the login of organization 0 without lock or claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cli {
    Idle,
    Loaded(Record),
    Sent {
        record: Record,
        since: u8,
        answer: Option<Option<Token>>,
    },
    InHand {
        record: Record,
        token: Token,
    },
}

/// How a call of the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    WithoutEffect,
    WithEffect,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) now: u8,
    pub(crate) store: Record,
    pub(crate) lock: Option<usize>,
    pub(crate) server: Server,
    pub(crate) processes: Vec<Process>,
    pub(crate) cli: Cli,
    /// Logged out, and still to be revoked.
    pub(crate) revoking: Option<Token>,
    pub(crate) left: Budget,
    pub(crate) excuses: u8,
    pub(crate) broken: u16,
    /// Tokens whose successors were stored in time by whoever sent them.
    pub(crate) spent: u16,
}

impl State {
    pub(crate) fn new(config: &Config) -> Self {
        let mut state = State {
            now: 0,
            store: Record::default(),
            lock: None,
            server: Server::default(),
            processes: Vec::new(),
            cli: Cli::Idle,
            revoking: None,
            left: config.budget,
            excuses: 0,
            broken: 0,
            spent: 0,
        };
        for org in 0..2 {
            if config.logins[org] {
                let token = state.server.log_in(org);
                state.store.apply(org, token, config.first_expiry);
            }
        }
        for (p, part) in config.parts.iter().enumerate() {
            state.processes.push(Process::new(owner(p), part.starts));
        }
        state
    }

    pub(crate) fn flight(&self, p: usize) -> Option<&Flight> {
        self.processes[p].flight.as_ref()
    }

    fn flight_mut(&mut self, p: usize) -> &mut Flight {
        self.processes[p].flight.as_mut().expect("a refresh")
    }

    /// The login that a call of `p` would find, if it is to be renewed now.
    pub(crate) fn to_renew(&self, config: &Config, p: usize) -> Option<Token> {
        let (part, mut process) = (&config.parts[p], self.processes[p].clone());
        let login = process.load(&self.store).record.orgs[part.org]?;
        let resting = process.failed && process.machine.is_resting(time(config, part, self.now));
        match usable(config, part, &login, self.now) {
            Use::Early | Use::Expired if !resting => Some(login.token),
            _ => None,
        }
    }

    /// As the core's `Session::refresh`.
    pub(crate) fn start(&mut self, config: &Config, p: usize, stale: Token) {
        let now = self.now;
        let process = &mut self.processes[p];
        process.load(&self.store);
        process.starts -= 1;
        process.flight = Some(Flight {
            stale,
            loaded: Loaded::default(),
            tokens: None,
            todo: Todo::Effect(Effect::Load),
            since: now,
            watch: Watch {
                started: now,
                ..Watch::default()
            },
        });
        if config.locked {
            self.lock = Some(p);
        }
        let locked = config.locked;
        self.step(config, p, Event::Start { locked });
    }

    /// Gives `event` to the machine, and takes its effect as the next thing to do.
    pub(crate) fn step(&mut self, config: &Config, p: usize, event: Event<Token>) {
        let now = self.now;
        let at = time(config, &config.parts[p], now);
        let effect = self.processes[p].machine.step(event, at);
        let flight = self.flight_mut(p);
        flight.todo = Todo::Effect(effect.clone());
        flight.since = now;
        match effect {
            Effect::Replace(Change::Claim(_)) => flight.watch.claimed = Some(now),
            Effect::Post(token) => self.check_decision(config, p, token),
            Effect::End(end) => self.finish(config, p, end),
            Effect::Load | Effect::Replace(_) | Effect::Wait(_) | Effect::Revoke => {}
        }
    }

    /// Does what the machine asked for, up to what comes of it; `None` while that is open.
    pub(crate) fn perform(
        &mut self,
        config: &Config,
        p: usize,
        fault: Option<Fault>,
    ) -> Option<Event<Token>> {
        let (part, now) = (&config.parts[p], self.now);
        let Todo::Effect(effect) = self.flight(p)?.todo.clone() else {
            return None;
        };
        match effect {
            Effect::Load if fault.is_some() => {
                if self.flight(p)?.tokens.is_some() {
                    self.excuse(Excuse::Store);
                    self.excuse_right(p);
                }
                Some(Event::Unreadable)
            }
            Effect::Load => {
                let loaded = self.processes[p].load(&self.store);
                let seen = self.store.token(part.org);
                let flight = self.flight_mut(p);
                flight.loaded = loaded;
                flight.watch.seen = seen;
                Some(Event::Loaded(flight.seen(config, part, now)))
            }
            Effect::Replace(change) => Some(self.replace(config, p, &change, fault)),
            Effect::Post(token) => {
                self.check_send(config, p, token);
                let answer = None;
                let flight = self.flight_mut(p);
                flight.todo = Todo::Request { token, answer };
                flight.since = now;
                None
            }
            Effect::Wait(_) => Some(Event::Waited),
            Effect::Revoke => {
                if let Some(token) = self.flight(p)?.tokens {
                    let family = self.server.pair(token).family;
                    let stored = self.store.orgs.iter().flatten();
                    let ends_a_login = stored
                        .clone()
                        .any(|login| self.server.pair(login.token).family == family);
                    if ends_a_login {
                        self.broke(Rule::TrueEnds);
                    }
                    self.server.revoke(token);
                }
                Some(Event::Waited)
            }
            Effect::End(_) => None,
        }
    }

    fn excuse_right(&mut self, p: usize) {
        if let Some(right) = &mut self.processes[p].right {
            right.excused = true;
        }
    }

    fn expires(&self, config: &Config, p: usize) -> i32 {
        i32::from(self.now) + config.parts[p].clock + config.life
    }

    fn replace(
        &mut self,
        config: &Config,
        p: usize,
        change: &Change<Token>,
        fault: Option<Fault>,
    ) -> Event<Token> {
        let org = config.parts[p].org;
        let expires = self.expires(config, p);
        let flight = self.flight(p).expect("a refresh").clone();
        let record = flight.changed(change, org, expires, &self.server);
        if fault.is_some() && matches!(change, Change::Commit | Change::Move | Change::Save) {
            self.excuse(Excuse::Store);
            self.excuse_right(p);
        }
        let same = self.store == flight.loaded.text;
        if same && fault != Some(Fault::WithoutEffect) {
            self.write(p, org, change, &record, flight.tokens);
        }
        let seen = self.store.token(org);
        match (fault, same) {
            (Some(_), _) => Event::Unwritten,
            (None, false) => {
                self.flight_mut(p).watch.seen = None;
                Event::Replaced(false)
            }
            (None, true) => {
                let (text, unsaved) = (record, false);
                self.processes[p].cache = Cache::Clean { record, text };
                let flight = self.flight_mut(p);
                flight.loaded = Loaded {
                    text,
                    record,
                    unsaved,
                };
                flight.watch.seen = seen;
                Event::Replaced(true)
            }
        }
    }

    fn write(
        &mut self,
        p: usize,
        org: usize,
        change: &Change<Token>,
        new: &Record,
        got: Option<Token>,
    ) {
        self.check_write(p, org, change, new);
        if let (Change::Move, Some(token)) = (change, got) {
            self.excuse_moved(token, &self.store.clone());
        }
        self.store = *new;
    }

    /// The core's `move_login` prefers the login that is there to the pair that moves in.
    fn excuse_moved(&mut self, token: Token, record: &Record) {
        if record.orgs[self.server.pair(token).org].is_some() {
            self.server.family(token).excused = true;
        }
    }

    /// An unsaved pair is offered to the store again, between refreshes.
    pub(crate) fn save_again(&mut self, config: &Config, p: usize) {
        let loaded = self.processes[p].load(&self.store);
        if loaded.unsaved {
            let record = loaded.record;
            self.write(p, config.parts[p].org, &Change::Save, &record, None);
            let text = record;
            self.processes[p].cache = Cache::Clean { record, text };
        }
        self.processes[p].tidy();
    }

    /// The request of `p` reaches the server.
    pub(crate) fn serve(&mut self, config: &Config, p: usize, org: Option<usize>) {
        let Todo::Request { token, .. } = self.flight(p).expect("a refresh").todo else {
            return;
        };
        let answer = Some(self.refresh(config, token, org));
        self.flight_mut(p).todo = Todo::Request { token, answer };
    }

    pub(crate) fn refresh(
        &mut self,
        config: &Config,
        token: Token,
        org: Option<usize>,
    ) -> Option<Token> {
        let died = |server: &mut Server| server.family(token).death == Some(Death::Reused);
        let before = died(&mut self.server);
        let answer = self.server.refresh(token, org, config.reuse, self.now);
        if !before && died(&mut self.server) && self.excuses == 0 {
            self.broke(Rule::LoginLives);
        }
        answer
    }

    /// What `p` makes of what came back, as the core's `Refresh::post` does.
    pub(crate) fn deliver(
        &mut self,
        config: &Config,
        p: usize,
        lost: Option<RefreshOutcome<Token>>,
    ) {
        let (org, now) = (config.parts[p].org, self.now);
        let flight = self.processes[p].flight.as_mut().expect("a refresh");
        let Todo::Request { token, answer } = flight.todo else {
            return;
        };
        flight.watch.seen = None;
        let answer = match (lost, answer) {
            (Some(lost), answer) => {
                if let Some(Some(got)) = answer {
                    self.excuse(Excuse::Lost);
                    self.server.family(got).excused = true;
                }
                if let RefreshOutcome::Lost { retry_after }
                | RefreshOutcome::Unused { retry_after, .. } = &lost
                {
                    let rest = config.ticks(retry_after.unwrap_or(Duration::ZERO));
                    self.processes[p].no_send_before = now + rest;
                }
                lost
            }
            (None, Some(Some(got))) => {
                flight.tokens = Some(got);
                if got != token {
                    self.processes[p].spent[org] = Some(token);
                }
                match self.server.pair(got).org == org {
                    true => RefreshOutcome::Pair(got),
                    false => RefreshOutcome::Elsewhere(got),
                }
            }
            (None, _) => {
                flight.watch.refused = true;
                flight.watch.hope = match &self.cli {
                    Cli::InHand { token, .. } => self.server.family(*token).death.is_none(),
                    _ => false,
                };
                RefreshOutcome::Refused
            }
        };
        self.step(config, p, Event::Answered(answer));
    }

    /// As the core's `Refresh::end`.
    fn finish(&mut self, config: &Config, p: usize, end: End) {
        let (org, now) = (config.parts[p].org, self.now);
        let expires = self.expires(config, p);
        let flight = self.processes[p].flight.take().expect("a refresh");
        if self.lock == Some(p) {
            self.lock = None;
        }
        let process = &mut self.processes[p];
        match end {
            End::Unsaved => {
                let elsewhere = flight
                    .tokens
                    .is_some_and(|got| self.server.pair(got).org != org);
                let change = match elsewhere {
                    true => Change::Move,
                    false => Change::Commit,
                };
                let record = flight.changed(&change, org, expires, &self.server);
                let text = flight.loaded.text;
                process.cache = Cache::Unsaved { record, text };
                if let (Change::Move, Some(token)) = (change, flight.tokens) {
                    self.excuse_moved(token, &flight.loaded.record);
                }
            }
            End::Adopted | End::Renewed => {
                process.failed = false;
                process.no_send_before = 0;
            }
            End::Failed => {
                process.failed = true;
                process.no_send_before = process.no_send_before.max(now + 1);
            }
            _ => {}
        }
        let process = &mut self.processes[p];
        if let (End::Renewed | End::Moved, Some(right)) = (end, process.right)
            && !(right.excused && now >= right.until)
        {
            self.spent |= 1 << right.token;
        }
        if end != End::Unsaved {
            process.right = None;
        }
        process.tidy();
        let told = flight.watch.refused && (!flight.watch.hope || flight.watch.froze);
        if end == End::Refused && !told {
            self.broke(Rule::TrueEnds);
        }
    }

    pub(crate) fn crash(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let mut lost = Vec::new();
        if let Some(flight) = process.flight.take() {
            lost.extend(flight.tokens);
            if let Todo::Request { answer, .. } = flight.todo {
                lost.extend(answer.flatten());
            }
        }
        if let Cache::Unsaved { record, .. } = &process.cache {
            lost.extend([record.token(0), record.token(1)].into_iter().flatten());
        }
        process.life = Life::Crashed;
        process.starts = 0;
        process.cache = Cache::Empty;
        if let Some(right) = &mut process.right {
            right.excused = true;
            if self.lock == Some(p) {
                right.until = self.now;
            }
        }
        process.tidy();
        if self.lock == Some(p) {
            self.lock = None;
        }
        let store = self.store;
        let stored = |token| store.token(0) == Some(token) || store.token(1) == Some(token);
        for token in lost.into_iter().filter(|token| !stored(*token)) {
            self.excuse(Excuse::Lost);
            self.server.family(token).excused = true;
        }
    }
}
