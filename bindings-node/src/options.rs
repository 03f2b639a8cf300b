//! The options of clients and calls, as JavaScript hands them over.

use std::collections::HashMap;
use std::sync::Arc;

use napi_derive::napi;
use parallel_account::{AccountClient, CallOptions, Error};

use crate::bridge::NativeBridge;
use crate::encrypted::{NativeCipher, around};
use crate::events::{Listener, Listening};
use crate::models::duration;
use crate::runtime;
use crate::store::{HostStore, HostStoreOptions, NativeStore};

/// The options of a client, checked by `ts/options.ts`. Times in milliseconds.
#[napi(object, object_to_js = false)]
pub struct ClientOptions {
    pub client_name: Option<String>,
    pub client_id: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub platform_url: Option<String>,
    pub account_url: Option<String>,
    pub timeout: Option<f64>,
    pub deadline: Option<f64>,
    pub max_retries: Option<u32>,
    pub organization: Option<String>,
    pub user_agent: Option<String>,
    pub proxy: Option<String>,
    pub ca_bundle: Option<String>,
    pub first_poll_at_once: Option<bool>,
    pub lock_timeout: Option<f64>,
    /// Names and values by turns.
    pub headers: Option<Vec<String>>,
    /// Who hears of events besides the channels.
    pub listener: Option<Listening>,
    /// The file that `NODE_EXTRA_CA_CERTS` names.
    pub extra_ca_certs: Option<String>,
    /// What JavaScript calls the environment, as far as clients are made by it.
    pub environment: Option<HashMap<String, String>>,
    /// A store in JavaScript.
    pub host_store: Option<HostStoreOptions>,
    /// For the `User-Agent`: `node/20.20.2`.
    pub language: String,
    /// The clock's speed, for tests.
    pub time_scale: Option<f64>,
}

/// The limits of one call, and headers to send with it. Times in milliseconds.
#[napi(object, object_to_js = false)]
pub struct Limits {
    pub timeout: Option<f64>,
    pub deadline: Option<f64>,
    pub max_retries: Option<u32>,
    /// Names and values by turns.
    pub headers: Option<Vec<String>>,
}

/// Makes a client; no thread, socket or file is touched.
#[expect(clippy::too_many_lines, reason = "a line for each option")]
pub(crate) fn build(
    bridge: &NativeBridge,
    options: ClientOptions,
    store: Option<&NativeStore>,
    cipher: Option<&NativeCipher>,
) -> Result<AccountClient, Error> {
    let ClientOptions {
        client_name,
        client_id,
        scopes,
        platform_url,
        account_url,
        timeout,
        deadline,
        max_retries,
        organization,
        user_agent,
        proxy,
        ca_bundle,
        first_poll_at_once,
        lock_timeout,
        headers,
        listener,
        extra_ca_certs,
        environment,
        host_store,
        language,
        time_scale,
    } = options;
    let mut builder = AccountClient::builder()
        .language(language)
        .background(Arc::new(runtime::detached))
        .on_event(Listener::new(&bridge.shared, listener));
    macro_rules! set {
        ($($option:ident = $value:expr;)*) => {
            $(if let Some(value) = $value { builder = builder.$option(value); })*
        };
    }
    set! {
        client_name = client_name;
        client_id = client_id;
        scopes = scopes;
        platform_url = platform_url;
        account_url = account_url;
        timeout = timeout.map(duration);
        deadline = deadline.map(duration);
        max_retries = max_retries;
        organization = organization;
        user_agent = user_agent;
        proxy = proxy;
        ca_bundle = ca_bundle;
        first_poll_at_once = first_poll_at_once;
        lock_timeout = lock_timeout.map(duration);
        environment = environment;
        time_scale = time_scale;
        shared_store = store.map(|store| around(cipher, Arc::clone(&store.store)));
        shared_store = host_store.map(|host| around(cipher, Arc::new(HostStore::new(bridge, &host))));
    }
    for (name, value) in pairs(headers) {
        builder = builder.header(name, value);
    }
    if let Some(path) = extra_ca_certs {
        builder = builder.more_roots("NODE_EXTRA_CA_CERTS", path);
    }
    builder.build()
}

pub(crate) fn call_options(options: Option<Limits>) -> CallOptions {
    let Some(Limits {
        timeout,
        deadline,
        max_retries,
        headers,
    }) = options
    else {
        return CallOptions::default();
    };
    CallOptions {
        timeout: timeout.map(duration),
        deadline: deadline.map(duration),
        max_retries,
        headers: pairs(headers),
        response: None,
    }
}

/// Names and values by turns, as JavaScript hands them over.
fn pairs(flat: Option<Vec<String>>) -> Vec<(String, String)> {
    let mut flat = flat.unwrap_or_default().into_iter();
    std::iter::from_fn(|| flat.next().zip(flat.next())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn headers_come_by_turns() {
        let flat = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        assert!(pairs(None).is_empty());
        let expected = [
            ("a".to_owned(), "1".to_owned()),
            ("b".to_owned(), "2".to_owned()),
        ];
        assert_eq!(pairs(flat(&["a", "1", "b", "2"])), expected);
    }

    #[test]
    fn limits_that_are_not_given_stay_as_the_client_has_them() {
        let none = call_options(None);
        assert!(none.timeout.is_none() && none.deadline.is_none() && none.max_retries.is_none());
        let some = call_options(Some(Limits {
            timeout: Some(1500.0),
            deadline: Some(f64::MAX),
            max_retries: Some(0),
            headers: None,
        }));
        assert_eq!(some.timeout, Some(Duration::from_millis(1500)));
        // For the core to refuse.
        assert_eq!(some.deadline, Some(Duration::MAX));
        assert_eq!(some.max_retries, Some(0));
    }
}
