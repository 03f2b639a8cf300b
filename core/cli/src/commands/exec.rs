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

/// Ends as the command ends; on Unix it takes this process over, on Windows it is waited for.
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

#[cfg(windows)]
fn replace(command: &mut Command) -> io::Result<u8> {
    /// `STATUS_CONTROL_C_EXIT`.
    const INTERRUPTED: i32 = 0xC000_013A_u32 as i32;
    // Ctrl-C is for the command. Its shell waits for this process, which must not end before it.
    let _listening = crate::signals::Interruptions::new()?;
    let status = match command.status() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match script(command) {
            Some(mut script) => script.status()?,
            None => return Err(error),
        },
        status => status?,
    };
    Ok(match status.code() {
        Some(INTERRUPTED) => 130,
        // Zero must stay zero, and nothing else may become it.
        code => code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
    })
}

/// The same command with the batch file that it names without its ending, as npm and others
/// install them: the system itself looks for `.exe` only.
#[cfg(windows)]
fn script(command: &Command) -> Option<Command> {
    use std::{env, path::Path};
    let program = command.get_program();
    let folders = match Path::new(program).components().count() {
        1 => env::split_paths(&env::var_os("PATH")?).collect(),
        _ => vec![Path::new("").to_owned()],
    };
    let path = folders.iter().find_map(|folder| {
        [".bat", ".cmd"].iter().find_map(|ending| {
            let mut path = folder.join(program).into_os_string();
            path.push(ending);
            Path::new(&path).is_file().then_some(path)
        })
    })?;
    let mut script = Command::new(path);
    script.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    Some(script)
}
