//! Traces that can be read.

use super::super::machine::{Change, Effect};
use super::actions::Action;
use super::process::Todo;
use super::state::{Fault, State};

impl State {
    /// `action`, which comes next, in words.
    pub(crate) fn describe(&self, action: Action) -> String {
        match action {
            Action::Tick => "time passes".into(),
            Action::Start(p) => format!("{p} starts"),
            Action::Do(p) => format!("{p} {}", self.effect(p)),
            Action::StoreFails(p, Fault::WithoutEffect) => {
                format!("{p} fails: {}", self.effect(p))
            }
            Action::StoreFails(p, Fault::WithEffect) => {
                format!("{p} {} and hears of a failure", self.effect(p))
            }
            Action::Serve(p) => format!("the server takes {p}'s request"),
            Action::ServeElsewhere(p) => {
                format!("the server takes {p}'s request, for the other organization")
            }
            Action::Answer(p) => format!("{p} gets the answer"),
            Action::Lose(p) => format!("{p} gets no answer"),
            Action::Unsent(p) => format!("{p} cannot send"),
            Action::Unavailable(p) => format!("{p} is told to come back later"),
            Action::Freeze(p) => format!("{p} is stopped"),
            Action::DoAndFreeze(p) => format!("{p} {} and is stopped", self.effect(p)),
            Action::Thaw(p) => format!("{p} continues"),
            Action::Crash(p) => format!("{p} dies"),
            Action::CrashAndServe(p) => format!("{p} dies, and the server takes its request"),
            Action::SaveAgain(p) => format!("{p} saves what it could not"),
            Action::Logout(org) => format!("logout of organization {org}"),
            Action::Revoke => "its login is revoked".into(),
            Action::Login(org) => format!("new login for organization {org}"),
            Action::CliLoads => "the CLI loads".into(),
            Action::CliSends => "the CLI sends".into(),
            Action::CliServed => "the server takes the CLI's request".into(),
            Action::CliAnswered => "the CLI gets the answer".into(),
            Action::CliWrites => "the CLI writes".into(),
        }
    }

    fn effect(&self, p: usize) -> String {
        match self.flight(p).map(|flight| &flight.todo) {
            Some(Todo::Effect(Effect::Replace(Change::Claim(_)))) => "swaps: Claim".into(),
            Some(Todo::Effect(Effect::Replace(change))) => format!("swaps: {change:?}"),
            Some(Todo::Effect(Effect::Load)) => "loads".into(),
            Some(Todo::Effect(Effect::Post(token))) => format!("sends token {token}"),
            Some(Todo::Effect(Effect::Wait(_))) => "has waited".into(),
            Some(Todo::Effect(Effect::Revoke)) => "revokes".into(),
            _ => "continues".into(),
        }
    }
}
