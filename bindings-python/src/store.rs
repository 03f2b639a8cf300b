//! Stores: the core's own for Python, and Python's own for the core.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use parallel_account::{CredentialStore, Error, StoreFuture, StoreLock};
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyWeakrefReference};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::errors::{self, HostError};
use crate::{blocking, process};

/// A store that the core brings along; the base of `MemoryStore` and `FileStore`.
#[pyclass(frozen, subclass, module = "parallel_account._native")]
pub(crate) struct NativeStore {
    store: Arc<dyn CredentialStore>,
}

impl NativeStore {
    fn run<T: Send>(py: Python<'_>, future: StoreFuture<'_, T>) -> PyResult<T> {
        blocking::run(py, errors::caught(future))?
            .map_err(|error| errors::exception(py, &error, true))
    }
}

#[pymethods]
impl NativeStore {
    /// The record as one opaque string, or None. It holds secrets.
    fn load(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Self::run(py, self.store.load())
    }

    /// Replaces the record; it survives a crash once this returns.
    fn save(&self, py: Python<'_>, record: String) -> PyResult<()> {
        Self::run(py, self.store.save(record))
    }

    /// Removes the record; none is fine.
    fn delete(&self, py: Python<'_>) -> PyResult<()> {
        Self::run(py, self.store.delete())
    }

    /// Where the record is, for people.
    #[getter]
    fn location(&self) -> String {
        self.store.location()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class = slf.get_type().name()?;
        Ok(format!("<{class} {:?}>", slf.get().store.location()))
    }
}

/// Keeps the credentials in memory only. `record` is what another store's `load()` gave.
#[pyclass(frozen, extends = NativeStore, module = "parallel_account")]
pub(crate) struct MemoryStore;

#[pymethods]
impl MemoryStore {
    #[new]
    #[pyo3(signature = (record = None))]
    fn new(record: Option<String>) -> PyClassInitializer<Self> {
        let store = Arc::new(parallel_account::MemoryStore::new(record));
        PyClassInitializer::from(NativeStore { store }).add_subclass(Self)
    }
}

/// Keeps the credentials in a file that only its owner may read, shared safely between processes.
#[pyclass(frozen, extends = NativeStore, module = "parallel_account")]
pub(crate) struct FileStore;

impl FileStore {
    fn of(
        py: Python<'_>,
        store: parallel_account::Result<parallel_account::FileStore>,
    ) -> PyResult<Py<Self>> {
        let store = store.map_err(|error| errors::exception(py, &error, true))?;
        Py::new(py, Self::around(store))
    }

    fn around(store: parallel_account::FileStore) -> PyClassInitializer<Self> {
        let store = Arc::new(store);
        PyClassInitializer::from(NativeStore { store }).add_subclass(Self)
    }
}

#[pymethods]
impl FileStore {
    #[new]
    fn new(path: PathBuf) -> PyClassInitializer<Self> {
        Self::around(parallel_account::FileStore::new(path))
    }

    /// The file that a client of this name uses when it is given no store.
    #[staticmethod]
    fn default_for(py: Python<'_>, client_name: &str) -> PyResult<Py<Self>> {
        Self::of(py, parallel_account::FileStore::default_for(client_name))
    }

    /// The file of Parallel's own command, `parallel-cli`: its login is this client's, and the
    /// reverse.
    #[staticmethod]
    fn parallel_cli(py: Python<'_>) -> PyResult<Py<Self>> {
        Self::of(py, parallel_account::FileStore::parallel_cli())
    }
}

/// A store written in Python. Its methods run on threads of Python's own, never on one that the core
/// needs; coroutines run on the event loop that last made a call.
pub(crate) struct HostStore {
    object: Py<PyAny>,
    timeout: Duration,
    has_lock: bool,
    name: String,
    event_loop: Mutex<Option<Py<PyWeakrefReference>>>,
}

/// What `store=` was given.
pub(crate) enum Given {
    Native(Arc<dyn CredentialStore>),
    Host(Arc<HostStore>),
}

pub(crate) fn given(object: &Bound<'_, PyAny>, timeout: Duration) -> PyResult<Given> {
    if let Ok(native) = object.cast::<NativeStore>() {
        return Ok(Given::Native(native.get().store.clone()));
    }
    for method in ["load", "save", "delete"] {
        if !object
            .getattr_opt(method)?
            .is_some_and(|it| it.is_callable())
        {
            let message = format!(
                "store must have the methods load(), save(record) and delete(); this {} has no {method}",
                object.get_type().name()?
            );
            return Err(errors::config(object.py(), &message));
        }
    }
    process::watch_exit(object.py())?;
    Ok(Given::Host(Arc::new(HostStore {
        has_lock: object.hasattr("lock")?,
        name: object.get_type().name()?.to_string(),
        object: object.clone().unbind(),
        timeout,
        event_loop: Mutex::new(None),
    })))
}

