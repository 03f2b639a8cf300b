//! The client: each operation once, carried out by blocking or by asyncio.

use std::future::Future;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parallel_account::{
    AccountClient, CallOptions, CredentialStore, Error, FileStore, LoginOptions,
    PollAnswer as CorePollAnswer, ResponseSlot, Secret,
};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use crate::carry::{Answer, Caller, Mode, Nothing, carry};
use crate::exit;
use crate::field::Identified;
use crate::host_store::{self, HostStore, StoreInUse};
use crate::job::{Owned, Serving};
use crate::json::{self, Json};
use crate::login::{Known, Started};
use crate::models::{ApiKey, App, Balance, DeviceCode, Organization, PollAnswer, Status, Tokens};
use crate::options::{
    self, Headers, Integer, Opened, Options, PendingRecord, Seconds, count, positive_seconds,
    seconds,
};
use crate::scopes::Scopes;
use crate::seeing::{self, Hooks};
use crate::{blocking, errors, process};

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

/// As the core has it.
const DEFAULT_NAME: &str = "parallel-account";

/// How long the end of a client waits for what runs detached, a refresh above all.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

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
        self.carry(py, self.mode, outer, operation(self.core(py)?))
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
        self.carry(py, self.mode, outer, async move {
            let value = future.await?;
            Ok(Answer::new(value, slot.take(), raw))
        })
    }

    fn carry<T>(
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
        let client = self.origin.client(py)?;
        let caller = Caller {
            home: self.store(py).home(py, client),
            outer,
            context: seeing::context(py, self.hooks.as_ref())?,
        };
        carry(py, mode, caller, future)
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

#[pymethods]
impl Client {
    fn balance_get(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.ask(py, |client| async move {
            client.balance().get().await.map(Balance::from)
        })
    }

    fn balance_add(
        &self,
        py: Python<'_>,
        amount_cents: Bound<'_, PyAny>,
        idempotency_key: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let amount_cents = amount_cents.extract().or_else(|error: PyErr| {
            if error.is_instance_of::<PyOverflowError>(py) {
                // The core says which amounts there are.
                return Ok(i64::MAX);
            }
            let message = format!("argument 'amount_cents': {}", error.value(py));
            Err(PyTypeError::new_err(message))
        })?;
        self.ask(py, move |client| async move {
            let key = idempotency_key.as_deref();
            client
                .balance()
                .add(amount_cents, key)
                .await
                .map(Balance::from)
        })
    }

    fn apps_list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.ask(py, |client| async move {
            let apps = client.apps().list().await?;
            Ok(apps.into_iter().map(App::from).collect::<Vec<_>>())
        })
    }

    fn apps_create(&self, py: Python<'_>, name: String) -> PyResult<Py<PyAny>> {
        self.ask(py, move |client| async move {
            client.apps().create(&name).await.map(|app| app.app_id)
        })
    }

    fn apps_delete(&self, py: Python<'_>, app_id: String) -> PyResult<Py<PyAny>> {
        self.ask(py, move |client| async move {
            client.apps().delete(&app_id).await.map(|()| Nothing)
        })
    }

    fn keys_create(&self, py: Python<'_>, app_id: String, name: String) -> PyResult<Py<PyAny>> {
        self.ask(py, move |client| async move {
            client.keys().create(&app_id, &name).await.map(ApiKey::from)
        })
    }

    fn keys_delete(&self, py: Python<'_>, app_id: String, key_id: String) -> PyResult<Py<PyAny>> {
        self.ask(py, move |client| async move {
            client
                .keys()
                .delete(&app_id, &key_id)
                .await
                .map(|()| Nothing)
        })
    }

    fn request(
        &self,
        py: Python<'_>,
        method: String,
        path: String,
        json: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let json = json.as_ref().map(json::from_python).transpose()?;
        self.ask(py, move |client| async move {
            client
                .request(&method, &path, json)
                .await
                .map(|it| Json(it.json))
        })
    }

    fn oauth_register(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
            client.oauth().register().await.map(|it| it.client_id)
        })
    }

    fn oauth_request_device_code(
        &self,
        py: Python<'_>,
        client_id: String,
        scopes: Scopes,
    ) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
            let code = client
                .oauth()
                .request_device_code(&client_id, &scopes.0)
                .await?;
            Ok(DeviceCode::from(code))
        })
    }

    fn oauth_poll_token(
        &self,
        py: Python<'_>,
        client_id: String,
        device_code: String,
    ) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
            let answer: CorePollAnswer =
                client.oauth().poll_token(&client_id, &device_code).await?;
            Ok(PollAnswer::from(answer))
        })
    }

    fn oauth_refresh(
        &self,
        py: Python<'_>,
        refresh_token: String,
        client_id: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
            let tokens = client
                .oauth()
                .refresh(&refresh_token, client_id.as_deref())
                .await?;
            Ok(Tokens::from(tokens))
        })
    }

    fn oauth_revoke(&self, py: Python<'_>, refresh_token: String) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
            client
                .oauth()
                .revoke(&refresh_token)
                .await
                .map(|()| Nothing)
        })
    }

    fn start_login(
        &self,
        py: Python<'_>,
        scopes: Option<Scopes>,
        timeout: Option<Seconds>,
        login_hint: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let options = LoginOptions {
            scopes: scopes.map(|it| it.0),
            timeout: timeout
                .map(|it| positive_seconds(py, "timeout", it.0))
                .transpose()?,
            login_hint,
        };
        let (store, hooks, mode) = (self.store(py), self.hooks(py), self.mode);
        let organization = self.origin.organization.clone();
        self.run(py, move |client| async move {
            let login = client.start_login(options).await?;
            Ok(Started {
                login,
                client,
                store,
                hooks,
                organization,
                mode,
            })
        })
    }

    fn resume_login(&self, py: Python<'_>, record: PendingRecord) -> PyResult<Py<PyAny>> {
        let (store, hooks, mode) = (self.store(py), self.hooks(py), self.mode);
        let organization = self.origin.organization.clone();
        self.run(py, move |client| async move {
            let login = client.resume_login(&record.0).await?;
            Ok(Started {
                login,
                client,
                store,
                hooks,
                organization,
                mode,
            })
        })
    }

    fn status(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let known = self.origin.organization.clone();
        self.run(py, |client| async move {
            let status = client.status().await.map(Status::from)?;
            known.learn(&status);
            Ok(status)
        })
    }

    fn logout(
        &self,
        py: Python<'_>,
        all: bool,
        organization: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        if all && organization.is_some() {
            let message = "logout takes either all=True or an organization, not both.";
            return Err(errors::config(py, message));
        }
        self.run(py, move |client| async move {
            match organization {
                _ if all => client.logout_all().await,
                Some(id) => client.logout_of(&id).await,
                None => client.logout().await,
            }
            .map(|()| Nothing)
        })
    }

    fn access_token(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
            client.access_token().await.map(|it| it.expose().to_owned())
        })
    }

    fn api_key(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
            client.api_key().await.map(|it| it.expose().to_owned())
        })
    }

    #[pyo3(signature = (refused=None))]
    fn renew_api_key(&self, py: Python<'_>, refused: Option<String>) -> PyResult<Py<PyAny>> {
        let refused = refused.map(Secret::from);
        self.run(py, |client| async move {
            client
                .renew_api_key(refused.as_ref())
                .await
                .map(|it| it.expose().to_owned())
        })
    }

    fn organizations(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
            let all = client.organizations().await?;
            Ok(all.into_iter().map(Organization::from).collect::<Vec<_>>())
        })
    }

    fn select_organization(&self, py: Python<'_>, id: String) -> PyResult<Py<PyAny>> {
        let known = self.origin.organization.clone();
        self.run(py, move |client| async move {
            client.select_organization(&id).await?;
            known.set(Some(id));
            Ok(Nothing)
        })
    }

    fn settled(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
            client.settled().await;
            Ok(Nothing)
        })
    }

    /// Panics as a bug would, at the border and with this text.
    fn _panic_for_tests(&self, py: Python<'_>, text: String) -> PyResult<Py<PyAny>> {
        self.run(
            py,
            |_| async move { panic!("{text}") as Result<Nothing, Error> },
        )
    }

    /// Answers whether nothing is left that [`Client::settle`] would wait for.
    fn close(&self, py: Python<'_>) -> PyResult<bool> {
        let client = self.origin.client(py)?;
        client.close();
        blocking::turn_all(py);
        if client.is_settled() && !client.is_unsaved() {
            return Ok(true);
        }
        // A store's method that closes its own client cannot wait for itself.
        Ok(host_store::outer(py, self.origin.host.as_deref()).is_err())
    }

    /// Waits for what runs detached, for a few seconds; `here`, by blocking.
    fn settle(&self, py: Python<'_>, here: bool) -> PyResult<Py<PyAny>> {
        let client = self.origin.client(py)?;
        let outer = host_store::outer(py, self.origin.host.as_deref())?;
        let mode = if here { Mode::Blocking } else { self.mode };
        self.carry(py, mode, outer, async move {
            // Whatever is not done then goes on, and the end of the process waits for it.
            let _ = tokio::time::timeout(SETTLE_WITHIN, client.settled()).await;
            Ok(Nothing)
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)?;
        visit.call(&self.hooks)
    }

    /// For `repr`, without asking the store: the client's name, the organization as far as it is
    /// known, and where credentials are kept.
    fn described(&self) -> (String, Option<String>, String) {
        let origin = &*self.origin;
        let name = origin.name.as_deref().unwrap_or(DEFAULT_NAME);
        let location = origin.location.clone().unwrap_or_else(|| {
            let store = FileStore::default_for(name);
            store.map_or_else(|_| "unknown".to_owned(), |it| it.location())
        });
        (name.to_owned(), origin.organization.get(), location)
    }

    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.origin.client(py)?.is_closed())
    }
}

