//! The façade: what users hold.

mod api_key;
mod apps;
mod balance;
mod builder;
mod keys;
mod logout;
mod oauth;

pub use apps::Apps;
pub use balance::BalanceApi;
pub use builder::AccountClientBuilder;
pub use keys::Keys;
pub use oauth::OAuth;

use crate::{
    Error, ErrorKind, Result, Secret,
    account::{Account, ApiResponse, Bearer},
    config::{CallLimits, CallOptions, Extras, Options, check_default_store, check_scopes},
    engine::Link,
    login::{DeviceLogin, LoginOptions},
    oauth::{DeviceCode, Platform},
    prompt,
    shared::Core,
    status::{Organization, Status},
    store::CredentialStore,
    transport::Limits,
};
use std::{fmt, sync::Arc};

/// What a call may wait for, in messages.
const STORE: &str = "the store";
const TOKEN: &str = "an access token";

/// Acts on one user's Parallel account. Cheap to clone, safe to share, also between runtimes:
/// clients of one process whose network options are equal share connections, one pool for each
/// Tokio runtime.
#[derive(Clone)]
pub struct AccountClient {
    core: Arc<Core>,
    limits: CallLimits,
    /// What goes along with calls of this view, or why it cannot; shared, as most have nothing.
    extras: Option<Arc<Result<Extras>>>,
}

impl AccountClient {
    fn new(options: Options, store: Option<Arc<dyn CredentialStore>>) -> Result<AccountClient> {
        if store.is_none() {
            check_default_store(&options.environment)?;
        }
        let (config, network) = options.check()?;
        let limits = config.limits;
        let core = Core::new(Arc::new(config), Link::new(network)?, store)?;
        Ok(AccountClient {
            core: Arc::new(core),
            limits,
            extras: None,
        })
    }

    /// The same configuration and store with nothing else in common: for a forked child.
    ///
    /// # Errors
    /// `config`, as when the client was made.
    pub fn after_fork(&self) -> Result<AccountClient> {
        let core = Core::new(
            self.core.config.clone(),
            self.core.link.after_fork()?,
            self.core.store.clone(),
        )?;
        Ok(AccountClient {
            core: Arc::new(core),
            limits: self.limits,
            extras: self.extras.clone(),
        })
    }

    /// The same client with other limits and headers; a bad one fails the calls, with `config`.
    pub fn with_options(&self, options: CallOptions) -> AccountClient {
        AccountClient {
            core: self.core.clone(),
            limits: self.limits.with(&options),
            extras: self.extras_with(&options),
        }
    }

    fn extras_with(&self, options: &CallOptions) -> Option<Arc<Result<Extras>>> {
        if options.headers.is_empty() && options.response.is_none() {
            return self.extras.clone();
        }
        Some(Arc::new(match self.extras.as_deref() {
            None => Extras::default().with(options),
            Some(Ok(extras)) => extras.with(options),
            Some(Err(error)) => Err(error.clone()),
        }))
    }

    /// Ends the client: later calls fail, and the stored login stays. Its clones end with it, and
    /// the error is `config`. Calls in flight continue. Connections that no other client shares are
    /// closed.
    pub fn close(&self) {
        self.core.link.close();
    }

    /// Whether the client was closed.
    pub fn is_closed(&self) -> bool {
        self.core.link.is_closed()
    }

    /// Waits for what stopped calls left behind: a refresh, a poll, a write or a logout. Await it
    /// before the process or the runtime ends, if a call may have been cancelled just before; a
    /// refresh that is cut off may lose the login.
    pub async fn settled(&self) {
        self.core.session.save_again(true);
        self.core.session.background().settled().await;
    }

    /// Resolves when nothing calls the store any more, unless somebody calls the client: also when
    /// what it did not take is not offered to it any longer. For bindings, which keep a store of
    /// the host language for so long.
    #[doc(hidden)]
    pub async fn idle(&self) {
        self.core.session.idle().await;
    }

    /// Whether the store lacks a change, because it did not take it. For bindings.
    #[doc(hidden)]
    pub fn is_unsaved(&self) -> bool {
        self.core.session.is_unsaved()
    }

    /// Whether nothing of this client runs detached right now. [`AccountClient::settled`] also
    /// offers the store what it did not take.
    pub fn is_settled(&self) -> bool {
        self.core.session.background().is_settled()
    }

    /// Logs in: registers if needed, shows the prompt, waits, and stores the login. The prompt goes
    /// to standard error, and the browser is opened where there is one.
    ///
    /// # Errors
    /// As [`AccountClient::start_login`] and [`DeviceLogin::wait`].
    pub async fn login(&self, options: LoginOptions) -> Result<Status> {
        let login = self.start_login(options).await?;
        eprintln!("{}", prompt::text(&login));
        prompt::open_browser(
            login
                .verification_uri_complete()
                .unwrap_or(login.verification_uri()),
        );
        login.wait().await
    }

