//! The two classes of clients, which differ in how their calls are carried out.

use std::path::PathBuf;

use parallel_account::CallOptions;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Client;
use crate::dispatch::Mode;
use crate::options::{Headers, Integer, Options, Seconds, count, seconds};
use crate::scopes::Scopes;

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
