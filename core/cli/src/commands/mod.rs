//! The subcommands, one file for each subject.

mod apps;
mod balance;
mod exec;
mod key;
mod request;
mod session;

pub(crate) use exec::become_command;

use crate::{
    arguments::Command,
    context::{Context, End},
    failure::Failure,
};

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
