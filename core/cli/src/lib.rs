//! The command `parallel-account`: one function, which the binary, the wheel and the npm package
//! call alike.

use std::ffi::OsString;

/// Runs the command with the arguments after its name, on the streams of this process, and answers
/// its exit code.
pub fn run(arguments: Vec<OsString>) -> u8 {
    let version = arguments.first().is_some_and(|first| first == "--version");
    if version {
        println!("parallel-account {}", env!("CARGO_PKG_VERSION"));
        return 0;
    }
    2
}
