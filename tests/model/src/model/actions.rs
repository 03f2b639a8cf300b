//! What may happen next, and what comes of it.

use super::super::machine::{ATTEMPT, Effect, RefreshOutcome};
use super::process::{Flight, Life, Process, Todo};
use super::rules::Excuse;
use super::state::{Cli, Fault, State};
use crate::config::{Config, Reuse};
use std::time::Duration;

/// How often a claim is looked at; a look may come late by a tick.
const LOOK: Duration = Duration::from_millis(100);
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The number is that of a process, or of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Tick,
    Start(usize),
    /// Load, swap, send, end of a wait, revocation: whatever the machine asked for.
    Do(usize),
    StoreFails(usize, Fault),
    Serve(usize),
    ServeElsewhere(usize),
    Answer(usize),
    Lose(usize),
    Unsent(usize),
    Unavailable(usize),
    Freeze(usize),
    /// The call of the store is done, and the process is stopped before it sees what came of it.
    DoAndFreeze(usize),
    Thaw(usize),
    Crash(usize),
    /// It dies, and its request still reaches the server.
    CrashAndServe(usize),
    SaveAgain(usize),
    Logout(usize),
    Revoke,
    Login(usize),
    CliLoads,
    CliSends,
    CliServed,
    CliAnswered,
    CliWrites,
}

fn is_prompt(todo: &Todo) -> bool {
    match todo {
        Todo::Effect(effect) => !matches!(effect, Effect::Wait(_)),
        Todo::Event(_) => true,
        Todo::Request { .. } => false,
    }
}

fn is_look(wait: Duration) -> bool {
    wait == LOOK || wait.is_zero()
}

impl Process {
    fn running(&self) -> Option<&Todo> {
        let flight = self.flight.as_ref();
        flight
            .filter(|_| self.life == Life::Running)
            .map(|flight| &flight.todo)
    }
}

impl State {
    /// Nobody has anything to do that takes less than 100 ms.
    fn is_quiet(&self) -> bool {
        let mut todos = self.processes.iter().filter_map(Process::running);
        !todos.any(is_prompt) && !matches!(self.cli, Cli::Loaded(_) | Cli::InHand { .. })
    }

    /// Time passes only while nobody who runs is late with anything.
    fn may_tick(&self, config: &Config) -> bool {
        let in_time = |since: u8| self.now < since + config.ticks(ATTEMPT);
        let mut waiting = false;
        for process in &self.processes {
            waiting |= process.failed && process.starts > 0;
            let Some(flight) = &process.flight else {
                continue;
            };
            waiting = true;
            let late = match (process.life, &flight.todo) {
                // What was sent arrives, whatever became of the sender.
                (Life::Frozen { .. }, Todo::Request { answer: None, .. }) => !in_time(flight.since),
                (Life::Frozen { .. } | Life::Crashed, _) => false,
                (Life::Running, Todo::Effect(Effect::Wait(wait))) => {
                    !is_look(*wait) || self.now > flight.since
                }
                (Life::Running, Todo::Request { .. }) => !in_time(flight.since),
                (Life::Running, _) => true,
            };
            if late {
                return false;
            }
        }
        waiting |= config.life < 100 && self.processes.iter().any(|process| process.starts > 0);
        match self.cli {
            Cli::Idle => {}
            Cli::Sent { since, .. } if in_time(since) => waiting = true,
            _ => return false,
        }
        waiting && self.now < config.horizon()
    }

    fn may_wake(&self, wait: Duration, since: u8) -> bool {
        match is_look(wait) {
            true => self.now > since,
            false => wait < LOOK || self.is_quiet(),
        }
    }

