//! The client: what it holds, and how its calls are carried out, by blocking or by asyncio.

mod calls;
mod classes;

use std::future::Future;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use parallel_account::{AccountClient, CallOptions, Error, ResponseSlot};
use pyo3::prelude::*;

use crate::dispatch::{ApiResult, Caller, Mode, dispatch};
use crate::exit;
use crate::field::Identified;
use crate::host_store::{self, HostStore, StoreInUse};
use crate::job::{Owned, Serving};
use crate::login::Known;
use crate::options::{self, Opened, Options};
use crate::seeing::{self, Hooks};
use crate::{errors, process};

pub(crate) use classes::{AsyncClient, BlockingClient};

/// What all views of one client share.
pub(crate) struct Origin {
    /// With the generation of the process that it was made in.
    client: Mutex<(u32, AccountClient)>,
    host: Option<Arc<HostStore>>,
    name: Option<String>,
    /// Of the store that was given.
    location: Option<String>,
    organization: Known,
}

impl Origin {
    /// This process's client; the first call in a forked child makes a new one.
    fn client(&self, py: Python<'_>) -> PyResult<AccountClient> {
        // Exceptions are made without the lock: Python's code could want it.
        self.ours()
            .map_err(|error| errors::exception(py, &error, true))
    }

    fn ours(&self) -> Result<AccountClient, Error> {
        let generation = process::generation();
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.0 != generation {
            let client = slot.1.after_fork()?;
            // The parent's stays untouched: its locks may be held for good.
            mem::forget(mem::replace(&mut *slot, (generation, client)));
        }
        Ok(slot.1.clone())
    }
}

/// The base of `BlockingClient` and `AsyncClient`.
#[pyclass(frozen, subclass, module = "parallel_account._native")]
pub(crate) struct Client {
    origin: Arc<Origin>,
    /// The store of `origin.host`, where Python's garbage collector sees it.
    store: Option<Py<Owned>>,
    hooks: Option<Py<Hooks>>,
    limits: Option<CallOptions>,
    /// Whether calls of the Account API answer with a `RawResponse`.
    raw: bool,
    mode: Mode,
}

impl Client {
    fn open(py: Python<'_>, options: Options<'_>, mode: Mode) -> PyResult<Self> {
        refuse_asyncio_store(&options, mode)?;
        let (name, organization) = (options.client_name.clone(), options.org.clone());
        let Opened {
            client,
            host,
            location,
            hooks,
        } = options::open(py, options)?;
        let (host, store) = host.unzip();
        Ok(Self {
            origin: Arc::new(Origin {
                client: Mutex::new((process::generation(), client)),
                host,
                name,
                location,
                organization: Known::new(organization),
            }),
            store,
            hooks,
            limits: None,
            raw: false,
            mode,
        })
    }

    fn core(&self, py: Python<'_>) -> PyResult<AccountClient> {
        let client = self.origin.client(py)?;
        Ok(match self.limits.clone() {
            None => client,
            Some(limits) => client.with_options(limits),
        })
    }

    fn run<T, F>(
        &self,
        py: Python<'_>,
        operation: impl FnOnce(AccountClient) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        let outer = host_store::outer(py, self.origin.host.as_deref())?;
        self.dispatch(py, self.mode, outer, operation(self.core(py)?))
    }

    /// A call of the Account API, whose result knows its request.
    fn ask<T, F>(
        &self,
        py: Python<'_>,
        operation: impl FnOnce(AccountClient) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: for<'py> IntoPyObject<'py> + Identified + Send + 'static,
    {
        let outer = host_store::outer(py, self.origin.host.as_deref())?;
        let slot = ResponseSlot::default();
        let options = self.limits.clone().unwrap_or_default().response(&slot);
        let client = self.origin.client(py)?.with_options(options);
        let (future, raw) = (operation(client), self.raw);
        self.dispatch(py, self.mode, outer, async move {
            let value = future.await?;
            Ok(ApiResult::new(value, &slot, raw))
        })
    }

    fn dispatch<T>(
        &self,
        py: Python<'_>,
        mode: Mode,
        outer: Serving,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> PyResult<Py<PyAny>>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        exit::watch(py)?;
        seeing::look(py);
        let store = self.store(py);
        let caller = Caller {
            home: store.home(py, || self.origin.client(py))?,
            outer,
            context: seeing::context(py, self.hooks.as_ref())?,
        };
        dispatch(py, mode, caller, future)
    }

    /// For the logins of this client as well.
    fn store(&self, py: Python<'_>) -> StoreInUse {
        StoreInUse {
            host: self.origin.host.clone(),
            owned: self.store.as_ref().map(|it| it.clone_ref(py)),
        }
    }

    fn hooks(&self, py: Python<'_>) -> Option<Py<Hooks>> {
        self.hooks.as_ref().map(|it| it.clone_ref(py))
    }

    /// The same client with other limits and headers.
    fn limited(&self, py: Python<'_>, more: CallOptions, raw: bool) -> Self {
        let mut limits = self.limits.clone().unwrap_or_default();
        limits.timeout = more.timeout.or(limits.timeout);
        limits.deadline = more.deadline.or(limits.deadline);
        limits.max_retries = more.max_retries.or(limits.max_retries);
        for (name, value) in more.headers {
            limits
                .headers
                .retain(|(it, _)| !it.eq_ignore_ascii_case(&name));
            limits.headers.push((name, value));
        }
        Self {
            origin: self.origin.clone(),
            store: self.store.as_ref().map(|it| it.clone_ref(py)),
            hooks: self.hooks(py),
            limits: Some(limits),
            raw: self.raw || raw,
            mode: self.mode,
        }
    }
}

/// A store over an asyncio client of a database is none for calls that block.
fn refuse_asyncio_store(options: &Options<'_>, mode: Mode) -> PyResult<()> {
    let Some(store) = options.store.as_ref().filter(|_| mode == Mode::Blocking) else {
        return Ok(());
    };
    match store.getattr_opt("_asynchronous")? {
        Some(asynchronous) if asynchronous.is_truthy()? => {
            let message = format!(
                "store is a {} over an asyncio client, whose connections belong to one event \
                 loop. Use AsyncAccountClient, or give the store a blocking client of the database.",
                store.get_type().name()?
            );
            Err(errors::config(store.py(), &message))
        }
        _ => Ok(()),
    }
}