macro_rules! client_class {
    ($(#[$meta:meta])* $name:ident, $mode:expr) => {
        $(#[$meta])*
        #[pyclass(frozen, extends = Client, module = "parallel_account._native")]
        pub(crate) struct $name;

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (
                *, client_name, client_id, scopes, platform_url, account_url, store, timeout,
                deadline, max_retries, org, user_agent, proxy, ca_bundle, first_poll_at_once,
                lock_timeout, store_timeout, default_headers, event_hooks, time_scale,
            ))]
            #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn new(
                py: Python<'_>,
                client_name: Option<String>,
                client_id: Option<String>,
                scopes: Option<Scopes>,
                platform_url: Option<String>,
                account_url: Option<String>,
                store: Option<Bound<'_, PyAny>>,
                timeout: Option<Seconds>,
                deadline: Option<Seconds>,
                max_retries: Option<Integer>,
                org: Option<String>,
                user_agent: Option<String>,
                proxy: Option<String>,
                ca_bundle: Option<PathBuf>,
                first_poll_at_once: bool,
                lock_timeout: Option<Seconds>,
                store_timeout: Option<Seconds>,
                default_headers: Option<Headers>,
                event_hooks: Option<Bound<'_, PyDict>>,
                time_scale: f64,
            ) -> PyResult<PyClassInitializer<Self>> {
                let options = Options {
                    client_name,
                    client_id,
                    scopes,
                    platform_url,
                    account_url,
                    store,
                    timeout,
                    deadline,
                    max_retries,
                    org,
                    user_agent,
                    proxy,
                    ca_bundle,
                    first_poll_at_once,
                    lock_timeout,
                    store_timeout,
                    default_headers,
                    event_hooks,
                    time_scale,
                };
                let client = Client::open(py, options, $mode)?;
                Ok(PyClassInitializer::from(client).add_subclass(Self))
            }

            fn with_options(
                slf: PyRef<'_, Self>,
                timeout: Option<Seconds>,
                max_retries: Option<Integer>,
                deadline: Option<Seconds>,
                default_headers: Option<Headers>,
            ) -> PyResult<Py<Self>> {
                let py = slf.py();
                let options = CallOptions {
                    timeout: timeout.map(|it| seconds(it.0)),
                    max_retries: max_retries
                        .map(|it| count(py, "max_retries", it))
                        .transpose()?,
                    deadline: deadline.map(|it| seconds(it.0)),
                    headers: default_headers.unwrap_or_default().0,
                    response: None,
                };
                Self::around(py, slf.as_super().limited(py, options, false))
            }

            /// What one call is made with: this client itself, if it has no options of its own.
            fn for_call(
                slf: Bound<'_, Self>,
                extra_headers: Option<Headers>,
                timeout: Option<Seconds>,
            ) -> PyResult<Py<Self>> {
                if extra_headers.is_none() && timeout.is_none() {
                    return Ok(slf.unbind());
                }
                let options = CallOptions {
                    timeout: timeout.map(|it| seconds(it.0)),
                    headers: extra_headers.unwrap_or_default().0,
                    ..CallOptions::default()
                };
                let py = slf.py();
                let client = slf.borrow().as_super().limited(py, options, false);
                Self::around(py, client)
            }

            /// Its calls of the Account API answer with a `RawResponse`.
            fn raw(slf: PyRef<'_, Self>) -> PyResult<Py<Self>> {
                let py = slf.py();
                Self::around(py, slf.as_super().limited(py, CallOptions::default(), true))
            }
        }

        impl $name {
            fn around(py: Python<'_>, client: Client) -> PyResult<Py<Self>> {
                Py::new(py, PyClassInitializer::from(client).add_subclass(Self))
            }
        }
    };
}

client_class! {
    /// Every call returns its value.
    BlockingClient, Mode::Blocking
}

client_class! {
    /// Every call returns an awaitable of its value.
    AsyncClient, Mode::Asyncio
}
