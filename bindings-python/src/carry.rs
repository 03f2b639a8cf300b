//! Carrying out a call of the core: by blocking, or by asyncio.

use std::future::Future;

use parallel_account::Error;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::call::Call;
use crate::desk::Home;
use crate::job::Serving;
use crate::reply::{Reply, ReplyFuture};
use crate::{blocking, errors, gevent, host_store, serving};

/// How calls are carried out.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Blocking,
    Asyncio,
}

/// Carries `future` out: its value, or the awaitable of it. The call is made from within the
/// methods of the stores `outer`, and serves the store of `home` while it waits.
pub(crate) fn carry<T>(
    py: Python<'_>,
    mode: Mode,
    home: Option<Home>,
    outer: Serving,
    future: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> PyResult<Py<PyAny>>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    // Boxed here, so that what follows is compiled once and not for every call that there is.
    let future: ReplyFuture = Box::pin(async move {
        let result = errors::caught(future).await;
        Box::new(move |py: Python<'_>| finish(py, result, mode)) as Reply
    });
    drive(py, mode, home, outer, future)
}

fn drive(
    py: Python<'_>,
    mode: Mode,
    home: Option<Home>,
    outer: Serving,
    future: ReplyFuture,
) -> PyResult<Py<PyAny>> {
    let future = if outer.is_empty() {
        future
    } else {
        Box::pin(host_store::within(outer, future))
    };
    match mode {
        Mode::Blocking if gevent::is_running(py) => gevent::wait(py, future, home),
        Mode::Blocking => match home {
            None => blocking::run(py, future)?(py),
            Some(home) => serving::run(py, &home, future),
        },
        Mode::Asyncio => Call::new(future, home).into_py_any(py),
    }
}

fn finish<T>(py: Python<'_>, result: Result<T, Error>, mode: Mode) -> PyResult<Py<PyAny>>
where
    T: for<'py> IntoPyObject<'py>,
{
    match result {
        Ok(value) => value.into_py_any(py),
        Err(error) => Err(errors::exception(py, &error, mode == Mode::Blocking)),
    }
}

/// None, where a call has nothing to say.
pub(crate) struct Nothing;

impl<'py> IntoPyObject<'py> for Nothing {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(py.None().into_bound(py))
    }
}
