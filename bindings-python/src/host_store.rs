//! Python's own stores for the core.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parallel_account::{AccountClient, CredentialStore, Error, StoreFuture};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::desk::{Desk, Home};
use crate::errors::{self, HostError};
use crate::exit;
use crate::job::{Job, Outcome, Owned, Serving};
use crate::process::PerProcess;
use crate::store::NativeStore;

/// The longest time that the core takes as well.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

tokio::task_local! {
    /// Which store methods the call that this task carries out was made from.
    static OUTER: Serving;
}

/// Carries `future` out as a call made from within the store methods `outer`.
pub(crate) fn called_from<F: Future>(outer: Serving, future: F) -> impl Future<Output = F::Output> {
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
        .import(py, "parallel_account._store_calls", "serving")?
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

/// A store written in Python, as the core sees it; the object itself is [`Owned`] by the clients.
pub(crate) struct HostStore {
    id: u64,
    timeout: Duration,
    cache_for: Duration,
    name: String,
    desk: PerProcess<Arc<Desk>>,
}

/// The store of a client, if it is written in Python, as those who make its calls need it.
pub(crate) struct StoreInUse {
    pub(crate) host: Option<Arc<HostStore>>,
    pub(crate) owned: Option<Py<Owned>>,
}

impl StoreInUse {
    /// What a call of `client` serves while it waits, if the store is the caller's own.
    pub(crate) fn home(
        &self,
        py: Python<'_>,
        client: impl FnOnce() -> PyResult<AccountClient>,
    ) -> PyResult<Option<Home>> {
        let (Some(host), Some(store)) = (&self.host, &self.owned) else {
            return Ok(None);
        };
        Ok(Some(Home {
            desk: host.desk(),
            store: store.clone_ref(py),
            client: Some(client()?),
        }))
    }
}

/// What `store=` was given.
pub(crate) enum ChosenStore {
    Native(Arc<dyn CredentialStore>),
    Host(Arc<HostStore>, Py<Owned>),
}

pub(crate) fn chosen(object: &Bound<'_, PyAny>, timeout: Duration) -> PyResult<ChosenStore> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if let Ok(native) = object.cast::<NativeStore>() {
        return Ok(ChosenStore::Native(native.get().store()));
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
    exit::watch(object.py())?;
    let owned = Py::new(object.py(), Owned::new(object.clone().unbind()))?;
    let store = HostStore {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        cache_for: cache_for(object)?,
        name,
        timeout,
        desk: PerProcess::new(Desk::new()),
    };
    Ok(ChosenStore::Host(Arc::new(store), owned))
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

impl HostStore {
    /// Where the calls of its client wait.
    pub(crate) fn desk(&self) -> Arc<Desk> {
        self.desk.get(Desk::new).clone()
    }

    async fn call(
        &self,
        method: &'static str,
        arguments: Vec<Option<String>>,
    ) -> Result<Outcome, Error> {
        let mut serving = OUTER.try_with(Clone::clone).unwrap_or_default();
        serving.push(self.id);
        let (why, source) =
            match Job::run(self.desk(), method, arguments, serving, self.timeout).await {
                Some(Ok(Outcome::Raised(error))) => {
                    let error = HostError(error);
                    (error.to_string(), Some(Box::new(error) as _))
                }
                Some(Ok(Outcome::Faulty(why))) => (why, None),
                Some(answer) => return answer,
                None => {
                    let limit = self.timeout.as_secs_f64();
                    let why = format!(
                        "it did not finish within {limit} s. Check what it waits for, or allow \
                         more time by store_timeout"
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
