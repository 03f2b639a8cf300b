//! Python's own stores for the core.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parallel_account::{CredentialStore, Error, StoreFuture};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyType, PyWeakrefReference};
use tokio::sync::oneshot;

use crate::errors::{self, HostError};
use crate::options::DAY;
use crate::process;
use crate::store::NativeStore;

/// The stores whose methods are running, outermost first.
pub(crate) type Serving = Vec<u64>;

tokio::task_local! {
    /// Which store methods the call that this task carries out was made from.
    static OUTER: Serving;
}

/// Carries `future` out as a call made from within the store methods `outer`.
pub(crate) fn within<F: Future>(outer: Serving, future: F) -> impl Future<Output = F::Output> {
    OUTER.scope(outer, future)
}

/// From within which stores' methods a call is made, `store` being that of its client.
///
/// # Errors
/// `ConfigError` if `store` is among them: the call would wait for itself.
pub(crate) fn outer(py: Python<'_>, store: Option<&HostStore>) -> PyResult<Serving> {
    static SERVING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let Some(store) = store else {
        return Ok(Serving::new());
    };
    let serving: Serving = SERVING
        .import(py, "parallel_account._stores", "serving")?
        .call_method0("get")?
        .extract()?;
    if serving.contains(&store.id) {
        let message = format!(
            "A store must not call its client: a method of this {} called the client that it \
             serves. Use another client there.",
            store.name
        );
        return Err(errors::config(py, &message));
    }
    Ok(serving)
}

/// A store written in Python. Its methods run on threads of Python's own, never on one that the
/// core needs; coroutines run on the event loop that last made a call.
pub(crate) struct HostStore {
    id: u64,
    object: Py<PyAny>,
    timeout: Duration,
    cache_for: Duration,
    name: String,
    event_loop: Mutex<Option<Py<PyWeakrefReference>>>,
}

/// What `store=` was given.
pub(crate) enum Given {
    Native(Arc<dyn CredentialStore>),
    Host(Arc<HostStore>),
}

pub(crate) fn given(object: &Bound<'_, PyAny>, timeout: Duration) -> PyResult<Given> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if let Ok(native) = object.cast::<NativeStore>() {
        return Ok(Given::Native(native.get().store()));
    }
    if let Ok(class) = object.cast::<PyType>() {
        let message = format!(
            "store must be an object; make one of the class {}.",
            class.name()?
        );
        return Err(errors::config(object.py(), &message));
    }
    let name = object.get_type().name()?.to_string();
    for method in ["load", "replace"] {
        if !object
            .getattr_opt(method)?
            .is_some_and(|it| it.is_callable())
        {
            let message = format!(
                "store must have the methods load() and replace(old, new); this {name} has no \
                 {method}."
            );
            return Err(errors::config(object.py(), &message));
        }
    }
    process::watch_exit(object.py())?;
    Ok(Given::Host(Arc::new(HostStore {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        cache_for: cache_for(object)?,
        name,
        object: object.clone().unbind(),
        timeout,
        event_loop: Mutex::new(None),
    })))
}

fn cache_for(object: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let Some(value) = object.getattr_opt("cache_for")? else {
        return Ok(Duration::ZERO);
    };
    let seconds = value.extract().ok();
    seconds
        .and_then(|it| Duration::try_from_secs_f64(it).ok())
        .filter(|it| *it <= DAY)
        .ok_or_else(|| {
            let message = format!(
                "The store's cache_for must be a number of seconds from 0 to {} (one day), not \
                 {value}.",
                DAY.as_secs()
            );
            errors::config(object.py(), &message)
        })
}

/// What a method of the store came to.
enum Outcome {
    Record(Option<String>),
    Replaced(bool),
    Raised(PyErr),
    /// It broke the protocol; says how.
    Faulty(String),
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

