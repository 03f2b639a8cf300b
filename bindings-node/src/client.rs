//! The client: each method names the call it settles and returns at once.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Either, ToNapiValue};
use napi_derive::napi;
use parallel_account::{AccountClient, Error, LoginOptions, ResponseSlot, Secret};

#[cfg(debug_assertions)]
use crate::batch::Nonsense;
use crate::bridge::NativeBridge;
use crate::encrypted::NativeCipher;
use crate::failure::{Failure, caught};
use crate::login::NativeLogin;
use crate::models::{ApiKey, ApiResponse, App, Balance, LoginStatus, Organization, duration};
use crate::options::{ClientOptions, Limits, build, call_options};
use crate::shared::Shared;
use crate::store::NativeStore;

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
            client.apps().create(&name).await.map(App::from)
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
    pub fn renew_api_key(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        refused: Option<String>,
    ) {
        let refused = refused.map(Secret::from);
        self.call(env, call, limits, move |client| async move {
            let key = client.renew_api_key(refused.as_ref()).await?;
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
