//! The subcommands, one file for each subject.

mod apps;
mod balance;
mod exec;
mod key;
mod request;
mod session;

pub(crate) use exec::become_command;

use crate::{
    arguments::{Command, Global},
    failure::Failure,
    output::Output,
};
use parallel_account::{AccountClient, FileStore};
use std::{process, time::Duration};

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
        })
    }
}

/// Does what was asked.
pub(crate) async fn run(context: &Context, command: &Command) -> Result<End, Failure> {
    match command {
        Command::Login(options) => crate::login::run(context, options).await,
        Command::Logout { all } => session::logout(context, *all).await,
        Command::Status => session::status(context).await,
        Command::Token => session::token(context).await,
        Command::Orgs(command) => session::organizations(context, command).await,
        Command::Balance(command) => balance::run(context, command).await,
        Command::Apps(command) => apps::apps(context, command).await,
        Command::Keys(command) => apps::keys(context, command).await,
        Command::Key { renew } => key::key(context, *renew).await,
        Command::Env { format } => key::env(context, *format).await,
        Command::Exec { command } => exec::run(context, command).await,
        Command::Request(request) => request::run(context, request).await,
        // It needs no client.
        Command::Completion { .. } => Ok(End::Done),
    }
}
