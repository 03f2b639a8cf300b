//! What clients with equal network options share: a connection pool for each runtime.

use super::{
    proxy::Proxy,
    roots::{Roots, Trust},
    tls,
};
use crate::{Error, Result};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use rustls::ClientConfig;
use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, OnceLock, PoisonError, RwLock, Weak},
    time::Duration,
};
use tokio::{
    runtime::{Handle, Id},
    task::AbortHandle,
};
use url::Url;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of each host, in each pool.
const MOST_IDLE_CONNECTIONS: usize = 64;
/// An HTTP/2 connection that has been silent for so long under a request is asked for a sign of
/// life,
const PING_AFTER: Duration = Duration::from_secs(4);
/// and is dead without one in this time.
const PONG_WITHIN: Duration = Duration::from_secs(3);
/// What was sent and is not acknowledged for so long is lost. More than [`CONNECT_TIMEOUT`],
/// which has the better message.
#[cfg(any(target_os = "android", target_os = "linux"))]
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(12);

/// Where a client's plain `http` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Plain {
    /// Both bases are `https`.
    Nowhere,
    /// One base is this machine.
    OneBase,
    /// Both bases are this machine.
    BothBases,
}

/// All that makes connections of one client unfit for another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct NetworkOptions {
    pub(crate) user_agent: String,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) trust: Trust,
    pub(crate) plain: Plain,
}

/// The connections of all clients with these options.
pub(crate) struct Network {
    options: Arc<NetworkOptions>,
    tls: ClientConfig,
    pools: RwLock<HashMap<Id, Arc<Pool>>>,
}

/// The connections that one runtime drives.
pub(super) struct Pool {
    http: reqwest::Client,
    /// For plain `http` where the system may have a proxy for it: it only goes to this machine.
    local: Option<reqwest::Client>,
    parked: OnceLock<AbortHandle>,
}

impl Network {
    pub(crate) fn new(options: NetworkOptions, roots: &Roots) -> Result<Self> {
        let no_tls = options.plain == Plain::BothBases && options.trust.bundle().is_none();
        let tls = match no_tls {
            true => tls::trusting_nobody()?,
            false => roots.config(&options.trust)?,
        };
        Ok(Network {
            options: Arc::new(options),
            tls,
            pools: RwLock::default(),
        })
    }

    pub(crate) fn options(&self) -> &Arc<NetworkOptions> {
        &self.options
    }

    /// The connections that `runtime` drives; on any other they would hang.
    pub(super) fn pool(self: &Arc<Self>, runtime: &Handle) -> Result<Arc<Pool>> {
        let id = runtime.id();
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&id) {
            return Ok(pool.clone());
        }
        drop(pools);
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&id) {
            return Ok(pool.clone());
        }
        let pool = Arc::new(self.make_pool()?);
        pools.insert(id, pool.clone());
        drop(pools);
        // Outside the lock, which it takes at once where the runtime is shutting down.
        let tenancy = Tenancy {
            network: Arc::downgrade(self),
            id,
        };
        let parked = runtime.spawn(async move {
            let _tenancy = tenancy;
            pending::<()>().await;
        });
        let _ = pool.parked.set(parked.abort_handle());
        Ok(pool)
    }

    #[cfg(test)]
    pub(crate) fn pools(&self) -> usize {
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        pools.len()
    }

    fn make_pool(&self) -> Result<Pool> {
        let plain = self.options.plain;
        let (http, local) = match &self.options.proxy {
            // In place of the system's; one of the environment is for `https` alone.
            Some(proxy) => (self.client().proxy(proxy.build()?), None),
            None if plain == Plain::BothBases || cfg!(target_os = "linux") => {
                (self.client().no_proxy(), None)
            }
            // The system may have proxies that are not in the environment. One for plain `http`
            // would read the token, and look for its own port of that number.
            None => {
                let local = (plain == Plain::OneBase).then(|| self.client().no_proxy());
                (self.client(), local)
            }
        };
        Ok(Pool {
            http: built(http)?,
            local: local.map(built).transpose()?,
            parked: OnceLock::new(),
        })
    }

    fn client(&self) -> reqwest::ClientBuilder {
        let mut defaults = HeaderMap::new();
        defaults.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let builder = reqwest::Client::builder()
            .user_agent(&self.options.user_agent)
            .default_headers(defaults)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(MOST_IDLE_CONNECTIONS)
            .http2_keep_alive_interval(PING_AFTER)
            .http2_keep_alive_timeout(PONG_WITHIN)
            .http2_keep_alive_while_idle(false)
            .tcp_nodelay(true)
            .tls_backend_preconfigured(self.tls.clone());
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let builder = builder.tcp_user_timeout(ACKNOWLEDGED_WITHIN);
        builder
    }
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder
        .build()
        .map_err(|error| Error::config(format!("The HTTP client could not be created: {error}.")))
}

impl Pool {
    pub(super) fn client_for(&self, url: &Url) -> &reqwest::Client {
        match &self.local {
            Some(local) if url.scheme() == "http" => local,
            _ => &self.http,
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(parked) = self.parked.get() {
            parked.abort();
        }
    }
}

/// A pool's place in its runtime: when the runtime goes, this is dropped, and the pool goes too.
struct Tenancy {
    network: Weak<Network>,
    id: Id,
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        let Some(network) = self.network.upgrade() else {
            return;
        };
        let mut pools = network
            .pools
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let pool = pools.remove(&self.id);
        drop(pools);
        drop(pool);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_this_machine_has_a_client_of_its_own_if_there_is_one() {
        let client = || {
            let tls = tls::trusting_nobody().expect("no roots needed");
            built(reqwest::Client::builder().tls_backend_preconfigured(tls)).expect("good options")
        };
        let url = |text: &str| text.parse().expect("a URL");
        let mut pool = Pool {
            http: client(),
            local: Some(client()),
            parked: OnceLock::new(),
        };
        let is_http = |pool: &Pool, text| std::ptr::eq(pool.client_for(&url(text)), &pool.http);
        assert!(is_http(&pool, "https://a.example"));
        assert!(!is_http(&pool, "http://127.0.0.1"));
        pool.local = None;
        assert!(is_http(&pool, "http://127.0.0.1"));
    }
}