    /// Asks for a device code (RFC 8628 §3.1), after registering if needed.
    ///
    /// # Errors
    /// `oauth`, `invalid_response`, `store`, `config`, or no answer at all.
    pub async fn start_login(&self, options: LoginOptions) -> Result<DeviceLogin> {
        let platform = self.platform()?;
        let scopes = options
            .scopes
            .clone()
            .unwrap_or_else(|| self.core.config.scopes.clone());
        check_scopes(&scopes)?;
        let limits = platform.limits;
        let code = self.device_code(&platform, &scopes);
        let (client_id, code) = limits.bound("a device code", code).await?;
        Ok(DeviceLogin::new(
            self.core.clone(),
            client_id,
            scopes,
            code,
            &options,
        ))
    }

    async fn device_code(
        &self,
        platform: &Platform,
        scopes: &[String],
    ) -> Result<(String, DeviceCode)> {
        if let Some(id) = &self.core.config.client_id {
            return Ok((id.clone(), platform.request_device_code(id, scopes).await?));
        }
        let session = &self.core.session;
        let damaged = |error: &Error| error.kind() == ErrorKind::StoreCorrupt;
        let known = match session.record().await {
            // Still damaged, so the store cannot set it aside: this login replaces it.
            Err(error) if damaged(&error) && session.record().await.is_err_and(|e| damaged(&e)) => {
                None
            }
            record => record?.client_id(),
        };
        if let Some(id) = known {
            match platform.request_device_code(&id, scopes).await {
                // The registration is gone: once more, with a new one.
                Err(error) if error.oauth_error() == Some("invalid_client") => {}
                result => return Ok((id, result?)),
            }
        }
        let id = platform.register(self.client_name()).await?.client_id;
        self.core.session.set_client_id(&id).await?;
        let code = platform.request_device_code(&id, scopes).await?;
        Ok((id, code))
    }

    /// Continues a login from its pending record, in this process or another: that of
    /// [`DeviceLogin::pending_record`].
    ///
    /// # Errors
    /// `invalid_request` for what is no such record.
    pub async fn resume_login(&self, record: &str) -> Result<DeviceLogin> {
        self.start()?;
        DeviceLogin::from_record(self.core.clone(), record)
    }

    /// Who is logged in, as the store knows it, without any network.
    ///
    /// # Errors
    /// `store`, `store_corrupt`.
    pub async fn status(&self) -> Result<Status> {
        self.start()?.bound(STORE, self.core.status()).await
    }

    /// An access token that is valid now, for calls that this library does not wrap. It is renewed
    /// if need be.
    ///
    /// # Errors
    /// `login_required`, `store`, or why the token could not be renewed.
    pub async fn access_token(&self) -> Result<Secret> {
        let token = self.core.session.access_token(None);
        self.start()?.bound(TOKEN, token).await
    }

    /// Every organization that the store has a login for.
    ///
    /// # Errors
    /// `store`, `store_corrupt`.
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        let record = self.core.session.record();
        let record = self.start()?.bound(STORE, record).await?;
        Ok(Organization::all(&record))
    }

    /// Acts for this organization from now on; all that share the store follow.
    ///
    /// # Errors
    /// `login_required` where nobody is logged in for it, `store`.
    pub async fn select_organization(&self, id: &str) -> Result<()> {
        let selected = self.core.session.select(id);
        self.start()?.bound(STORE, selected).await
    }

    /// Any other call below the Account API's base. `path` starts with `/` and is sent as it is;
    /// encode what you put into it.
    ///
    /// `GET`, `HEAD` and `DELETE` are repeated where that can help; others are not.
    ///
    /// # Errors
    /// `invalid_request` for a bad method or path, and as the calls that are wrapped.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        json: Option<serde_json::Value>,
    ) -> Result<ApiResponse> {
        self.account()?.request(method, path, json).await
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn core(&self) -> Arc<Core> {
        self.core.clone()
    }

    fn client_name(&self) -> &str {
        &self.core.config.client_name
    }

    fn platform(&self) -> Result<Platform> {
        let limits = self.start()?;
        Ok(Platform {
            transport: self.core.link.transport(&self.core.config.caller)?,
            base: self.core.config.platform.clone(),
            limits,
        })
    }

    fn account(&self) -> Result<Account<'_>> {
        let limits = self.start()?;
        let (headers, response) = match self.extras.as_deref() {
            None => Default::default(),
            Some(Ok(extras)) => (extras.headers.clone(), extras.response.clone()),
            Some(Err(error)) => return Err(error.clone()),
        };
        Ok(Account {
            bearer: Bearer::Of(&self.core.session),
            transport: self.core.link.transport(&self.core.config.caller)?,
            base: &self.core.config.account,
            places: &self.core.places,
            limits,
            headers,
            response,
        })
    }

    /// Every call starts here: the client must be open, its caller no store of its own, and its
    /// time runs from now.
    fn start(&self) -> Result<Limits> {
        self.core.link.check_open()?;
        self.core.session.check_caller()?;
        self.limits.start()
    }
}

impl fmt::Debug for AccountClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountClient")
            .field("config", &self.core.config)
            .field("store", &self.core.session.location())
            .finish_non_exhaustive()
    }
}
