//! Where a blocking call, or one under trio or gevent, waits for its result, and meanwhile for
//! calls of its client's store that it is to make.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::desk::{Attendance, Home, Place};
use crate::job::StoreCall;
use crate::reply::{Reply, ReplyFuture};
use crate::{errors, process};

#[derive(Default)]
struct State {
    reply: Option<Reply>,
    /// Also where it was lost.
    finished: bool,
    call: Option<StoreCall>,
    /// Whether the caller can make a call now; under trio, its loop always can.
    ready: bool,
}

#[derive(Default)]
pub(crate) struct Waiter {
    state: Mutex<State>,
    arrived: Condvar,
    /// Called when something has arrived, where no thread waits for it.
    bell: OnceLock<Py<PyAny>>,
}

/// What a waiting caller wakes up for.
pub(crate) enum Arrival {
    Reply(Option<Reply>),
    Call(StoreCall),
    /// Nothing, but time has passed.
    Nothing,
}

impl Waiter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what arrived to the code that waits in Python: a call, or nothing for the reply. Gives
    /// it back if no code waits there, or the interpreter is ending.
    fn ring<T>(&self, arrived: T) -> Result<(), T>
    where
        T: for<'py> IntoPyObject<'py>,
    {
        let Some(bell) = self.bell.get() else {
            return Err(arrived);
        };
        let mut left = Some(arrived);
        process::attach(|py| {
            // Whoever does not take the call drops it, and it is made elsewhere.
            let _ = left.take().map(|arrived| bell.call1(py, (arrived,)));
        });
        match left {
            Some(arrived) => Err(arrived),
            None => Ok(()),
        }
    }

    fn finish(&self, reply: Option<Reply>) {
        {
            let mut state = self.state();
            state.reply = reply;
            state.finished = true;
        }
        self.arrived.notify_one();
        let _ = self.ring(None::<StoreCall>);
    }

    fn next(state: &mut State) -> Option<Arrival> {
        if let Some(call) = state.call.take() {
            return Some(Arrival::Call(call));
        }
        state.finished.then(|| Arrival::Reply(state.reply.take()))
    }

    /// Without the GIL: waits until something arrives, or `limit` has passed.
    pub(crate) fn wait(&self, attendance: Option<&Attendance>, limit: Duration) -> Arrival {
        self.set_ready(true, attendance);
        let mut state = self.state();
        let arrival = loop {
            if let Some(arrival) = Self::next(&mut state) {
                break arrival;
            }
            let waited = self.arrived.wait_timeout(state, limit);
            let (guard, end) = waited.unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if end.timed_out() {
                break Self::next(&mut state).unwrap_or(Arrival::Nothing);
            }
        };
        state.ready = false;
        arrival
    }

    fn set_ready(&self, ready: bool, attendance: Option<&Attendance>) {
        self.state().ready = ready;
        if let Some(attendance) = attendance.filter(|_| ready) {
            attendance.ready();
        }
    }
}

impl Place for Waiter {
    fn offer(&self, call: StoreCall) -> Result<(), StoreCall> {
        {
            let mut state = self.state();
            if !state.ready {
                return Err(call);
            }
            if self.bell.get().is_none() {
                state.ready = false;
                state.call = Some(call);
                self.arrived.notify_one();
                return Ok(());
            }
        }
        self.ring(call)
    }
}

/// Wakes the caller even if the work is dropped without a reply.
struct Working(Arc<Waiter>);

impl Drop for Working {
    fn drop(&mut self) {
        if !self.0.state().finished {
            self.0.finish(None);
        }
    }
}

/// A call that is carried out on the background runtime; stopped when dropped.
pub(crate) struct Work {
    pub(crate) waiter: Arc<Waiter>,
    pub(crate) attendance: Option<Attendance>,
    task: AbortHandle,
}

impl Work {
    pub(crate) fn start(
        py: Python<'_>,
        waiter: Arc<Waiter>,
        home: Option<&Home>,
        in_trio: bool,
        future: ReplyFuture,
    ) -> PyResult<Self> {
        let background = errors::guard(py, process::background)?;
        let attendance = home
            .map(|home| home.attend(py, waiter.clone(), in_trio))
            .transpose()?;
        let working = Working(waiter.clone());
        let task = background.spawn(async move {
            let reply = future.await;
            working.0.finish(Some(reply));
        });
        Ok(Self {
            waiter,
            attendance,
            task: task.abort_handle(),
        })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a lost reply means.
pub(crate) fn no_reply() -> PyErr {
    PyRuntimeError::new_err("the call ended without a result")
}

/// A request on its way, for the code that waits for it under trio (`_trio.py`) or gevent
/// (`_gevent.py`).
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct Flight {
    future: Mutex<Option<ReplyFuture>>,
    home: Option<Home>,
    in_trio: bool,
    waiter: Arc<Waiter>,
    work: Mutex<Option<Work>>,
}

impl Flight {
    pub(crate) fn new(future: ReplyFuture, home: Option<Home>, in_trio: bool) -> Self {
        Self {
            future: Mutex::new(Some(future)),
            home,
            in_trio,
            waiter: Arc::default(),
            work: Mutex::default(),
        }
    }

    fn work(&self) -> MutexGuard<'_, Option<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Flight {
    /// Sends the request. `notify` is called, maybe from another thread, with a call of the store
    /// that is to be made, or with None when the answer is there.
    fn start(&self, py: Python<'_>, notify: Py<PyAny>) -> PyResult<()> {
        let future = self
            .future
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(future) = future else {
            return Ok(());
        };
        let _ = self.waiter.bell.set(notify);
        // Trio's loop makes calls whatever its tasks do.
        self.waiter.state().ready = self.in_trio;
        let home = self.home.as_ref();
        let work = Work::start(py, self.waiter.clone(), home, self.in_trio, future)?;
        *self.work() = Some(work);
        Ok(())
    }

    /// Whether the caller can make calls of the store from now on.
    fn ready(&self, ready: bool) {
        let work = self.work();
        let attendance = work.as_ref().and_then(|it| it.attendance.as_ref());
        self.waiter.set_ready(ready, attendance);
    }

    /// Stops the request.
    fn abort(&self) {
        let work = self.work().take();
        drop(work);
    }

    /// What came of it, once.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let reply = self.waiter.state().reply.take();
        let result = match reply {
            Some(reply) => reply(py),
            None => Err(no_reply()),
        };
        self.abort();
        result
    }
}
