//! `exec`: a command that finds the key for the data API in its environment.

use super::{key::VARIABLE, session::printable};
use crate::{
    context::{Context, End},
    failure::Failure,
    output::Output,
};
use std::{ffi::OsString, io, process::Command};

pub(super) async fn run(context: &Context, command: &[OsString]) -> Result<End, Failure> {
    let key = context.client.api_key().await?;
    let (program, arguments) = command.split_first().expect("clap asks for one");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env(VARIABLE, printable(&key, "The API key")?);
    Ok(End::Exec(Box::new(command)))
}

/// Ends as the command ends; on Unix it takes this process over.
pub(crate) fn become_command(mut command: Command, output: &Output) -> u8 {
    let error = match replace(&mut command) {
        Ok(exit) => return exit,
        Err(error) => error,
    };
    // As shells and env(1) have it.
    let exit = match error.kind() {
        io::ErrorKind::NotFound => 127,
        _ => 126,
    };
    let program = command.get_program().to_string_lossy();
    output.fail(&Failure::new(
        exit,
        "exec",
        format!("{program:?} could not be run: {error}. Check the name and PATH."),
    ));
    exit
}

#[cfg(unix)]
fn replace(command: &mut Command) -> io::Result<u8> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> io::Result<u8> {
    let code = command.status()?.code().unwrap_or(1);
    Ok(u8::try_from(code).unwrap_or(1))
}
