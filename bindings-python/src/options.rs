//! What a client is made with, and the limits of a call.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parallel_account::AccountClient;
use pyo3::prelude::*;

use crate::encrypted::Wrappers;
use crate::host_store::{self, Adapter, Given, HostStore};
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

/// The longest time that the core takes as well.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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

pub(crate) fn count(py: Python<'_>, name: &str, value: i64) -> PyResult<u32> {
    u32::try_from(value).map_err(|_| {
        let message = format!("{name} must be a non-negative integer, not {value}.");
        errors::config(py, &message)
    })
}

/// The options of a client; times in seconds.
pub(crate) struct Options<'py> {
    pub(crate) client_name: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) platform_url: Option<String>,
    pub(crate) account_url: Option<String>,
    pub(crate) store: Option<Bound<'py, PyAny>>,
    pub(crate) timeout: Option<f64>,
    pub(crate) deadline: Option<f64>,
    pub(crate) max_retries: Option<i64>,
    pub(crate) org: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) first_poll_at_once: bool,
    pub(crate) lock_timeout: Option<f64>,
    pub(crate) store_timeout: f64,
    pub(crate) time_scale: f64,
}

/// The core's client, and its store if that is written in Python.
pub(crate) fn open(
    py: Python<'_>,
    options: Options<'_>,
) -> PyResult<(AccountClient, Option<Arc<HostStore>>)> {
    let version = py.version_info();
    let mut builder = AccountClient::builder()
        .language(format!(
            "python/{}.{}.{}",
            version.major, version.minor, version.patch
        ))
        .background(Arc::new(process::detached))
        .first_poll_at_once(options.first_poll_at_once)
        .time_scale(options.time_scale);
    macro_rules! given {
        ($( $option:ident => $method:ident ),* $(,)?) => {$(
            if let Some(value) = options.$option {
                builder = builder.$method(value);
            }
        )*};
    }
    given!(
        client_name => client_name,
        client_id => client_id,
        scopes => scopes,
        platform_url => platform_url,
        account_url => account_url,
        org => organization,
        user_agent => user_agent,
        proxy => proxy,
        ca_bundle => ca_bundle,
    );
    if let Some(timeout) = options.timeout {
        builder = builder.timeout(seconds(timeout));
    }
    if let Some(deadline) = options.deadline {
        builder = builder.deadline(seconds(deadline));
    }
    if let Some(timeout) = options.lock_timeout {
        builder = builder.lock_timeout(seconds(timeout));
    }
    if let Some(retries) = options.max_retries {
        builder = builder.max_retries(count(py, "max_retries", retries)?);
    }
    let store_timeout = positive_seconds(py, "store_timeout", options.store_timeout)?;
    let mut host = None;
    if let Some(object) = options.store {
        let (object, wrappers) = Wrappers::taken_off(object);
        builder = match host_store::given(&object, store_timeout)? {
            Given::Native(store) => builder.shared_store(wrappers.around(store)),
            Given::Host(store) => {
                host = Some(store.clone());
                builder.shared_store(wrappers.around(Arc::new(Adapter(store))))
            }
        };
    }
    // Reading certificates can take long, so other threads go on meanwhile.
    let client = errors::guard(py, || py.detach(|| builder.build()))?;
    Ok((client, host))
}
