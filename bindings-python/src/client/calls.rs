//! Each operation of the client, once.

use std::time::Duration;

use parallel_account::{
    CredentialStore, Error, FileStore, LoginOptions, PollAnswer as CorePollAnswer, Secret,
};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::Client;
use crate::carry::{Mode, Nothing};
use crate::json::{self, Json};
use crate::login::Started;
use crate::models::{ApiKey, App, Balance, DeviceCode, Organization, PollAnswer, Status, Tokens};
use crate::options::{PendingRecord, Seconds, positive_seconds};
use crate::scopes::Scopes;
use crate::{blocking, errors, host_store};

/// As the core has it.
const DEFAULT_NAME: &str = "parallel-account";

/// How long the end of a client waits for what runs detached, a refresh above all.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

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
            client.apps().create(&name).await.map(App::from)
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
