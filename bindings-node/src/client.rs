//! The client: each method names the call it settles and returns at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Either, ToNapiValue};
use napi_derive::napi;
use parallel_account::{AccountClient, CallOptions, Error, LoginOptions, ResponseSlot};

#[cfg(debug_assertions)]
use crate::batch::Nonsense;
use crate::bridge::{NativeBridge, Shared};
use crate::encrypted::{NativeCipher, around};
use crate::events::{Listener, Listening};
use crate::failure::{Failure, caught};
use crate::login::NativeLogin;
use crate::models::{ApiKey, ApiResponse, App, Balance, LoginStatus, Organization};
use crate::runtime;
use crate::store::{HostStore, NativeStore};

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

/// A store that JavaScript keeps.
#[napi(object, object_to_js = false)]
pub struct HostStoreOptions {
    /// The number that it is known by.
    pub kept: u32,
    /// Milliseconds that a loaded record may be used for.
    pub cache_for: f64,
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

/// What `AccountClient` in `ts/client.ts` holds.
#[napi]
pub struct NativeClient {
    pub(crate) client: AccountClient,
    pub(crate) bridge: Arc<Shared>,
}

/// Makes a client; no thread, socket or file is touched.
#[napi]
pub fn open_client(
    bridge: &NativeBridge,
    options: ClientOptions,
    store: Option<&NativeStore>,
    cipher: Option<&NativeCipher>,
) -> Either<NativeClient, Failure> {
    caught(|| {
        Ok(NativeClient {
            client: build(bridge, options, store, cipher)?,
            bridge: Arc::clone(&bridge.shared),
        })
    })
}

fn build(
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

/// `ts/options.ts` lets no number through that is negative or not finite.
pub(crate) fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX)
}

impl NativeClient {
    /// Makes a call of the client with these options. What its answer says besides its body comes to
    /// JavaScript as well, if somebody there wants it by then.
    pub(crate) fn call<T, F>(
        &self,
        env: Env,
        call: u32,
        options: Option<Limits>,
        work: impl FnOnce(AccountClient) -> F + Send + 'static,
    ) where
        T: ToNapiValue + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let client = self.client.clone();
        let slot = ResponseSlot::default();
        let seen = slot.clone();
        self.bridge
            .run_seen(&self.client, seen, env, call, async move {
                work(client.with_options(call_options(options).response(&slot))).await
            });
    }
}

fn call_options(options: Option<Limits>) -> CallOptions {
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

/// `GET /service/v1/…` and the rest of the Account API.
#[napi]
impl NativeClient {
    #[napi]
    pub fn balance_get(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            client.balance().get().await.map(Balance::from)
        });
    }

    #[napi]
    pub fn balance_add(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        amount_cents: i64,
        idempotency_key: Option<String>,
    ) {
        self.call(env, call, limits, move |client| async move {
            client
                .balance()
                .add(amount_cents, idempotency_key.as_deref())
                .await
                .map(Balance::from)
        });
    }

    #[napi]
    pub fn apps_list(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            let apps = client.apps().list().await?;
            Ok(apps.into_iter().map(App::from).collect::<Vec<_>>())
        });
    }

    #[napi]
    pub fn apps_create(&self, env: Env, call: u32, limits: Option<Limits>, name: String) {
        self.call(env, call, limits, move |client| async move {
            client.apps().create(&name).await.map(|app| app.app_id)
        });
    }

    #[napi]
    pub fn apps_delete(&self, env: Env, call: u32, limits: Option<Limits>, app_id: String) {
        self.call(env, call, limits, move |client| async move {
            client.apps().delete(&app_id).await
        });
    }

    #[napi]
    pub fn keys_create(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        app_id: String,
        name: String,
    ) {
        self.call(env, call, limits, move |client| async move {
            client.keys().create(&app_id, &name).await.map(ApiKey::from)
        });
    }

    #[napi]
    pub fn keys_delete(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        app_id: String,
        key_id: String,
    ) {
        self.call(env, call, limits, move |client| async move {
            client.keys().delete(&app_id, &key_id).await
        });
    }

    /// `json` is the body as text; answers what is wrong with it, if anything, and starts nothing.
    #[napi]
    pub fn request(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        method: String,
        path: String,
        json: Option<String>,
    ) -> Option<Failure> {
        let json = match json.map(|text| serde_json::from_str(&text)).transpose() {
            Ok(json) => json,
            // JavaScript nests deeper than the core does, and has strings that are no Unicode.
            Err(error) => {
                return Some(Failure::invalid_request(format!(
                    "json cannot be sent: {error}"
                )));
            }
        };
        self.call(env, call, limits, move |client| async move {
            client
                .request(&method, &path, json)
                .await
                .map(ApiResponse::from)
        });
        None
    }
}

