//! The client: options in, sessions and the Account API out.

use std::{sync::Arc, time::Duration};

use parallel_account::{AccountClient, CallOptions, Error, LoginOptions, Secret};

use crate::{
    call::{Call, at_once, detached, runtime},
    error::{Failure, Problem},
    login::FfiLogin,
    model::{FfiApiKey, FfiApp, FfiBalance, FfiOrganization, FfiStatus},
    store::FfiStore,
};

/// Options; what is absent is the core's default. Durations are seconds.
#[derive(uniffi::Record)]
pub struct FfiOptions {
    /// What the person is told asks for access; also names the default file.
    pub client_name: Option<String>,
    /// A registration made elsewhere.
    pub client_id: Option<String>,
    /// What to ask for.
    pub scopes: Option<Vec<String>>,
    /// Base of the device flow.
    pub platform_url: Option<String>,
    /// Base of the Account API.
    pub account_url: Option<String>,
    /// Where logins are kept.
    pub store: Option<Arc<FfiStore>>,
    /// Per request.
    pub timeout: Option<f64>,
    /// Per call as a whole.
    pub deadline: Option<f64>,
    /// Repeats at most.
    pub max_retries: Option<u32>,
    /// Which organisation to act for.
    pub organization: Option<String>,
    /// The caller's own part of the User-Agent.
    pub user_agent: Option<String>,
    /// A proxy's URL.
    pub proxy: Option<String>,
    /// A PEM file of further roots.
    pub ca_bundle: Option<String>,
    /// Whether to poll before the first interval.
    pub first_poll_at_once: bool,
    /// How long to wait for another process's refresh.
    pub lock_timeout: Option<f64>,
    /// Goes into the User-Agent.
    pub language: String,
    /// How much faster the clock runs; for the scenario tests.
    pub time_scale: Option<f64>,
}

/// Options of one login. Durations are seconds.
#[derive(uniffi::Record)]
pub struct FfiLoginOptions {
    /// What to ask for this time.
    pub scopes: Option<Vec<String>>,
    /// Give up after this.
    pub timeout: Option<f64>,
    /// Who is expected to log in.
    pub login_hint: Option<String>,
}

/// An answer below the Account API's base.
#[derive(uniffi::Record)]
pub struct FfiResponse {
    /// HTTP status.
    pub status: u16,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// The body.
    pub json: String,
}

/// See `core::AccountClient`.
#[derive(uniffi::Object)]
pub struct FfiClient {
    client: AccountClient,
}

/// The core's limit of a limit.
const LONGEST: Duration = Duration::from_secs(86_400);

/// How long closing a client waits for what is unsaved.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

/// Seconds from Swift. What no `Duration` can hold becomes one that the core refuses by its limits.
pub(crate) fn duration(seconds: f64) -> Duration {
    let limit = if seconds > 0.0 {
        Duration::MAX
    } else {
        Duration::ZERO
    };
    Duration::try_from_secs_f64(seconds).unwrap_or(limit)
}

/// Refuses what the core would refuse at the first call.
fn check_limit(name: &str, seconds: Option<f64>) -> Result<Option<Duration>, Failure> {
    let time = seconds.map(duration);
    match time.is_none_or(|time| !time.is_zero() && time <= LONGEST) {
        true => Ok(time),
        false => Err(refused(
            "config",
            format!("{name} must be greater than zero and at most one day."),
        )),
    }
}

/// A refusal of something that only exists at this border.
fn refused(code: &str, message: String) -> Failure {
    Failure::Failed {
        problem: Box::new(Problem {
            code: code.into(),
            message,
            status: None,
            request_id: None,
            retry_after: None,
            retryable: false,
            outcome_unknown: false,
            oauth_error: None,
            oauth_description: None,
            fields: Vec::new(),
            idempotency_key: None,
            cause: None,
        }),
    }
}

impl FfiClient {
    pub(crate) fn core(&self) -> AccountClient {
        self.client.clone()
    }
}

