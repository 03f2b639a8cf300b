//! Blocking calls made by a greenlet of gevent: `_gevent.py` does the waiting, so that the other
//! greenlets of the thread run meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::desk::Home;
use crate::process;
use crate::reply::ReplyFuture;
use crate::waiter::Flight;

/// Whether other greenlets may run in this thread. Imports nothing.
pub(crate) fn is_running(py: Python<'_>) -> bool {
    static MODULES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ask = || -> PyResult<bool> {
        let modules = MODULES.import(py, "sys", "modules")?;
        if modules.contains(intern!(py, "eventlet"))? {
            warn_of_eventlet(py)?;
        }
        if !modules.contains(intern!(py, "gevent"))? {
            return Ok(false);
        }
        py.import("parallel_account._gevent")?
            .call_method0("is_running")?
            .extract()
    };
    ask().unwrap_or(false)
}

/// Once per process: eventlet's green threads stand still during a blocking call.
fn warn_of_eventlet(py: Python<'_>) -> PyResult<()> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.load(Ordering::Relaxed) {
        let module = py.import("parallel_account._gevent")?;
        let warned = module.call_method0("warn_of_eventlet")?.is_truthy()?;
        WARNED.store(warned, Ordering::Relaxed);
    }
    Ok(())
}

pub(crate) fn wait(py: Python<'_>, future: ReplyFuture, home: Option<Home>) -> PyResult<Py<PyAny>> {
    let flight = Flight::new(future, home, false);
    let wait = py.import("parallel_account._gevent")?.getattr("wait")?;
    process::call_out(&wait, &(flight,).into_pyobject(py)?).map(Bound::unbind)
}
