//! The binary that `cargo install` makes.

use std::process::ExitCode;

fn main() -> ExitCode {
    parallel_account_cli::run(std::env::args_os().skip(1).collect()).into()
}
