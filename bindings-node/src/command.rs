//! The command `parallel-account`, which the package's `bin` runs on the main thread of a process of
//! its own.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::catch_unwind;

use napi_derive::napi;

/// Runs the command with the arguments after its name and answers its exit code.
#[napi]
pub fn run_command(arguments: Vec<String>) -> u32 {
    undo_node();
    let arguments = as_given(arguments);
    // What a binary ends with when its `main` panics; the message is on standard error.
    let code = catch_unwind(|| parallel_account_cli::run(arguments)).unwrap_or(101);
    // Rust flushes what ends without a line break only where `main` is its own. Nobody is left to
    // tell of an error.
    let _ = io::stdout().flush();
    code.into()
}

/// The arguments as the system has them: in Node's copies, what is not Unicode is replaced.
fn as_given(copies: Vec<String>) -> Vec<OsString> {
    let all: Vec<OsString> = env::args_os().collect();
    // Those before are Node's own. With musl there are none, as it tells a library nothing of them.
    let given = &all[all.len().saturating_sub(copies.len())..];
    let mut pairs = given.iter().zip(&copies);
    if given.len() == copies.len() && pairs.all(|(given, copy)| given.to_string_lossy() == *copy) {
        return given.to_vec();
    }
    copies.into_iter().map(OsString::from).collect()
}

/// Takes back what Node does to a process when it starts, as far as it shows in the command.
///
/// A handler of the command's for Ctrl-C would call Node's, which raises the signal again, so that the
/// process never ends; and a program that `exec` starts would inherit what is ignored, and find its
/// standard streams closed. (Rust itself sees to SIGPIPE.)
#[cfg(unix)]
#[allow(
    unsafe_code,
    reason = "the standard library has no calls for signals and descriptors"
)]
fn undo_node() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGXFSZ] {
        // SAFETY: the system's own way to handle a signal runs no code of this process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    for stream in [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        // SAFETY: changes one flag of a descriptor; FD_CLOEXEC is the only one that there is.
        unsafe { libc::fcntl(stream, libc::F_SETFD, 0) };
    }
}

#[cfg(not(unix))]
fn undo_node() {}