#[uniffi::export]
impl FfiClient {
    /// A client; nothing is sent or read yet.
    #[uniffi::constructor]
    pub fn new(options: FfiOptions) -> Result<Arc<Self>, Failure> {
        let FfiOptions {
            client_name,
            client_id,
            scopes,
            platform_url,
            account_url,
            store,
            timeout,
            deadline,
            max_retries,
            organization,
            user_agent,
            proxy,
            ca_bundle,
            first_poll_at_once,
            lock_timeout,
            language,
            time_scale,
        } = options;
        let mut builder = AccountClient::builder()
            .language(language)
            .background(Arc::new(|| detached().cloned()))
            .first_poll_at_once(first_poll_at_once);
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
            shared_store = store.map(|store| store.core());
            timeout = timeout.map(duration);
            deadline = deadline.map(duration);
            max_retries = max_retries;
            organization = organization;
            user_agent = user_agent;
            proxy = proxy;
            ca_bundle = ca_bundle;
            lock_timeout = lock_timeout.map(duration);
            time_scale = time_scale;
        }
        at_once(|| {
            let _entered = runtime()?.enter();
            Ok(Arc::new(FfiClient {
                client: builder.build()?,
            }))
        })
    }

    /// The same session under other limits.
    pub fn with_options(
        &self,
        timeout: Option<f64>,
        deadline: Option<f64>,
        max_retries: Option<u32>,
    ) -> Result<Arc<Self>, Failure> {
        let client = self.client.with_options(CallOptions {
            timeout: check_limit("timeout", timeout)?,
            deadline: check_limit("deadline", deadline)?,
            max_retries,
            ..CallOptions::default()
        });
        Ok(Arc::new(FfiClient { client }))
    }

    /// Later calls fail.
    pub fn close(&self) {
        self.client.close();
    }

    /// Waits for what cancelled calls left running.
    pub async fn settled(&self, call: Arc<Call>) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move {
            client.settled().await;
            Ok(())
        })
        .await
    }

    /// The same for a client that is being closed: whatever takes longer goes on without it.
    pub async fn settle_closed(&self, call: Arc<Call>) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move {
            let _ = tokio::time::timeout(SETTLE_WITHIN, client.settled()).await;
            Ok(())
        })
        .await
    }

    /// Begins a device login.
    pub async fn start_login(
        &self,
        call: Arc<Call>,
        options: FfiLoginOptions,
    ) -> Result<Arc<FfiLogin>, Failure> {
        let FfiLoginOptions {
            scopes,
            timeout,
            login_hint,
        } = options;
        let timeout = timeout.map(duration);
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(refused(
                "config",
                "timeout must be greater than zero. Leave it out to wait until the code expires."
                    .into(),
            ));
        }
        let client = self.core();
        call.run(async move {
            let options = LoginOptions {
                scopes,
                timeout,
                login_hint,
            };
            client.start_login(options).await.map(FfiLogin::new)
        })
        .await
    }

    /// Goes on with a login begun elsewhere.
    pub async fn resume_login(
        &self,
        call: Arc<Call>,
        record: String,
    ) -> Result<Arc<FfiLogin>, Failure> {
        let client = self.core();
        call.run(async move { client.resume_login(&record).await.map(FfiLogin::new) })
            .await
    }

    /// Who is logged in; no network.
    pub async fn status(&self, call: Arc<Call>) -> Result<FfiStatus, Failure> {
        let client = self.core();
        call.run(async move { client.status().await.map(Into::into) })
            .await
    }

    /// Revokes, then forgets: all logins, or one organisation's, or the one that is acted for.
    pub async fn logout(
        &self,
        call: Arc<Call>,
        all: bool,
        organization: Option<String>,
    ) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move {
            match organization {
                _ if all => client.logout_all().await,
                Some(organization) => client.logout_of(&organization).await,
                None => client.logout().await,
            }
        })
        .await
    }

    /// A bearer that is valid now.
    pub async fn access_token(&self, call: Arc<Call>) -> Result<String, Failure> {
        let client = self.core();
        call.run(async move { Ok(client.access_token().await?.expose().to_owned()) })
            .await
    }

    /// The organisation's data key, made if there is none.
    pub async fn api_key(&self, call: Arc<Call>) -> Result<String, Failure> {
        let client = self.core();
        call.run(async move { Ok(client.api_key().await?.expose().to_owned()) })
            .await
    }

    /// A new data key in place of `refused`, or of the last one.
    pub async fn renew_api_key(
        &self,
        refused: Option<String>,
        call: Arc<Call>,
    ) -> Result<String, Failure> {
        let client = self.core();
        let refused = refused.map(Secret::from);
        call.run(async move {
            let renewed = client.renew_api_key(refused.as_ref()).await?;
            Ok(renewed.expose().to_owned())
        })
        .await
    }

    /// All that the store knows.
    pub async fn organizations(&self, call: Arc<Call>) -> Result<Vec<FfiOrganization>, Failure> {
        let client = self.core();
        call.run(async move {
            Ok(client
                .organizations()
                .await?
                .into_iter()
                .map(Into::into)
                .collect())
        })
        .await
    }

    /// Which organisation calls act for from now on.
    pub async fn select_organization(
        &self,
        call: Arc<Call>,
        organization: String,
    ) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move { client.select_organization(&organization).await })
            .await
    }

    /// Anything else below the base.
    pub async fn request(
        &self,
        call: Arc<Call>,
        method: String,
        path: String,
        json: Option<String>,
    ) -> Result<FfiResponse, Failure> {
        let body = json
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|_| refused("invalid_request", "The body is not valid JSON.".into()))?;
        let client = self.core();
        call.run(async move {
            let answer = client.request(&method, &path, body).await?;
            Ok(FfiResponse {
                status: answer.status,
                request_id: answer.request_id,
                json: serde_json::to_string(&answer.json).map_err(Error::internal)?,
            })
        })
        .await
    }

    /// `GET /service/v1/balance`.
    pub async fn balance_get(&self, call: Arc<Call>) -> Result<FfiBalance, Failure> {
        let client = self.core();
        call.run(async move { client.balance().get().await.map(Into::into) })
            .await
    }

    /// `POST /service/v1/balance/add`.
    pub async fn balance_add(
        &self,
        call: Arc<Call>,
        amount_cents: i64,
        idempotency_key: Option<String>,
    ) -> Result<FfiBalance, Failure> {
        let client = self.core();
        call.run(async move {
            client
                .balance()
                .add(amount_cents, idempotency_key.as_deref())
                .await
                .map(Into::into)
        })
        .await
    }

    /// `GET /service/v1/apps`.
    pub async fn apps_list(&self, call: Arc<Call>) -> Result<Vec<FfiApp>, Failure> {
        let client = self.core();
        call.run(async move {
            Ok(client
                .apps()
                .list()
                .await?
                .into_iter()
                .map(Into::into)
                .collect())
        })
        .await
    }

    /// `POST /service/v1/apps`; answers the app's id.
    pub async fn apps_create(&self, call: Arc<Call>, name: String) -> Result<String, Failure> {
        let client = self.core();
        call.run(async move { Ok(client.apps().create(&name).await?.app_id) })
            .await
    }

    /// `DELETE /service/v1/apps/{app_id}`.
    pub async fn apps_delete(&self, call: Arc<Call>, app_id: String) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move { client.apps().delete(&app_id).await })
            .await
    }

    /// `POST /service/v1/apps/{app_id}/keys`.
    pub async fn keys_create(
        &self,
        call: Arc<Call>,
        app_id: String,
        name: String,
    ) -> Result<FfiApiKey, Failure> {
        let client = self.core();
        call.run(async move { client.keys().create(&app_id, &name).await.map(Into::into) })
            .await
    }

    /// `DELETE /service/v1/apps/{app_id}/keys/{key_id}`.
    pub async fn keys_delete(
        &self,
        call: Arc<Call>,
        app_id: String,
        key_id: String,
    ) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move { client.keys().delete(&app_id, &key_id).await })
            .await
    }
}
