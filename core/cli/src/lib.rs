//! The command `parallel-account`: one function, which the binary, the wheel and the npm package
//! call alike.

mod amount;
mod arguments;
mod commands;
mod context;
mod failure;
mod keyboard;
mod login;
mod output;
mod parsing;
mod quoting;
#[cfg(test)]
mod reference;
mod signals;
mod terminal;
mod times;

use arguments::{Arguments, Command};
use commands::become_command;
use context::{Context, End};
use failure::{Failure, io_failure};
use output::Output;
use signals::Interruptions;
use std::{ffi::OsString, time::Duration};
use tokio::{runtime::Builder, time::timeout};

/// How long work that must not be lost half-way, such as a refresh, may hold up the end of the
/// command.
const SETTLING: Duration = Duration::from_secs(5);
/// The same for a login that Ctrl-C has cancelled: what it still has to revoke takes one request.
const SETTLING_CANCELLED: Duration = Duration::from_secs(1);

/// Runs the command with the arguments after its name, on the streams of this process, and answers
/// its exit code. Blocks.
///
/// The process is expected to end afterwards: handlers of SIGINT, SIGTERM and SIGHUP stay
/// installed. On Unix, `exec` does not return if it succeeds, because its command takes this
/// process over; on Windows it returns the command's exit code.
pub fn run(arguments: Vec<OsString>) -> u8 {
    match parsing::parse(arguments) {
        Ok((arguments, json)) => run_parsed(&arguments, json),
        Err(exit) => exit,
    }
}

fn run_parsed(arguments: &Arguments, json: bool) -> u8 {
    if let Command::Completion { shell } = arguments.command {
        return parsing::complete(shell);
    }
    let ended = Context::new(&arguments.global, &arguments.command, json)
        .and_then(|context| drive(&context, &arguments.command));
    let output = Output::new(json);
    match ended {
        Ok(End::Done) => 0,
        Ok(End::Exit(exit)) => exit,
        Ok(End::Exec(command)) => become_command(*command, &output),
        Err(failure) => {
            output.fail(&failure);
            failure.exit
        }
    }
}

/// Runs the command to its end, or to the signal that ends it.
fn drive(context: &Context, command: &Command) -> Result<End, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| io_failure("The command could not be started", &error))?;
    let ended = runtime.block_on(async {
        let mut interruptions = Interruptions::new()
            .map_err(|error| io_failure("Signals cannot be received", &error))?;
        let (ended, interrupted) = tokio::select! {
            biased;
            exit = interruptions.next() => (Err(context.interrupted(exit)), true),
            ended = commands::run(context, command) => (ended, false),
        };
        let patience = match (command, interrupted) {
            (Command::Login(_), true) => SETTLING_CANCELLED,
            _ => SETTLING,
        };
        if interrupted && patience == SETTLING && !context.client.is_settled() {
            context.output.say(
                "Waiting for a response that must not be lost. Interrupt again to end at once.",
            );
        }
        tokio::select! {
            _ = interruptions.next() => {}
            _ = timeout(patience, context.client.settled()) => {}
        }
        ended
    });
    // A thread that reads from a silent pipe would hold the process up.
    runtime.shutdown_background();
    ended
}
