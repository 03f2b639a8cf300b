//! What a call of the core comes to.

use std::future::Future;
use std::pin::Pin;

use pyo3::prelude::*;

/// A finished call, turned into a Python object on the thread that wants it.
pub(crate) type Reply = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
pub(crate) type ReplyFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// An asynchronous call that waits for its reply.
pub(crate) trait Awaited: Send + Sync {
    fn answer(&self, result: PyResult<Py<PyAny>>);

    /// Stops the request. What else waits for it is returned, and to be told by the caller.
    fn abort(&self) -> Option<Py<PyAny>>;
}
