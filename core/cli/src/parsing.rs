//! From arguments to what they mean, or to what clap says about them.

use crate::{
    arguments::Arguments,
    failure::{BAD_INPUT, Failure},
    output::{Output, to_stderr, to_stdout, use_color},
};
use clap::{CommandFactory, Error, FromArgMatches, error::ErrorKind};
use clap_complete::Shell;
use std::{
    ffi::OsString,
    io::{stderr, stdout},
};

/// The arguments, and whether JSON is wanted. `Err` is the exit code: help, the version or an error
/// has been printed.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<(Arguments, bool), u8> {
    // Where arguments cannot be parsed, the format of the error has to be guessed.
    let json = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json");
    let parsed = Arguments::command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => {
            let json = arguments.global.json;
            Ok((arguments, json))
        }
        Err(error) => Err(answer(&error, json)),
    }
}

/// Prints help and version on standard output, errors on standard error.
fn answer(error: &Error, json: bool) -> u8 {
    let rendered = error.render();
    let colored = |color| match color {
        true => rendered.ansi().to_string(),
        false => rendered.to_string(),
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            to_stdout(&colored(use_color(&stdout())));
            0
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            to_stderr(&colored(use_color(&stderr())));
            BAD_INPUT
        }
        _ if json => {
            let text = rendered.to_string();
            // What follows is the usage, for users.
            let message = text.split("\n\nUsage:").next().unwrap_or(&text);
            let message = message.split("\n\nFor more").next().unwrap_or(message);
            let message = message.strip_prefix("error: ").unwrap_or(message);
            Output::new(true).fail(&Failure::bad_input(message));
            BAD_INPUT
        }
        _ => {
            to_stderr(&colored(use_color(&stderr())));
            BAD_INPUT
        }
    }
}

/// Prints a completion script.
pub(crate) fn complete(shell: Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(
        shell,
        &mut Arguments::command(),
        "parallel-account",
        &mut script,
    );
    let script = String::from_utf8_lossy(&script);
    // Of a name with a hyphen, the script for bash makes two that do not match, so that it completes
    // nothing after a subcommand: https://github.com/clap-rs/clap/issues/6421.
    to_stdout(&script.replace("parallel__subcmd__account", "parallel__account"));
    0
}
