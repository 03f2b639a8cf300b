//! The awaitable of an asynchronous call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::desk::{Attendance, Home};
use crate::event_loop::{self, Mailbox};
use crate::reply::{Awaited, ReplyFuture};
use crate::{errors, process, trio};

enum State {
    New(ReplyFuture, Option<Home>),
    Waiting {
        mailbox: Arc<Mailbox>,
        id: u64,
        task: AbortHandle,
        /// Serves the store of its client while it waits.
        _attendance: Option<Attendance>,
    },
    Answered(PyResult<Py<PyAny>>),
    /// Trio's own waiting, which all is handed on to.
    Trio(Py<PyAny>),
    Done,
}

/// Starts when it is first awaited, like a coroutine; stops at once when the coroutine that
/// awaits it is cancelled or closed.
///
/// It waits by an ordinary asyncio future that never carries a result or an exception, so that
/// asyncio has nothing to complain about when nobody looks at it any more.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct Call(Mutex<State>);

impl Call {
    pub(crate) fn new(future: ReplyFuture, home: Option<Home>) -> Self {
        Self(Mutex::new(State::New(future, home)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, state: State) -> State {
        std::mem::replace(&mut *self.state(), state)
    }

    /// Stops the request; trio's waiting is to be told by the caller.
    fn abort(&self) -> Option<Py<PyAny>> {
        match self.replace(State::Done) {
            State::Waiting {
                mailbox, id, task, ..
            } => {
                // In a forked child the task is a picture of the parent's.
                if mailbox.is_ours() {
                    task.abort();
                }
                mailbox.forget(id);
                None
            }
            State::Trio(waiting) => Some(waiting),
            State::New(..) | State::Answered(_) | State::Done => None,
        }
    }

    fn start(
        slf: &Bound<'_, Self>,
        event_loop: &Bound<'_, PyAny>,
        mailbox: Arc<Mailbox>,
        future: ReplyFuture,
        home: Option<Home>,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let background = errors::guard(py, process::background)?;
        let waiter = event_loop.call_method0(intern!(py, "create_future"))?;
        // What `yield` in `Future.__await__` does.
        waiter.setattr(intern!(py, "_asyncio_future_blocking"), true)?;
        let id = mailbox.expect(Box::new(slf.clone().unbind()), waiter.clone().unbind());
        let attendance = home
            .map(|home| home.attend(py, mailbox.clone(), false))
            .transpose()?;
        let to = mailbox.clone();
        let task = background
            .spawn(async move {
                let reply = future.await;
                to.finish(id, reply);
            })
            .abort_handle();
        slf.get().replace(State::Waiting {
            mailbox,
            id,
            task,
            _attendance: attendance,
        });
        Ok(waiter.unbind())
    }
}

impl Awaited for Py<Call> {
    fn answer(&self, result: PyResult<Py<PyAny>>) {
        let previous = self.get().replace(State::Answered(result));
        drop(previous);
    }

    fn abort(&self) -> Option<Py<PyAny>> {
        self.get().abort()
    }
}

#[pymethods]
impl Call {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Self::send(slf, &slf.py().None().into_bound(slf.py()))
    }

    fn send(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let state = slf.get().replace(State::Done);
        match state {
            State::New(future, home) => match event_loop::current(py)? {
                Some((event_loop, mailbox)) => Self::start(slf, &event_loop, mailbox, future, home),
                None => {
                    let waiting = trio::wait(py, future, home)?;
                    slf.get().replace(State::Trio(waiting.clone_ref(py)));
                    waiting.call_method1(py, intern!(py, "send"), (value,))
                }
            },
            State::Answered(Ok(value)) => Err(PyStopIteration::new_err((value,))),
            State::Answered(Err(error)) => Err(error),
            State::Trio(waiting) => {
                slf.get().replace(State::Trio(waiting.clone_ref(py)));
                waiting.call_method1(py, intern!(py, "send"), (value,))
            }
            waiting @ State::Waiting { .. } => {
                slf.get().replace(waiting);
                Err(PyRuntimeError::new_err(
                    "this call is being awaited already",
                ))
            }
            State::Done => Err(PyRuntimeError::new_err(
                "this call has been awaited already",
            )),
        }
    }

    #[pyo3(signature = (exception, value=None, _traceback=None))]
    fn throw(
        &self,
        py: Python<'_>,
        exception: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let error = value.unwrap_or(exception);
        match self.abort() {
            Some(waiting) => waiting.call_method1(py, intern!(py, "throw"), (error,)),
            None => Err(PyErr::from_value(error)),
        }
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.abort() {
            Some(waiting) => waiting.call_method0(py, intern!(py, "close")).map(drop),
            None => Ok(()),
        }
    }
}
