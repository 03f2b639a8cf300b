//! What a client is made with, and the limits of a call.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parallel_account::{AccountClient, CredentialStore, MemoryStore};
use pyo3::Borrowed;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use crate::encrypted::Wrappers;
use crate::host_store::{self, Adapter, ChosenStore, DAY, HostStore};
use crate::job::Owned;
use crate::scopes::{Scopes, wrong_type};
use crate::seeing::{Hooks, Listener};
use crate::{errors, process};

/// The span of time that an option gives in seconds, for the core to check: what no span can hold
/// becomes the nearest one, which is outside of every limit.
pub(crate) fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(if value > 0.0 {
        Duration::MAX
    } else {
        Duration::ZERO
    })
}

/// The same for an option that the core does not check.
pub(crate) fn positive_seconds(py: Python<'_>, name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|it| !it.is_zero() && *it <= DAY)
        .ok_or_else(|| {
            let message = format!(
                "{name} must be a number of seconds greater than zero and at most {} (one day), \
                 not {value}.",
                DAY.as_secs()
            );
            errors::config(py, &message)
        })
}

/// A number of seconds; an integer that no float can hold is infinite.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) f64);

impl<'py> FromPyObject<'_, 'py> for Seconds {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match value.extract() {
            Ok(seconds) => Ok(Self(seconds)),
            Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
                let negative = value.lt(0)?;
                Ok(Self(if negative {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }))
            }
            Err(error) => Err(error),
        }
    }
}

/// An integer of any size; what does not fit becomes the nearest that does.
#[derive(Clone, Copy)]
pub(crate) struct Integer(i64);

impl<'py> FromPyObject<'_, 'py> for Integer {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match value.extract() {
            Ok(integer) => Ok(Self(integer)),
            Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
                Ok(Self(if value.lt(0)? { i64::MIN } else { i64::MAX }))
            }
            Err(error) => Err(error),
        }
    }
}

/// What `pending_record()` gave.
pub(crate) struct PendingRecord(pub(crate) String);

impl<'py> FromPyObject<'_, 'py> for PendingRecord {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let message = "record must be the str that pending_record() returned.";
        let record = value.extract();
        record
            .map(Self)
            .map_err(|it| wrong_type(value, it, message))
    }
}

/// Headers to send: a mapping of strings.
#[derive(Default)]
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl<'py> FromPyObject<'_, 'py> for Headers {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let read = || -> PyResult<_> {
            let items = value.cast::<PyMapping>()?.items()?;
            items.iter().map(|item| item.extract()).collect()
        };
        let message = "Headers must be a dict of str to str, such as {\"x-team\": \"billing\"}.";
        read()
            .map(Self)
            .map_err(|it| wrong_type(value, it, message))
    }
}

pub(crate) fn count(py: Python<'_>, name: &str, value: Integer) -> PyResult<u32> {
    u32::try_from(value.0).map_err(|_| {
        let message = match value.0 {
            i64::MIN..0 => format!("{name} must be a non-negative integer, not {}.", value.0),
            _ => format!("{name} must be at most {}.", u32::MAX),
        };
        errors::config(py, &message)
    })
}

/// The options of a client; times in seconds.
pub(crate) struct Options<'py> {
    pub(crate) client_name: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) platform_url: Option<String>,
    pub(crate) account_url: Option<String>,
    pub(crate) store: Option<Bound<'py, PyAny>>,
    pub(crate) timeout: Option<Seconds>,
    pub(crate) deadline: Option<Seconds>,
    pub(crate) max_retries: Option<Integer>,
    pub(crate) org: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) first_poll_at_once: bool,
    pub(crate) lock_timeout: Option<Seconds>,
    pub(crate) store_timeout: Option<Seconds>,
    pub(crate) default_headers: Option<Headers>,
    /// A dict of kinds of events to tuples of callables.
    pub(crate) event_hooks: Option<Bound<'py, PyDict>>,
    pub(crate) time_scale: f64,
}

/// A store that is written in Python.
pub(crate) type Host = (Arc<HostStore>, Py<Owned>);

/// The core's client, and what belongs to Python of it.
pub(crate) struct Opened {
    pub(crate) client: AccountClient,
    pub(crate) host: Option<Host>,
    /// Where the store keeps credentials, if one was given.
    pub(crate) location: Option<String>,
    pub(crate) hooks: Option<Py<Hooks>>,
}

#[expect(clippy::too_many_lines, reason = "a line for each option")]
pub(crate) fn open(py: Python<'_>, options: Options<'_>) -> PyResult<Opened> {
    let version = py.version_info();
    let hooks = options
        .event_hooks
        .map(|it| Bound::new(py, Hooks::new(it)?));
    let hooks = hooks.transpose()?;
    let mut builder = AccountClient::builder()
        .language(format!(
            "python/{}.{}.{}",
            version.major, version.minor, version.patch
        ))
        .background(Arc::new(process::detached))
        .on_event(Listener::new(hooks.as_ref())?)
        .first_poll_at_once(options.first_poll_at_once)
        .time_scale(options.time_scale);
    macro_rules! set {
        ($($option:ident = $value:expr;)*) => {
            $(if let Some(value) = $value { builder = builder.$option(value); })*
        };
    }
    set! {
        client_name = options.client_name;
        client_id = options.client_id;
        platform_url = options.platform_url;
        account_url = options.account_url;
        organization = options.org;
        user_agent = options.user_agent;
        proxy = options.proxy;
        ca_bundle = options.ca_bundle;
        scopes = options.scopes.map(|scopes| scopes.0);
        timeout = options.timeout.map(|timeout| seconds(timeout.0));
        deadline = options.deadline.map(|deadline| seconds(deadline.0));
        lock_timeout = options.lock_timeout.map(|timeout| seconds(timeout.0));
    }
    for (name, value) in options.default_headers.unwrap_or_default().0 {
        builder = builder.header(name, value);
    }
    if let Some(retries) = options.max_retries {
        builder = builder.max_retries(count(py, "max_retries", retries)?);
    }
    let store_timeout = match options.store_timeout {
        Some(timeout) => positive_seconds(py, "store_timeout", timeout.0)?,
        // As a store has it that does not say.
        None => MemoryStore::default().time_limit(),
    };
    let (mut host, mut location) = (None, None);
    if let Some(object) = options.store {
        let (store, its_host) = stored(object, store_timeout)?;
        host = its_host;
        location = Some(store.location());
        builder = builder.shared_store(store);
    }
    // Reading certificates can take long, so other threads continue meanwhile.
    let client = errors::guard(py, || py.detach(|| builder.build()))?;
    Ok(Opened {
        client,
        host,
        location,
        hooks: hooks.map(Bound::unbind),
    })
}

/// A store as the core sees it, and what belongs to Python of it.
fn stored(
    object: Bound<'_, PyAny>,
    timeout: Duration,
) -> PyResult<(Arc<dyn CredentialStore>, Option<Host>)> {
    let (object, wrappers) = Wrappers::taken_off(object);
    let (store, host): (Arc<dyn CredentialStore>, _) = match host_store::chosen(&object, timeout)? {
        ChosenStore::Native(store) => (store, None),
        ChosenStore::Host(store, owned) => (Arc::new(Adapter(store.clone())), Some((store, owned))),
    };
    Ok((wrappers.around(store), host))
}
