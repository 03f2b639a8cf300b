//! What every command acts with, and how it ends.

use crate::{
    arguments::{Command, Global},
    failure::{Failure, INTERRUPTED},
    output::Output,
};
use parallel_account::{AccountClient, FileStore};
use std::{cell::RefCell, process, time::Duration};

/// How a command ends, unless it fails.
pub(crate) enum End {
    Done,
    /// Nothing failed, and the answer is in the exit code.
    Exit(u8),
    /// This process is to become another.
    Exec(Box<process::Command>),
}

/// What every command acts with.
pub(crate) struct Context {
    pub(crate) client: AccountClient,
    pub(crate) output: Output,
    pub(crate) timeout: Option<Duration>,
    /// What an interruption means from now on.
    under_way: RefCell<Option<Failure>>,
}

impl Context {
    /// Nothing is read or sent yet.
    pub(crate) fn new(global: &Global, command: &Command, json: bool) -> Result<Self, Failure> {
        let mut builder = AccountClient::builder()
            .client_name(&global.client_name)
            .user_agent(concat!("parallel-account-cli/", env!("CARGO_PKG_VERSION")));
        if let Some(organization) = &global.org {
            builder = builder.organization(organization);
        }
        builder = match (&global.store, global.parallel_cli) {
            (Some(_), true) => {
                return Err(Failure::bad_input(
                    "--store and --parallel-cli exclude each other. Leave one out.",
                ));
            }
            (Some(path), false) => builder.store(FileStore::new(path)),
            (None, true) => builder.store(FileStore::parallel_cli()?),
            (None, false) => builder,
        };
        // A login's timeout is for its user; what it sends has the usual limits.
        if let (Some(timeout), false) = (global.timeout, matches!(command, Command::Login(_))) {
            builder = builder.deadline(timeout);
        }
        Ok(Context {
            client: builder.build()?,
            output: Output::new(json),
            timeout: global.timeout,
            under_way: RefCell::default(),
        })
    }

    /// Before a request whose repetition could do a thing twice: where the command is interrupted,
    /// `advice` says what may have been done, and how to continue.
    pub(crate) fn sending(&self, advice: &str) {
        let mut failure = Failure::interrupted(INTERRUPTED).advised(advice);
        failure.outcome_unknown = true;
        self.on_interruption(failure);
    }

    /// The same with all that is to be said, its exit code excepted.
    pub(crate) fn on_interruption(&self, failure: Failure) {
        self.under_way.replace(Some(failure));
    }

    /// `exit` as after a signal: 128 and its number.
    pub(crate) fn interrupted(&self, exit: u8) -> Failure {
        let failure = self.under_way.take();
        let mut failure = failure.unwrap_or_else(|| Failure::interrupted(exit));
        failure.exit = exit;
        failure
    }
}
