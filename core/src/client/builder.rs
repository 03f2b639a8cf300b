//! Options for a new client.

use super::AccountClient;
use crate::{
    Result,
    config::{Options, RuntimeProvider},
    environment::Environment,
    events::{EventListener, Events},
    store::CredentialStore,
};
use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc, time::Duration};

/// Options of a client that is to be made. All are optional.
#[derive(Clone, Default)]
pub struct AccountClientBuilder {
    options: Options,
    store: Option<Arc<dyn CredentialStore>>,
}

impl AccountClient {
    /// Options for a new client.
    pub fn builder() -> AccountClientBuilder {
        AccountClientBuilder::default()
    }
}

impl AccountClientBuilder {
    /// What the approval page calls the application; also names the default store.
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.options.client_name = name.into();
        self
    }

    /// A registration made elsewhere; without one, the first login registers.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.options.client_id = Some(id.into());
        self
    }

    /// What logins ask for; by default all scopes of the Account API
    /// ([`ALL_SCOPES`](crate::ALL_SCOPES)).
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The base of the device flow; by default `PARALLEL_PLATFORM_URL`, then
    /// `https://platform.parallel.ai`.
    pub fn platform_url(mut self, url: impl Into<String>) -> Self {
        self.options.platform_url = Some(url.into());
        self
    }

    /// The base of the Account API; by default `PARALLEL_SERVICE_API_URL`, then
    /// `https://api.parallel.ai/account`.
    pub fn account_url(mut self, url: impl Into<String>) -> Self {
        self.options.account_url = Some(url.into());
        self
    }

    /// Where the login is kept. Default: [`FileStore::default_for`](crate::FileStore::default_for)
    /// the client's name, and for bases other than Parallel's own a file beside it that is named
    /// after them. A store belongs to one platform and Account API.
    ///
    /// A server needs one store for each user, as users of the default file share one login.
    /// `PARALLEL_ACCOUNT_REQUIRE_STORE=1` in its environment refuses clients without a store.
    pub fn store(mut self, store: impl CredentialStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), for a store that is shared already.
    pub fn shared_store(mut self, store: Arc<dyn CredentialStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// How long one request may take, from connecting to the last byte; default 30 s. At most one
    /// day.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// How long a call as a whole may take, retries, a refresh and all waiting included; by default
    /// there is no limit. A call that would retry later than that fails with its last error at
    /// once. At most one day.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// How often a request is retried at most where a retry is safe; default 2.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.options.max_retries = retries;
        self
    }

    /// The ID of the organization to act for, whichever is selected in the store.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.options.organization = Some(id.into());
        self
    }

    /// Added to the `User-Agent`, such as `my-app/1.2`.
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.options.user_agent = Some(agent.into());
        self
    }

    /// The URL of a proxy, instead of what `HTTPS_PROXY` and its like say; `NO_PROXY` counts.
    /// Such as `http://proxy.example:8080` or `socks5h://proxy.example:1080`. Such
    /// as `http://proxy.example:8080` or `socks5h://proxy.example:1080`.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.options.proxy = Some(url.into());
        self
    }

    /// A file of PEM certificates to trust besides the system's.
    pub fn ca_bundle(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.ca_bundle = Some(path.into());
        self
    }

    /// Whether to poll a login at once rather than after one interval (RFC 8628 §3.5 leaves
    /// both open).
    pub fn first_poll_at_once(mut self, at_once: bool) -> Self {
        self.options.first_poll_at_once = at_once;
        self
    }

    /// How long to wait for another process that holds the store's lock; default 60 s. At most
    /// one day.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.options.lock_timeout = timeout;
        self
    }

    /// Sent with every request, such as `x-team`; what this library sets itself, such as
    /// `Authorization`, is refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push((name.into(), value.into()));
        self
    }

    /// Told of requests, refreshes and what is wrong with the store: a closure, or an
    /// [`EventListener`] that can say when nobody listens.
    pub fn on_event(mut self, listener: impl EventListener) -> Self {
        self.options.events = Events::new(Arc::new(listener));
        self
    }

    /// For bindings: variables to read in place of the process's: the bases, the proxies, and whether
    /// a store is required.
    #[doc(hidden)]
    pub fn environment(mut self, variables: HashMap<String, String>) -> Self {
        self.options.environment = Environment(Some(variables));
        self
    }

    /// For bindings: a file of PEM certificates to trust as well, and the variable that names it. One
    /// that cannot be read is a warning.
    #[doc(hidden)]
    pub fn more_roots(mut self, variable: &'static str, path: impl Into<PathBuf>) -> Self {
        self.options.more_roots = Some((variable, path.into()));
        self
    }

    /// For bindings: the language and its version, for the `User-Agent`.
    #[doc(hidden)]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.options.language = Some(language.into());
        self
    }

    /// For bindings: where refreshes run. Default: a thread of the process's own.
    #[doc(hidden)]
    pub fn background(mut self, provider: RuntimeProvider) -> Self {
        self.options.background = Some(provider);
        self
    }

    /// For tests: the client's clock runs this many times faster than the real one.
    #[doc(hidden)]
    pub fn time_scale(mut self, scale: f64) -> Self {
        self.options.time_scale = scale;
        self
    }

    /// Makes the client. Nothing is read, written or sent yet.
    ///
    /// # Errors
    /// `config` for a bad option, `store` where there is no home folder for the default file.
    pub fn build(self) -> Result<AccountClient> {
        AccountClient::new(self.options, self.store)
    }
}

impl fmt::Debug for AccountClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountClientBuilder")
            .field("client_name", &self.options.client_name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The defaults that the documentation of every language names.
    #[test]
    fn the_defaults_are_those_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/api.json");
        let table = std::fs::read_to_string(path).expect("the table");
        let table: Value = serde_json::from_str(&table).expect("JSON");
        let options = table["options"].as_array().expect("options");
        let listed: Vec<_> = options
            .iter()
            .filter(|option| !option["default"].is_null())
            .map(|option| (option["name"].as_str().expect("a name"), &option["default"]))
            .collect();
        let own = Options::default();
        let store = crate::MemoryStore::new(None);
        let of_store = |name: &str| {
            let members = table["store"].as_array().expect("members");
            let mut defaults = members.iter().filter(|member| member["name"] == name);
            defaults.next().map(|member| &member["default"])
        };
        assert_eq!(
            of_store("timeout"),
            Some(&json!(store.time_limit().as_secs()))
        );
        assert_eq!(
            of_store("cache_for"),
            Some(&json!(store.cache_for().as_secs()))
        );
        assert_eq!(
            listed,
            [
                ("timeout", &json!(own.timeout.as_secs())),
                ("max_retries", &json!(own.max_retries)),
                ("first_poll_at_once", &json!(own.first_poll_at_once)),
                ("lock_timeout", &json!(own.lock_timeout.as_secs())),
                ("store_timeout", &json!(store.time_limit().as_secs())),
            ]
        );
    }
}
