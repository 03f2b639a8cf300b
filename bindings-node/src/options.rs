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
    macro_rules! given {
        ($($option:ident),*) => {$(
            if let Some(value) = $option {
                builder = builder.$option(value);
            }
        )*};
    }
    given!(
        client_name,
        client_id,
        scopes,
        platform_url,
        account_url,
        max_retries,
        organization,
        user_agent,
        proxy,
        ca_bundle,
        first_poll_at_once,
        environment,
        time_scale
    );
    for (name, value) in pairs(headers) {
        builder = builder.header(name, value);
    }
    if let Some(path) = extra_ca_certs {
        builder = builder.more_roots("NODE_EXTRA_CA_CERTS", path);
    }
    if let Some(timeout) = timeout {
        builder = builder.timeout(duration(timeout));
    }
    if let Some(deadline) = deadline {
        builder = builder.deadline(duration(deadline));
    }
    if let Some(timeout) = lock_timeout {
        builder = builder.lock_timeout(duration(timeout));
    }
    if let Some(store) = store {
        builder = builder.shared_store(around(cipher, Arc::clone(&store.store)));
    }
    if let Some(host) = host_store {
        builder = builder.shared_store(around(cipher, Arc::new(HostStore::new(bridge, &host))));
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
