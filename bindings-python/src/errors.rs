//! Errors of the core as Python exceptions; the classes are Python's own, in `_errors.py`.

use std::any::Any;
use std::error::Error as StdError;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::{fmt, io};

use futures_util::FutureExt;
use parallel_account::{Error, ErrorKind, FieldError};
use pyo3::exceptions::{PyException, PyOSError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::process;

/// What a store written in Python raised; it becomes the `__cause__` again.
#[derive(Debug)]
pub(crate) struct HostError(pub(crate) PyErr);

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = process::attach(|py| {
            let error = self.0.value(py);
            let name = error.get_type().name()?;
            // The name only: the message of a foreign exception may quote the record.
            if error.is_instance(class(py)?)? {
                let message = error.to_string();
                return Ok(format!("{name}: {}", message.trim_end_matches('.')));
            }
            PyResult::Ok(name.to_string())
        });
        match words {
            Some(Ok(words)) => f.write_str(&words),
            _ => f.write_str("exception in Python"),
        }
    }
}

impl StdError for HostError {}

/// The exception for `error`, its causes chained.
pub(crate) fn exception(py: Python<'_>, error: &Error, blocking: bool) -> PyErr {
    if error.kind() == ErrorKind::Cancelled {
        return cancelled(py, blocking);
    }
    match build(py, error) {
        Ok(exception) => {
            if let Some(source) = error.source() {
                exception.set_cause(py, Some(cause(py, source)));
            }
            exception
        }
        Err(problem) => problem,
    }
}

/// A bad option that the core never gets to see.
pub(crate) fn config(py: Python<'_>, message: &str) -> PyErr {
    let details = PyDict::new(py);
    make(py, ErrorKind::Config.code(), message, &details).unwrap_or_else(|problem| problem)
}

/// Why the system refused tokio a thread, where a panic says so.
fn refused_thread(message: &(dyn Any + Send)) -> Option<&str> {
    let message = message.downcast_ref::<String>()?;
    message.strip_prefix("OS can't spawn worker thread: ")
}

/// A panic's message stays out of the error: it could quote what it choked on.
fn panicked<T>(message: Box<dyn Any + Send>) -> Result<T, Error> {
    Err(match refused_thread(&*message) {
        Some(why) => Error::no_resources("A thread", io::Error::other(why)),
        None => Error::internal("a panic was caught"),
    })
}

/// The same future, whose panics become errors.
pub(crate) fn caught<T>(
    future: impl Future<Output = Result<T, Error>>,
) -> impl Future<Output = Result<T, Error>> {
    AssertUnwindSafe(future)
        .catch_unwind()
        .map(|result| result.unwrap_or_else(panicked))
}

/// The same for what cannot be awaited.
pub(crate) fn guard<T>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(panicked)
        .map_err(|error| exception(py, &error, true))
}

/// Has panics of this module say where they were, and not what: that could hold a secret.
pub(crate) fn quieten_panics() {
    panic::set_hook(Box::new(|panic| {
        if refused_thread(panic.payload()).is_some() {
            return;
        }
        let place = panic.location().map(ToString::to_string);
        eprintln!(
            "parallel_account: a bug at {}. Please report it.",
            place.as_deref().unwrap_or("an unknown place")
        );
    }));
}

/// `AccountError`.
fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "parallel_account._errors", "AccountError")
}

fn cancelled(py: Python<'_>, blocking: bool) -> PyErr {
    let module = if blocking {
        "concurrent.futures"
    } else {
        "asyncio"
    };
    let class = py
        .import(module)
        .and_then(|it| it.getattr("CancelledError"));
    match class.and_then(|class| class.call1(("The call was cancelled.",))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(problem) => problem,
    }
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let details = PyDict::new(py);
    details.set_item("status", error.status())?;
    details.set_item("request_id", error.request_id())?;
    details.set_item(
        "retry_after",
        error.retry_after().map(|it| it.as_secs_f64()),
    )?;
    details.set_item("retryable", error.retryable())?;
    details.set_item("outcome_unknown", error.outcome_unknown())?;
    details.set_item("idempotency_key", error.idempotency_key())?;
    if matches!(
        error.kind(),
        ErrorKind::OAuth
            | ErrorKind::AccessDenied
            | ErrorKind::LoginExpired
            | ErrorKind::LoginRequired
    ) {
        details.set_item("error", error.oauth_error())?;
        details.set_item("description", error.description())?;
    }
    if error.kind() == ErrorKind::InvalidRequest {
        let fields: Vec<_> = error
            .fields()
            .iter()
            .map(
                |FieldError {
                     location,
                     message,
                     error_type,
                 }| (location, message, error_type),
            )
            .collect();
        details.set_item("fields", fields)?;
    }
    make(py, error.code(), error.message(), &details)
}

fn make(py: Python<'_>, code: &str, message: &str, details: &Bound<'_, PyDict>) -> PyResult<PyErr> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let exception = MAKE
        .import(py, "parallel_account._errors", "make_error")?
        .call1((code, message, details))?;
    Ok(PyErr::from_value(exception))
}

/// The reason beneath: what a store raised, the system's error with its number, or the words.
fn cause(py: Python<'_>, source: &(dyn StdError + 'static)) -> PyErr {
    if let Some(HostError(error)) = source.downcast_ref() {
        return error.clone_ref(py);
    }
    if let Some(error) = source.downcast_ref::<Error>() {
        return exception(py, error, true);
    }
    let exception = match source.downcast_ref::<io::Error>() {
        Some(error) => match error.raw_os_error() {
            Some(number) => PyOSError::new_err((number, error.to_string())),
            None => PyOSError::new_err(error.to_string()),
        },
        None => PyException::new_err(source.to_string()),
    };
    if let Some(source) = source.source() {
        exception.set_cause(py, Some(cause(py, source)));
    }
    exception
}

/// The exception itself, for a value that carries one (an `offline` event).
pub(crate) fn value(py: Python<'_>, error: &Error) -> Py<PyAny> {
    exception(py, error, true).into_value(py).into_any()
}