    fn slot(&self) -> MutexGuard<'_, Option<Py<PyWeakrefReference>>> {
        self.event_loop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `method` called on a thread of Python's, for as long as the time-out allows.
    async fn call(
        self: &Arc<Self>,
        method: &'static str,
        arguments: Vec<Option<String>>,
    ) -> Result<Outcome, Error> {
        let mut serving = OUTER.try_with(Clone::clone).unwrap_or_default();
        serving.push(self.id);
        let (sender, answer) = oneshot::channel();
        let store = self.clone();
        process::dispatch(Box::new(move |py| {
            // A call that was given up must not act on the store later.
            if sender.is_closed() {
                return;
            }
            let sender = Mutex::new(Some(sender));
            if let Ok(answer) = Bound::new(py, Answer { method, sender })
                && let Err(error) = store.start(&answer, arguments, serving)
            {
                answer.get().send(Outcome::Raised(error));
            }
        }))?;
        let (why, source) = match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(Outcome::Raised(error))) => {
                let error = HostError(error);
                (error.to_string(), Some(Box::new(error) as _))
            }
            Ok(Ok(Outcome::Faulty(why))) => (why, None),
            Ok(Ok(outcome)) => return Ok(outcome),
            Ok(Err(_)) => ("the interpreter is shutting down".into(), None),
            Err(_) => {
                let limit = self.timeout.as_secs_f64();
                let why = format!(
                    "it did not finish within {limit} s. Check what it waits for, or allow more \
                     time by store_timeout"
                );
                (why, None)
            }
        };
        let message = format!(
            "The credential store {}: {method}() failed: {why}.",
            self.name
        );
        Err(Error::store(message, source))
    }

    /// Starts `_stores.call`.
    fn start(
        &self,
        answer: &Bound<'_, Answer>,
        arguments: Vec<Option<String>>,
        serving: Serving,
    ) -> PyResult<()> {
        let py = answer.py();
        let event_loop = self.slot().as_ref().map(|it| it.clone_ref(py));
        let method = self.object.getattr(py, answer.get().method)?;
        let timeout = self.timeout.as_secs_f64();
        py.import("parallel_account._stores")?.call_method1(
            "call",
            (method, arguments, answer, serving, event_loop, timeout),
        )?;
        Ok(())
    }
}

/// The core's view of a [`HostStore`].
pub(crate) struct Adapter(pub(crate) Arc<HostStore>);

impl CredentialStore for Adapter {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async {
            match self.0.call("load", Vec::new()).await? {
                Outcome::Record(record) => Ok(record),
                _ => Err(Error::internal("load() answered something else")),
            }
        })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async {
            match self.0.call("replace", vec![old, new]).await? {
                Outcome::Replaced(replaced) => Ok(replaced),
                _ => Err(Error::internal("replace() answered something else")),
            }
        })
    }

    fn cache_for(&self) -> Duration {
        self.0.cache_for
    }

    /// Ours comes first and says more.
    fn time_limit(&self) -> Duration {
        self.0.timeout.saturating_add(Duration::from_secs(1))
    }

    fn location(&self) -> String {
        format!("the {} given as store", self.0.name)
    }
}

/// Takes back what a method of the store came to.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct Answer {
    method: &'static str,
    sender: Mutex<Option<oneshot::Sender<Outcome>>>,
}

impl Answer {
    fn send(&self, outcome: Outcome) {
        let sender = self
            .sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(sender) = sender {
            // Nobody waits any more after the time-out.
            let _ = sender.send(outcome);
        }
    }
}

#[pymethods]
impl Answer {
    fn returned(&self, value: Bound<'_, PyAny>) -> PyResult<()> {
        let kind = value.get_type().name()?;
        self.send(if self.method == "load" {
            match value.extract() {
                Ok(record) => Outcome::Record(record),
                Err(_) => Outcome::Faulty(format!("it must return a str or None, not {kind}")),
            }
        } else {
            match value.extract() {
                Ok(replaced) => Outcome::Replaced(replaced),
                Err(_) => Outcome::Faulty(format!("it must return True or False, not {kind}")),
            }
        });
        Ok(())
    }

    fn raised(&self, error: Bound<'_, PyAny>) {
        self.send(Outcome::Raised(PyErr::from_value(error)));
    }
}