    pub(crate) fn enabled(&self, config: &Config, actions: &mut Vec<Action>) {
        if self.may_tick(config) {
            actions.push(Action::Tick);
        }
        for p in 0..self.processes.len() {
            self.enabled_for(config, p, actions);
        }
        let left = &self.left;
        if self.now <= config.begin_until {
            for org in 0..2 {
                if !config.logins[org] {
                    continue;
                }
                if left.logouts > 0 && self.store.orgs[org].is_some() {
                    actions.push(Action::Logout(org));
                }
                let token = self.store.token(org);
                let needed = config.reuse != Reuse::Never
                    || token.is_some_and(|token| self.server.pair(token).refused);
                if left.logins > 0 && needed {
                    actions.push(Action::Login(org));
                }
            }
            let login = self.store.orgs[0].filter(|login| login.refused != Some(login.token));
            if left.cli > 0 && self.cli == Cli::Idle && login.is_some() {
                actions.push(Action::CliLoads);
            }
        }
        if self.revoking.is_some() {
            actions.push(Action::Revoke);
        }
        match self.cli {
            Cli::Idle => {}
            Cli::Loaded(_) => actions.push(Action::CliSends),
            Cli::Sent { answer: None, .. } => actions.push(Action::CliServed),
            Cli::Sent { .. } => actions.push(Action::CliAnswered),
            Cli::InHand { .. } => actions.push(Action::CliWrites),
        }
    }

    fn enabled_for(&self, config: &Config, p: usize, actions: &mut Vec<Action>) {
        let process = &self.processes[p];
        let left = &self.left;
        match process.life {
            Life::Crashed => return,
            Life::Frozen { since } => {
                if self.now > since {
                    actions.push(Action::Thaw(p));
                }
                let todo = process.flight.as_ref().map(|flight| &flight.todo);
                if matches!(todo, Some(Todo::Request { answer: None, .. })) {
                    actions.push(Action::Serve(p));
                }
                return;
            }
            Life::Running => {}
        }
        let busy = process.flight.is_some();
        if left.crashes > 0 && (busy || process.is_unsaved()) {
            actions.push(Action::Crash(p));
        }
        let Some(flight) = &process.flight else {
            let begins =
                process.starts > 0 && self.now <= config.begin_until + 2 * u8::from(process.failed);
            if begins && self.lock.is_none() && self.to_renew(config, p).is_some() {
                actions.push(Action::Start(p));
            }
            if process.is_unsaved() {
                actions.push(Action::SaveAgain(p));
            }
            return;
        };
        if config.saves_meanwhile && process.is_unsaved() {
            actions.push(Action::SaveAgain(p));
        }
        if left.freezes > 0 {
            actions.push(Action::Freeze(p));
        }
        self.enabled_for_todo(flight, p, actions);
    }

    fn enabled_for_todo(&self, flight: &Flight, p: usize, actions: &mut Vec<Action>) {
        let left = &self.left;
        match &flight.todo {
            Todo::Effect(Effect::Wait(wait)) => {
                if self.may_wake(*wait, flight.since) {
                    actions.push(Action::Do(p));
                }
            }
            Todo::Effect(effect) => {
                actions.push(Action::Do(p));
                let store = matches!(effect, Effect::Load | Effect::Replace(_));
                if store && left.freezes > 0 {
                    actions.push(Action::DoAndFreeze(p));
                }
                if store && left.store_faults > 0 {
                    actions.push(Action::StoreFails(p, Fault::WithoutEffect));
                    if matches!(effect, Effect::Replace(_)) {
                        actions.push(Action::StoreFails(p, Fault::WithEffect));
                    }
                }
            }
            Todo::Event(_) => {}
            Todo::Request { answer, .. } => {
                match answer {
                    None => {
                        actions.push(Action::Serve(p));
                        if left.elsewhere > 0 {
                            actions.push(Action::ServeElsewhere(p));
                        }
                        if left.outages > 0 {
                            actions.extend([Action::Unsent(p), Action::Unavailable(p)]);
                        }
                        if left.crashes > 0 {
                            actions.push(Action::CrashAndServe(p));
                        }
                    }
                    Some(_) => actions.push(Action::Answer(p)),
                }
                if left.losses > 0 {
                    actions.push(Action::Lose(p));
                }
            }
        }
    }

    /// What comes of `action`, which is enabled.
    pub(crate) fn after(&self, config: &Config, action: Action) -> State {
        let mut next = self.clone();
        next.take(config, action);
        next
    }

