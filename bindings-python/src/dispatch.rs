//! Carrying out a call of the core: by blocking, or by asyncio.

use std::future::Future;

use parallel_account::{Error, ResponseInfo, ResponseSlot};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::call::Call;
use crate::desk::Home;
use crate::field::Identified;
use crate::job::Serving;
use crate::reply::{Reply, ReplyFuture};
use crate::{blocking, errors, gevent, host_store, seeing, serving};

/// How calls are carried out.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Blocking,
    Asyncio,
}

/// Who makes a call, and where.
pub(crate) struct Caller {
    /// Whose store it serves while it waits.
    pub(crate) home: Option<Home>,
    /// The stores from within whose methods it is made.
    pub(crate) outer: Serving,
    /// Its context variables, if somebody listens to events.
    pub(crate) context: Option<Py<PyAny>>,
}

/// Carries `future` out: its value, or the awaitable of it.
pub(crate) fn dispatch<T>(
    py: Python<'_>,
    mode: Mode,
    caller: Caller,
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
    drive(py, mode, caller, future)
}

fn drive(
    py: Python<'_>,
    mode: Mode,
    caller: Caller,
    mut future: ReplyFuture,
) -> PyResult<Py<PyAny>> {
    let Caller {
        home,
        outer,
        context,
    } = caller;
    if !outer.is_empty() {
        future = Box::pin(host_store::called_from(outer, future));
    }
    if let Some(context) = context {
        future = Box::pin(seeing::in_context(context, future));
    }
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

/// What a call of the Account API brought, and what its answer said besides.
pub(crate) struct ApiResult<T> {
    value: T,
    raw: Option<ResponseInfo>,
}

impl<T: Identified> ApiResult<T> {
    /// Headers become texts only if `raw` asks for them.
    pub(crate) fn new(mut value: T, response: &ResponseSlot, raw: bool) -> Self {
        value.identify(response.request_id());
        Self {
            value,
            raw: raw.then(|| response.take()).flatten(),
        }
    }
}

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for ApiResult<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = self.value.into_bound_py_any(py)?;
        let Some(ResponseInfo {
            status,
            request_id,
            headers,
        }) = self.raw
        else {
            return Ok(value);
        };
        py.import("parallel_account._response")?
            .getattr("RawResponse")?
            .call1((status, request_id, headers, value))
    }
}

/// None, where a call has nothing to say.
pub(crate) struct Nothing;

impl Identified for Nothing {
    fn identify(&mut self, _request_id: Option<String>) {}
}

impl<'py> IntoPyObject<'py> for Nothing {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(py.None().into_bound(py))
    }
}
