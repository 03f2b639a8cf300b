//! A call that a trio task waits for; `_trio.py` does the waiting.
//!
//! Less is batched than for asyncio: each call wakes trio by itself.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::carry::{Reply, ReplyFuture};
use crate::{errors, process};

/// A request on its way.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct Flight {
    future: Mutex<Option<ReplyFuture>>,
    task: OnceLock<AbortHandle>,
    reply: Arc<Mutex<Option<Reply>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl Flight {
    /// Sends the request; `notify` is called from another thread when the answer is there.
    fn start(&self, py: Python<'_>, notify: Py<PyAny>) -> PyResult<()> {
        let background = errors::guard(py, process::background)?;
        let Some(future) = lock(&self.future).take() else {
            return Ok(());
        };
        let slot = self.reply.clone();
        let task = background.spawn(async move {
            let reply = future.await;
            *lock(&slot) = Some(reply);
            // It fails when trio has ended: nobody waits then.
            process::attach(|py| notify.call0(py).is_ok());
        });
        let _ = self.task.set(task.abort_handle());
        Ok(())
    }

    /// Stops the request.
    fn abort(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// What came of it, once.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let reply = lock(&self.reply).take();
        match reply {
            Some(reply) => reply(py),
            None => Err(PyRuntimeError::new_err("this call has no answer yet")),
        }
    }
}

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
pub(crate) fn wait(py: Python<'_>, future: ReplyFuture) -> PyResult<Py<PyAny>> {
    let flight = Flight {
        future: Mutex::new(Some(future)),
        task: OnceLock::new(),
        reply: Arc::default(),
    };
    let waiting = py
        .import("parallel_account._trio")?
        .call_method1("wait", (flight,))?;
    Ok(waiting.call_method0("__await__")?.unbind())
}
