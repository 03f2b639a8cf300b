//! A call that a trio task waits for; `_trio.py` does the waiting.
//!
//! Less is batched than for asyncio: each call wakes trio by itself.

use pyo3::intern;
use pyo3::prelude::*;

use crate::desk::Home;
use crate::reply::ReplyFuture;
use crate::waiter::Flight;

/// Whether the caller is a task of trio. Imports nothing.
pub(crate) fn is_running(py: Python<'_>) -> bool {
    let ask = || -> PyResult<bool> {
        let modules = py.import(intern!(py, "sys"))?.getattr("modules")?;
        let trio = modules.get_item("trio")?;
        trio.getattr("lowlevel")?
            .call_method0("in_trio_task")?
            .extract()
    };
    ask().unwrap_or(false)
}

/// The iterator by which a trio task awaits `future`.
pub(crate) fn wait(py: Python<'_>, future: ReplyFuture, home: Option<Home>) -> PyResult<Py<PyAny>> {
    let flight = Flight::new(future, home, true);
    let waiting = py
        .import("parallel_account._trio")?
        .call_method1("wait", (flight,))?;
    Ok(waiting.call_method0("__await__")?.unbind())
}