impl HostStore {
    /// Coroutines of the store are to run on this loop from now on.
    pub(crate) fn note_event_loop(&self, py: Python<'_>) -> PyResult<()> {
        let Ok(running) = py.import("asyncio")?.call_method0("get_running_loop") else {
            return Ok(());
        };
        let reference = PyWeakrefReference::new(&running)?.unbind();
        let previous = self.slot().replace(reference);
        drop(previous);
        Ok(())
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Py<PyWeakrefReference>>> {
        self.event_loop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts `_stores.<helper>(store, event loop or None, timeout, …)`.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        helper: &str,
        rest: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
    ) -> PyResult<()> {
        let event_loop = self.slot().as_ref().map(|it| it.clone_ref(py));
        py.import("parallel_account._stores")?.call_method1(
            helper,
            (
                &self.object,
                event_loop,
                self.timeout.as_secs_f64(),
                rest.into_pyobject(py)?,
            ),
        )?;
        Ok(())
    }

    fn failed(&self, what: &str, error: Option<PyErr>) -> Error {
        let name = &self.name;
        match error {
            Some(error) => {
                let error = HostError(error);
                Error::store(
                    format!("The credential store {name} failed in {what}(): {error}."),
                    Some(Box::new(error)),
                )
            }
            None => Error::store(
                format!(
                    "The credential store {name} did not finish {what}() within {} s.",
                    self.timeout.as_secs_f64()
                ),
                None,
            ),
        }
    }

    /// Has `what` done on a thread of Python's, for as long as the time-out allows.
    async fn apart(
        self: &Arc<Self>,
        what: &'static str,
        record: Option<String>,
    ) -> Result<Option<String>, Error> {
        let (sender, answer) = oneshot::channel();
        let store = self.clone();
        let started = process::background().spawn_blocking(move || {
            process::attach(|py| {
                let answer = Bound::new(py, Answer(Mutex::new(Some(sender))))?;
                store.ask(py, "call", (answer, what, record))
            })
        });
        self.within(what, started, answer).await
    }

    /// The answer of what was started, or why there is none.
    async fn within<T>(
        &self,
        what: &'static str,
        started: JoinHandle<Option<PyResult<()>>>,
        answer: oneshot::Receiver<PyResult<T>>,
    ) -> Result<T, Error> {
        let answered = async {
            match started.await {
                Ok(Some(Ok(()))) => match answer.await {
                    Ok(answer) => answer.map_err(|error| self.failed(what, Some(error))),
                    Err(_) => Err(self.failed(what, None)),
                },
                Ok(Some(Err(error))) => Err(self.failed(what, Some(error))),
                _ => Err(Error::store("The interpreter is shutting down.", None)),
            }
        };
        tokio::time::timeout(self.timeout, answered)
            .await
            .unwrap_or_else(|_| Err(self.failed(what, None)))
    }
}

/// The core's view of a [`HostStore`].
pub(crate) struct Adapter(pub(crate) Arc<HostStore>);

impl CredentialStore for Adapter {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(self.0.apart("load", None))
    }

    fn save(&self, record: String) -> StoreFuture<'_, ()> {
        Box::pin(async { self.0.apart("save", Some(record)).await.map(drop) })
    }

    fn delete(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { self.0.apart("delete", None).await.map(drop) })
    }

    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        if !self.0.has_lock {
            return Box::pin(async { Ok(StoreLock::new(())) });
        }
        Box::pin(async {
            let (sender, acquired) = oneshot::channel();
            let (release, released) = mpsc::channel::<()>();
            let lease = Lease {
                acquired: Mutex::new(Some(sender)),
                released: Mutex::new(released),
            };
            let store = self.0.clone();
            let started = process::background().spawn_blocking(move || {
                process::attach(|py| store.ask(py, "hold", (Bound::new(py, lease)?,)))
            });
            // Dropping `release` makes the holder let go, also of a lock that comes too late.
            self.0.within("lock", started, acquired).await?;
            Ok(StoreLock::new(release))
        })
    }

    /// Ours comes first and says more.
    fn time_limit(&self) -> Duration {
        self.0.timeout.saturating_add(Duration::from_secs(1))
    }

    fn location(&self) -> String {
        format!("the {} given as store", self.0.name)
    }
}

fn answer<T>(slot: &Mutex<Option<oneshot::Sender<T>>>, value: T) {
    let sender = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(sender) = sender {
        // Nobody waits any more after the time-out.
        let _ = sender.send(value);
    }
}

/// Takes back what a method of the store came to.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct Answer(Mutex<Option<oneshot::Sender<PyResult<Option<String>>>>>);

#[pymethods]
impl Answer {
    fn returned(&self, value: Option<String>) {
        answer(&self.0, Ok(value));
    }

    fn raised(&self, error: Bound<'_, PyAny>) {
        answer(&self.0, Err(PyErr::from_value(error)));
    }
}

/// Tells Python's side how long to hold the lock.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct Lease {
    acquired: Mutex<Option<oneshot::Sender<PyResult<()>>>>,
    /// Ends when the core drops its [`StoreLock`].
    released: Mutex<mpsc::Receiver<()>>,
}

#[pymethods]
impl Lease {
    /// The lock is taken.
    fn acquired(&self) {
        answer(&self.acquired, Ok(()));
    }

    fn raised(&self, error: Bound<'_, PyAny>) {
        answer(&self.acquired, Err(PyErr::from_value(error)));
    }

    /// Returns when the lock is to be released.
    fn wait(&self, py: Python<'_>) {
        py.detach(|| {
            let released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = released.recv();
        });
    }
}