/// The login and what is stored of it.
#[napi]
impl NativeClient {
    /// Settles with a `NativeLogin`.
    #[napi]
    pub fn start_login(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        scopes: Option<Vec<String>>,
        login_timeout: Option<f64>,
        login_hint: Option<String>,
    ) {
        let bridge = Arc::clone(&self.bridge);
        self.call(env, call, limits, move |client| async move {
            let options = LoginOptions {
                scopes,
                timeout: login_timeout.map(duration),
                login_hint,
            };
            let login = client.start_login(options).await?;
            Ok(NativeLogin::new(login, client, bridge))
        });
    }

    /// Settles with a `NativeLogin`.
    #[napi]
    pub fn resume_login(&self, env: Env, call: u32, limits: Option<Limits>, record: String) {
        let bridge = Arc::clone(&self.bridge);
        self.call(env, call, limits, move |client| async move {
            let login = client.resume_login(&record).await?;
            Ok(NativeLogin::new(login, client, bridge))
        });
    }

    #[napi]
    pub fn status(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            client.status().await.map(LoginStatus::from)
        });
    }

    #[napi]
    pub fn logout(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        all: bool,
        organization: Option<String>,
    ) {
        self.call(env, call, limits, move |client| async move {
            match organization {
                _ if all => client.logout_all().await,
                Some(id) => client.logout_of(&id).await,
                None => client.logout().await,
            }
        });
    }

    #[napi]
    pub fn access_token(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            let token = client.access_token().await?;
            Ok(token.expose().to_owned())
        });
    }

    #[napi]
    pub fn api_key(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            let key = client.api_key().await?;
            Ok(key.expose().to_owned())
        });
    }

    #[napi]
    pub fn renew_api_key(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            let key = client.renew_api_key().await?;
            Ok(key.expose().to_owned())
        });
    }

    #[napi]
    pub fn organizations(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            let organizations = client.organizations().await?;
            Ok(organizations
                .into_iter()
                .map(Organization::from)
                .collect::<Vec<_>>())
        });
    }

    #[napi]
    pub fn select_organization(&self, env: Env, call: u32, limits: Option<Limits>, id: String) {
        self.call(env, call, limits, move |client| async move {
            client.select_organization(&id).await
        });
    }

    /// Settles when nothing of this client runs detached.
    #[napi]
    pub fn settled(&self, env: Env, call: u32) {
        let client = self.client.clone();
        self.bridge.run(env, call, async move {
            client.settled().await;
            Ok(())
        });
    }

    /// Later calls fail.
    #[napi]
    pub fn close(&self) {
        self.client.close();
    }
}

#[cfg(debug_assertions)]
#[napi]
impl NativeClient {
    /// Panics with `message` in the call.
    #[napi]
    pub fn panic_for_tests(&self, env: Env, call: u32, message: String) {
        self.bridge
            .run::<(), _>(env, call, async move { panic!("{message}") });
    }

    /// Settles with something that does not become a JavaScript value.
    #[napi]
    pub fn nonsense_for_tests(&self, env: Env, call: u32) {
        self.bridge.run(env, call, async { Ok(Nonsense) });
    }
}
