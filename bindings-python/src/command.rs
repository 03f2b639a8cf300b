//! The command `parallel-account`, as pip installs it: `_command.py` calls it here.

use std::ffi::OsString;
use std::panic;

use pyo3::prelude::*;

/// As a binary's that panicked, where Python would print a traceback.
const PANICKED: u8 = 101;

/// Runs the command with the arguments after its name, on the streams of this process, and answers
/// its exit code.
#[pyfunction]
pub(crate) fn _run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| panic::catch_unwind(|| parallel_account_cli::run(arguments)).unwrap_or(PANICKED))
}
