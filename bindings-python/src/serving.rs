//! Blocking calls of a client whose store is written in Python: the calling thread makes the
//! store's calls while it waits.
//!
//! The request itself runs in the background, so that its time limits hold while a store's method
//! keeps the thread.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::desk::Home;
use crate::reply::ReplyFuture;
use crate::waiter::{Arrival, Work, no_reply};
use crate::{blocking, process};

/// Threads that hear no signals wait as long as it takes.
const LONG: Duration = Duration::from_secs(3600);

pub(crate) fn run(py: Python<'_>, home: &Home, future: ReplyFuture) -> PyResult<Py<PyAny>> {
    let signals = blocking::is_main_thread(py);
    let limit = if signals {
        blocking::SIGNAL_CHECK
    } else {
        LONG
    };
    let work = Work::start(py, Arc::default(), Some(home), false, future)?;
    loop {
        let arrival = py.detach(|| work.waiter.wait(work.attendance.as_ref(), limit));
        match arrival {
            Arrival::Reply(Some(reply)) => return reply(py),
            Arrival::Reply(None) => return Err(no_reply()),
            Arrival::Call(call) => {
                let calls = py.import("parallel_account._store_calls")?;
                // Set before any code of Python's runs: a signal handler that calls the client
                // from there on would wait for what this thread is about to do.
                let serving = calls.getattr("serving")?;
                let stores = PyTuple::new(py, call.serving())?;
                let outside = serving.call_method1("set", (stores,))?;
                let call = (call,).into_pyobject(py)?;
                let run = process::call_out(&calls.getattr("run_here")?, &call);
                serving.call_method1("reset", (outside,))?;
                run?;
            }
            Arrival::Nothing if signals => py.check_signals()?,
            Arrival::Nothing => {}
        }
    }
}
