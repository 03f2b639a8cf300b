//! The client: options in, sessions and the Account API out.

use std::{sync::Arc, time::Duration};

use parallel_account::{AccountClient, CallOptions, LoginOptions, Secret};

use crate::{
    call::{run, try_run},
    error::{Failure, Problem},
    login::FfiLogin,
    model::{FfiOrganization, FfiStatus},
    runtime::{at_once, detached, runtime},
    seeing::{FfiHeader, FfiResponseSlot, ForeignListener, Listener},
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
    /// Which organization to act for.
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
    /// Sent to the Account API with every request.
    pub headers: Vec<FfiHeader>,
    /// Hears of what happens.
    pub listener: Arc<dyn ForeignListener>,
    /// Whether it hears of requests and of warnings, too.
    pub wants_all: bool,
    /// Whether it hears at least of requests that may bring tokens.
    pub wants_token_requests: bool,
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

/// See `core::CallOptions`; what is absent stays as the client has it.
#[derive(uniffi::Record)]
pub struct FfiCallOptions {
    /// Per request, in seconds.
    pub timeout: Option<f64>,
    /// Per call as a whole, in seconds.
    pub deadline: Option<f64>,
    /// Repeats at most.
    pub max_retries: Option<u32>,
    /// Besides the client's.
    pub headers: Vec<FfiHeader>,
    /// Takes what an answer says besides its body.
    pub response: Option<Arc<FfiResponseSlot>>,
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
pub(crate) fn refused(code: &str, message: String) -> Failure {
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
    #[expect(clippy::too_many_lines, reason = "two lines for each option")]
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
            headers,
            listener,
            wants_all,
            wants_token_requests,
            language,
            time_scale,
        } = options;
        let mut builder = AccountClient::builder()
            .language(language)
            .on_event(Listener::new(listener, wants_all, wants_token_requests))
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
        for FfiHeader { name, value } in headers {
            builder = builder.header(name, value);
        }
        at_once(|| {
            let _entered = runtime()?.enter();
            Ok(Arc::new(FfiClient {
                client: builder.build()?,
            }))
        })
    }

    /// The same session under other options.
    pub fn with_options(&self, options: FfiCallOptions) -> Result<Arc<Self>, Failure> {
        let FfiCallOptions {
            timeout,
            deadline,
            max_retries,
            headers,
            response,
        } = options;
        let client = self.client.with_options(CallOptions {
            timeout: check_limit("timeout", timeout)?,
            deadline: check_limit("deadline", deadline)?,
            max_retries,
            headers: headers.into_iter().map(FfiHeader::pair).collect(),
            response: response.map(|slot| slot.core()),
        });
        Ok(Arc::new(FfiClient { client }))
    }

    /// Later calls fail.
    pub fn close(&self) {
        self.client.close();
    }

    /// Waits for what cancelled calls left running.
    pub fn settled(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            client.settled().await;
            Ok(())
        });
    }

    /// The same for a client that is being closed: whatever takes longer continues without it.
    pub fn settle_closed(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            let _ = tokio::time::timeout(SETTLE_WITHIN, client.settled()).await;
            Ok(())
        });
    }

    /// Begins a device login.
    pub fn start_login(&self, call: u64, options: FfiLoginOptions) {
        let FfiLoginOptions {
            scopes,
            timeout,
            login_hint,
        } = options;
        let timeout = timeout.map(duration);
        let client = self.core();
        try_run(call, async move {
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                return Err(refused(
                    "config",
                    "timeout must be greater than zero. Leave it out to wait until the code expires."
                        .into(),
                ));
            }
            let options = LoginOptions {
                scopes,
                timeout,
                login_hint,
            };
            Ok(FfiLogin::new(client.start_login(options).await?))
        });
    }

    /// Continues a login begun elsewhere.
    pub fn resume_login(&self, call: u64, record: String) {
        let client = self.core();
        run(call, async move {
            client.resume_login(&record).await.map(FfiLogin::new)
        });
    }

    /// Who is logged in; no network.
    pub fn status(&self, call: u64) {
        let client = self.core();
        run(
            call,
            async move { client.status().await.map(FfiStatus::from) },
        );
    }

    /// Revokes, then forgets: all logins, or one organization's, or the one that is acted for.
    pub fn logout(&self, call: u64, all: bool, organization: Option<String>) {
        let client = self.core();
        run(call, async move {
            match organization {
                _ if all => client.logout_all().await,
                Some(organization) => client.logout_of(&organization).await,
                None => client.logout().await,
            }
        });
    }

    /// A bearer that is valid now.
    pub fn access_token(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            Ok(client.access_token().await?.expose().to_owned())
        });
    }

    /// The organization's data key, made if there is none.
    pub fn api_key(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            Ok(client.api_key().await?.expose().to_owned())
        });
    }

    /// A new data key in place of `refused`, or of the last one.
    pub fn renew_api_key(&self, call: u64, refused: Option<String>) {
        let client = self.core();
        let refused = refused.map(Secret::from);
        run(call, async move {
            let renewed = client.renew_api_key(refused.as_ref()).await?;
            Ok(renewed.expose().to_owned())
        });
    }

    /// All that the store knows.
    pub fn organizations(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            let organizations = client.organizations().await?;
            Ok(organizations
                .into_iter()
                .map(FfiOrganization::from)
                .collect::<Vec<_>>())
        });
    }

    /// Which organization calls act for from now on.
    pub fn select_organization(&self, call: u64, organization: String) {
        let client = self.core();
        run(call, async move {
            client.select_organization(&organization).await
        });
    }
}