    #[expect(clippy::too_many_lines, reason = "a flat match of all actions")]
    fn take(&mut self, config: &Config, action: Action) {
        match action {
            Action::Tick => {
                self.now += 1;
                self.check_time(config);
            }
            Action::Start(p) => {
                if let Some(stale) = self.to_renew(config, p) {
                    self.start(config, p, stale);
                }
            }
            Action::Do(p) => self.perform_and_step(config, p, None),
            Action::StoreFails(p, fault) => {
                self.left.store_faults -= 1;
                self.perform_and_step(config, p, Some(fault));
            }
            Action::Serve(p) => self.serve(config, p, None),
            Action::ServeElsewhere(p) => {
                self.left.elsewhere -= 1;
                self.serve(config, p, Some(1 - config.parts[p].org));
            }
            Action::Answer(p) => self.deliver(config, p, None),
            Action::Lose(p) => {
                self.left.losses -= 1;
                let retry_after = None;
                self.deliver(config, p, Some(RefreshOutcome::Lost { retry_after }));
            }
            Action::Unsent(p) => self.unused(config, p, true, None),
            Action::Unavailable(p) => self.unused(config, p, false, Some(RETRY_AFTER)),
            Action::Freeze(p) => self.freeze(p),
            Action::DoAndFreeze(p) => {
                let event = self.perform(config, p, None);
                if let (Some(event), Some(flight)) = (event, &mut self.processes[p].flight) {
                    flight.todo = Todo::Event(event);
                }
                self.freeze(p);
            }
            Action::Thaw(p) => {
                self.processes[p].life = Life::Running;
                let flight = self.flight(p);
                if let Some(Todo::Event(event)) = flight.map(|flight| flight.todo.clone()) {
                    self.step(config, p, event);
                }
            }
            Action::Crash(p) => {
                self.left.crashes -= 1;
                self.crash(p);
            }
            Action::CrashAndServe(p) => {
                self.left.crashes -= 1;
                self.serve(config, p, None);
                self.crash(p);
            }
            Action::SaveAgain(p) => self.save_again(config, p),
            Action::Logout(org) => {
                self.left.logouts -= 1;
                self.excuse_organization(org);
                self.revoking = self.store.orgs[org].take().map(|login| login.token);
            }
            Action::Revoke => {
                if let Some(token) = self.revoking.take() {
                    self.server.revoke(token);
                }
            }
            Action::Login(org) => {
                self.left.logins -= 1;
                self.excuse_organization(org);
                let token = self.server.log_in(org);
                let expires = i32::from(self.now) + config.life;
                self.store.apply(org, token, expires);
            }
            Action::CliLoads
            | Action::CliSends
            | Action::CliServed
            | Action::CliAnswered
            | Action::CliWrites => self.take_cli(config),
        }
    }

    fn perform_and_step(&mut self, config: &Config, p: usize, fault: Option<Fault>) {
        if let Some(event) = self.perform(config, p, fault) {
            self.step(config, p, event);
        }
    }

    fn unused(&mut self, config: &Config, p: usize, unsent: bool, retry_after: Option<Duration>) {
        self.left.outages -= 1;
        self.deliver(
            config,
            p,
            Some(RefreshOutcome::Unused {
                unsent,
                retry_after,
            }),
        );
    }

    fn freeze(&mut self, p: usize) {
        let since = self.now;
        self.left.freezes -= 1;
        let process = &mut self.processes[p];
        process.life = Life::Frozen { since };
        if let Some(right) = &mut process.right {
            right.excused = true;
        }
        if let Some(flight) = &mut process.flight {
            flight.watch.froze = true;
            flight.watch.stalled |= matches!(flight.todo, Todo::Effect(Effect::Post(_)));
        }
    }

    /// The CLI reads, sends, and writes what it has read with its new pair, whatever is there.
    fn take_cli(&mut self, config: &Config) {
        let since = self.now;
        self.cli = match self.cli.clone() {
            Cli::Idle => {
                self.left.cli -= 1;
                Cli::Loaded(self.store)
            }
            Cli::Loaded(record) => {
                self.excuse(Excuse::Cli);
                let answer = None;
                Cli::Sent {
                    record,
                    since,
                    answer,
                }
            }
            Cli::Sent {
                record,
                since,
                answer: None,
            } => {
                let token = record.token(0).expect("a login");
                let answer = Some(self.refresh(config, token, None));
                Cli::Sent {
                    record,
                    since,
                    answer,
                }
            }
            Cli::Sent { record, answer, .. } => match answer.flatten() {
                Some(token) => Cli::InHand { record, token },
                None => Cli::Idle,
            },
            Cli::InHand { mut record, token } => {
                record.apply(0, token, i32::from(self.now) + config.life);
                self.store = record;
                Cli::Idle
            }
        };
    }
}
