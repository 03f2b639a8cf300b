//! The client: each operation once, carried out by blocking or by asyncio.

use std::future::Future;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parallel_account::{
    AccountClient, CallOptions, Error, LoginOptions, PollAnswer as CorePollAnswer, Secret,
};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::carry::{Mode, Nothing, carry};
use crate::host_store::{self, HostStore, StoreInUse};
use crate::job::{Owned, Serving};
use crate::json::{self, Json};
use crate::login::Started;
use crate::models::{ApiKey, App, Balance, DeviceCode, Organization, PollAnswer, Status, Tokens};
use crate::options::{
    self, Integer, Options, PendingRecord, Scopes, Seconds, count, positive_seconds, seconds,
};
use crate::{blocking, errors, process};

/// What all views of one client share.
pub(crate) struct Origin {
    /// With the generation of the process that it was made in.
    client: Mutex<(u32, AccountClient)>,
    host: Option<Arc<HostStore>>,
}

/// How long the end of a client waits for what runs detached, a refresh above all.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

impl Origin {
    /// This process's client; the first call in a forked child makes a new one.
    fn client(&self, py: Python<'_>) -> PyResult<AccountClient> {
        let generation = process::generation();
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.0 != generation {
            let client = slot
                .1
                .after_fork()
                .map_err(|error| errors::exception(py, &error, true))?;
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
    limits: Option<CallOptions>,
    mode: Mode,
}

impl Client {
    fn open(py: Python<'_>, options: Options<'_>, mode: Mode) -> PyResult<Self> {
        let (client, host) = options::open(py, options)?;
        let (host, store) = host.unzip();
        Ok(Self {
            origin: Arc::new(Origin {
                client: Mutex::new((process::generation(), client)),
                host,
            }),
            store,
            limits: None,
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
        process::watch_exit(py)?;
        let client = self.origin.client(py)?;
        carry(py, mode, self.store(py).home(py, client), outer, future)
    }

    /// For the logins of this client as well.
    fn store(&self, py: Python<'_>) -> StoreInUse {
        StoreInUse {
            host: self.origin.host.clone(),
            owned: self.store.as_ref().map(|it| it.clone_ref(py)),
        }
    }

    fn limited(
        &self,
        py: Python<'_>,
        timeout: Option<Seconds>,
        max_retries: Option<Integer>,
        deadline: Option<Seconds>,
    ) -> PyResult<Self> {
        let mut limits = self.limits.clone().unwrap_or_default();
        if let Some(timeout) = timeout {
            limits.timeout = Some(seconds(timeout.0));
        }
        if let Some(deadline) = deadline {
            limits.deadline = Some(seconds(deadline.0));
        }
        if let Some(retries) = max_retries {
            limits.max_retries = Some(count(py, "max_retries", retries)?);
        }
        Ok(Self {
            origin: self.origin.clone(),
            store: self.store.as_ref().map(|it| it.clone_ref(py)),
            limits: Some(limits),
            mode: self.mode,
        })
    }
}

#[pymethods]
impl Client {
    fn balance_get(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
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
        self.run(py, move |client| async move {
            let key = idempotency_key.as_deref();
            client
                .balance()
                .add(amount_cents, key)
                .await
                .map(Balance::from)
        })
    }

    fn apps_list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
            let apps = client.apps().list().await?;
            Ok(apps.into_iter().map(App::from).collect::<Vec<_>>())
        })
    }

    fn apps_create(&self, py: Python<'_>, name: String) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
            client.apps().create(&name).await.map(|app| app.app_id)
        })
    }

    fn apps_delete(&self, py: Python<'_>, app_id: String) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
            client.apps().delete(&app_id).await.map(|()| Nothing)
        })
    }

    fn keys_create(&self, py: Python<'_>, app_id: String, name: String) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
            client.keys().create(&app_id, &name).await.map(ApiKey::from)
        })
    }

    fn keys_delete(&self, py: Python<'_>, app_id: String, key_id: String) -> PyResult<Py<PyAny>> {
        self.run(py, move |client| async move {
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
        self.run(py, move |client| async move {
            let answer = client.request(&method, &path, json).await?;
            Ok(Json(answer.json))
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
        let (store, mode) = (self.store(py), self.mode);
        self.run(py, move |client| async move {
            let login = client.start_login(options).await?;
            Ok(Started {
                login,
                client,
                store,
                mode,
            })
        })
    }

    fn resume_login(&self, py: Python<'_>, record: PendingRecord) -> PyResult<Py<PyAny>> {
        let (store, mode) = (self.store(py), self.mode);
        self.run(py, move |client| async move {
            let login = client.resume_login(&record.0).await?;
            Ok(Started {
                login,
                client,
                store,
                mode,
            })
        })
    }

    fn status(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, |client| async move {
            client.status().await.map(Status::from)
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
        self.run(py, move |client| async move {
            client.select_organization(&id).await.map(|()| Nothing)
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
        visit.call(&self.store)
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
                lock_timeout, store_timeout, time_scale,
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
            ) -> PyResult<Py<Self>> {
                let client =
                    slf.as_super().limited(slf.py(), timeout, max_retries, deadline)?;
                Py::new(slf.py(), PyClassInitializer::from(client).add_subclass(Self))
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
