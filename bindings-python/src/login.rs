//! A device login in progress.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use parallel_account::{AccountClient, DeviceLogin, Error, prompt};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::dispatch::{Caller, Mode, dispatch};
use crate::host_store::{self, StoreInUse};
use crate::models::{LoginEvent, Qr, Status};
use crate::seeing::{self, Hooks};
use crate::{errors, process};

/// The organization of a client, as far as it is known without asking.
#[derive(Clone)]
pub(crate) struct Known(Arc<Mutex<Option<String>>>);

impl Known {
    pub(crate) fn new(organization: Option<String>) -> Self {
        Self(Arc::new(Mutex::new(organization)))
    }

    pub(crate) fn learn(&self, status: &Status) {
        let organization = status.organization.as_ref();
        self.set(organization.map(|it| it.name.clone().unwrap_or_else(|| it.id.clone())));
    }

    pub(crate) fn set(&self, organization: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = organization;
    }

    /// None also where another thread held it at a fork.
    pub(crate) fn get(&self) -> Option<String> {
        self.0.try_lock().ok()?.clone()
    }
}

/// The base of `BlockingLogin` and `AsyncLogin`.
#[pyclass(frozen, subclass, module = "parallel_account._native")]
pub(crate) struct Login {
    login: DeviceLogin,
    client: AccountClient,
    store: StoreInUse,
    hooks: Option<Py<Hooks>>,
    organization: Known,
    generation: u32,
    mode: Mode,
}

/// An event that becomes Python's when there is a GIL to do it with.
struct Event(parallel_account::LoginEvent);

impl<'py> IntoPyObject<'py> for Event {
    type Target = LoginEvent;
    type Output = Bound<'py, LoginEvent>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Bound::new(py, LoginEvent::new(py, self.0))
    }
}

impl Login {
    fn dispatch<T>(
        &self,
        py: Python<'_>,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> PyResult<Py<PyAny>>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        seeing::look(py);
        let caller = Caller {
            home: self.store.home(py, || Ok(self.client.clone()))?,
            outer: host_store::outer(py, self.store.host.as_deref())?,
            context: seeing::context(py, self.hooks.as_ref())?,
        };
        dispatch(py, self.mode, caller, future)
    }

    fn login(&self, py: Python<'_>) -> PyResult<DeviceLogin> {
        if self.generation != process::generation() {
            return Err(errors::config(
                py,
                "This login was started before a fork. Pass its pending_record() to resume_login() \
                 in the child instead.",
            ));
        }
        Ok(self.login.clone())
    }
}

#[pymethods]
impl Login {
    #[getter]
    fn user_code(&self) -> &str {
        self.login.user_code()
    }

    #[getter]
    fn verification_uri(&self) -> &str {
        self.login.verification_uri()
    }

    #[getter]
    fn verification_uri_complete(&self) -> Option<&str> {
        self.login.verification_uri_complete()
    }

    #[getter]
    fn expires_at(&self) -> SystemTime {
        self.login.expires_at()
    }

    #[getter]
    fn interval(&self) -> f64 {
        self.login.interval().as_secs_f64()
    }

    #[getter]
    fn remaining(&self) -> f64 {
        self.login.remaining().as_secs_f64()
    }

    #[getter]
    fn qr(&self, py: Python<'_>) -> PyResult<Qr> {
        errors::guard(py, || self.login.qr().map(Qr::from))
    }

    #[getter]
    fn prompt(&self, py: Python<'_>) -> PyResult<String> {
        errors::guard(py, || Ok(prompt::text(&self.login)))
    }

    fn pending_record(&self) -> String {
        self.login.pending_record().expose().to_owned()
    }

    fn open_browser(&self, py: Python<'_>) -> bool {
        let complete = self.login.verification_uri_complete();
        let url = complete.unwrap_or(self.login.verification_uri());
        py.detach(|| prompt::open_browser(url))
    }

    fn poll(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let login = self.login(py)?;
        let known = self.organization.clone();
        self.dispatch(py, async move {
            let event = login.poll().await?;
            if let parallel_account::LoginEvent::Authorized(status) = &event {
                known.learn(&status.clone().into());
            }
            Ok(Event(event))
        })
    }

    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let login = self.login(py)?;
        let known = self.organization.clone();
        self.dispatch(py, async move {
            let status = login.wait().await.map(Status::from)?;
            known.learn(&status);
            Ok(status)
        })
    }

    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        self.login(py)?.cancel();
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store.owned)?;
        visit.call(&self.hooks)
    }
}

/// Every call returns its value.
#[pyclass(frozen, extends = Login, module = "parallel_account._native")]
pub(crate) struct BlockingLogin;

/// Every call returns an awaitable of its value.
#[pyclass(frozen, extends = Login, module = "parallel_account._native")]
pub(crate) struct AsyncLogin;

/// A login on its way to Python.
pub(crate) struct Started {
    pub(crate) login: DeviceLogin,
    pub(crate) client: AccountClient,
    pub(crate) store: StoreInUse,
    pub(crate) hooks: Option<Py<Hooks>>,
    pub(crate) organization: Known,
    pub(crate) mode: Mode,
}

impl<'py> IntoPyObject<'py> for Started {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let Self {
            login,
            client,
            store,
            hooks,
            organization,
            mode,
        } = self;
        let base = PyClassInitializer::from(Login {
            login,
            client,
            store,
            hooks,
            organization,
            generation: process::generation(),
            mode,
        });
        Ok(match mode {
            Mode::Blocking => Bound::new(py, base.add_subclass(BlockingLogin))?.into_any(),
            Mode::Asyncio => Bound::new(py, base.add_subclass(AsyncLogin))?.into_any(),
        })
    }
}
