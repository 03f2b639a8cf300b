//! The end of the interpreter: it waits for what runs detached, a refresh above all.

use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::{blocking, process};

/// How long the end of the process waits for refreshes and the like that their callers left.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

/// What Python made no thread for any more, to be done by the thread that ends the interpreter.
static LATE: Mutex<Vec<Py<PyAny>>> = Mutex::new(Vec::new());

/// Has `work` done soon, while the interpreter is ending.
#[pyfunction]
pub(crate) fn _do_at_exit(work: Py<PyAny>) {
    let mut late = LATE.lock().unwrap_or_else(PoisonError::into_inner);
    late.push(work);
}

/// Gives what runs detached the time to reach its store. Ctrl-C ends the wait.
#[pyfunction]
fn _settle(py: Python<'_>) -> PyResult<()> {
    const TURN: Duration = Duration::from_millis(20);
    let deadline = Instant::now() + SETTLE_WITHIN;
    let Some(detached) = process::detached_if_any() else {
        return Ok(());
    };
    while Instant::now() < deadline {
        let turn = async { tokio::time::timeout(TURN, detached.settled()).await };
        if blocking::run(py, turn)?.is_ok() {
            break;
        }
        match py.check_signals() {
            Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => break,
            checked => checked?,
        }
        let late = mem::take(&mut *LATE.lock().unwrap_or_else(PoisonError::into_inner));
        for work in late {
            work.call0(py)?;
        }
    }
    Ok(())
}

#[pyfunction]
fn _at_exit(py: Python<'_>) -> PyResult<()> {
    let settled = _settle(py);
    py.detach(process::end);
    settled
}

/// Makes [`process::attach`] safe to use from here on, and the end of the process wait for what runs
/// detached. Each process asks for it anew: what a fork inherits may have been forgotten.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    if !process::watch_begins() {
        return Ok(());
    }
    let at_exit = wrap_pyfunction!(_at_exit, py)?;
    py.import("atexit")?.call_method1("register", (at_exit,))?;
    // Until 3.13, their workers end without what `atexit` knows.
    let modules = py.import("sys")?.getattr("modules")?;
    for name in ["multiprocessing.util", "billiard.util"] {
        if let Ok(util) = modules.get_item(name) {
            let arguments = (py.None(), wrap_pyfunction!(_settle, py)?, (), py.None(), 0);
            util.call_method1("Finalize", arguments)?;
        }
    }
    Ok(())
}
