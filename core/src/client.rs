//! The façade: what people hold.

use crate::{
    AccountClientBuilder, Error, ErrorKind, Result, Secret,
    account::{Account, ApiResponse, Apps, BalanceApi, Keys},
    config::{self, CallOptions, Config},
    login::{DeviceLogin, LoginOptions},
    oauth::{DeviceCode, OAuth, Platform},
    prompt,
    session::{Background, Session},
    status::{Organization, Status},
    store::FileStore,
    transport::{Limits, Transport},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What all clones and views of one client share.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) session: Arc<Session>,
    closed: AtomicBool,
    builder: AccountClientBuilder,
}

impl Core {
    pub(crate) async fn status(&self) -> Result<Status> {
        let record = self.session.record().await?;
        Ok(Status::of(
            &record,
            self.session.organization(),
            self.session.location(),
            self.config.clock.now().wall,
        ))
    }
}

/// Acts on one user's Parallel account. Cheap to clone, safe to share.
///
/// Its connections belong to the Tokio runtime that first uses them; on another runtime, use
/// [`AccountClient::attached`].
#[derive(Clone)]
pub struct AccountClient {
    core: Arc<Core>,
    transport: Transport,
    limits: Limits,
}

impl AccountClient {
    /// Options for a new client.
    pub fn builder() -> AccountClientBuilder {
        AccountClientBuilder::default()
    }

    pub(crate) fn new(builder: AccountClientBuilder) -> Result<AccountClient> {
        let config = builder.options.clone().check()?;
        let store = match builder.store.clone() {
            Some(store) => store,
            None => Arc::new(FileStore::default_at(
                &config.client_name,
                config.platform.other_than(config::PLATFORM_URL).as_deref(),
            )?),
        };
        let transport = Transport::new(&config)?;
        let session = Session::new(
            store,
            config.organization.clone(),
            config.clock.clone(),
            config.lock_timeout,
            Background::new(config.clone()),
        );
        let limits = Limits {
            timeout: config.timeout,
            max_retries: config.max_retries,
        };
        let core = Core {
            session: Arc::new(session),
            config,
            closed: AtomicBool::new(false),
            builder,
        };
        Ok(AccountClient {
            core: Arc::new(core),
            transport,
            limits,
        })
    }

    /// The same session with connections of its own, for another runtime.
    ///
    /// # Errors
    /// `config`, as when the client was made.
    pub fn attached(&self) -> Result<AccountClient> {
        let transport = Transport::new(&self.core.config)?;
        Ok(AccountClient {
            core: self.core.clone(),
            transport,
            limits: self.limits,
        })
    }

    /// The same configuration and store with nothing else in common: for a forked child.
    ///
    /// # Errors
    /// `config`, as when the client was made.
    pub fn after_fork(&self) -> Result<AccountClient> {
        let client = self.core.builder.clone().build()?;
        client
            .core
            .closed
            .store(self.core.closed.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(AccountClient {
            limits: self.limits,
            ..client
        })
    }

    /// The same session with other limits.
    pub fn with_options(&self, options: CallOptions) -> AccountClient {
        let limits = Limits {
            timeout: options.timeout.unwrap_or(self.limits.timeout),
            max_retries: options.max_retries.unwrap_or(self.limits.max_retries),
        };
        AccountClient {
            limits,
            ..self.clone()
        }
    }

    /// Ends the client and all its clones: later calls fail with `config`.
    pub fn close(&self) {
        self.core.closed.store(true, Ordering::Relaxed);
    }

    /// Whether [`AccountClient::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.core.closed.load(Ordering::Relaxed)
    }

    /// Resolves when nothing of this client runs detached any more: a refresh, a poll, a write or
    /// a logout whose callers were cancelled. Await it before the process or the runtime ends, if
    /// a call may have been cancelled just before; a refresh that is cut off may lose the login.
    pub async fn settled(&self) {
        self.core.session.save_again(true);
        self.core.session.background().settled().await;
    }

    /// Logs in: asks for a code, shows it on standard error, opens the browser where there is
    /// one, waits, stores.
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

    /// Registers if needed and asks for a device code.
    ///
    /// # Errors
    /// `oauth`, `invalid_response`, `store`, `config`, or no answer at all.
    pub async fn start_login(&self, options: LoginOptions) -> Result<DeviceLogin> {
        let platform = self.platform()?;
        let scopes = options
            .scopes
            .clone()
            .unwrap_or_else(|| self.core.config.scopes.clone());
        crate::config::check_scopes(&scopes)?;
        let (client_id, code) = self.device_code(&platform, &scopes).await?;
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

    /// Goes on with a login that [`DeviceLogin::pending_record`] recorded.
    ///
    /// # Errors
    /// `invalid_request` for what is no such record.
    pub async fn resume_login(&self, record: &str) -> Result<DeviceLogin> {
        self.check_open()?;
        DeviceLogin::from_record(self.core.clone(), record)
    }

    /// Who is logged in, without any network.
    ///
    /// # Errors
    /// `store`, `store_corrupt`.
    pub async fn status(&self) -> Result<Status> {
        self.check_open()?;
        self.core.status().await
    }

    /// Revokes and forgets the login that this client acts for.
    ///
    /// # Errors
    /// Whatever kept the login from being revoked; it is forgotten here all the same. `store`.
    pub async fn logout(&self) -> Result<()> {
        let record = {
            self.check_open()?;
            self.core.session.record().await?
        };
        match record.login(self.core.session.organization()) {
            Some(login) => self.log_out(Some(vec![login.key])).await,
            None => Ok(()),
        }
    }

    /// Revokes and forgets the login of one organisation.
    ///
    /// # Errors
    /// As [`AccountClient::logout`].
    pub async fn logout_of(&self, organization: &str) -> Result<()> {
        self.log_out(Some(vec![organization.to_owned()])).await
    }

    /// Revokes and forgets every login in the store.
    ///
    /// # Errors
    /// As [`AccountClient::logout`].
    pub async fn logout_all(&self) -> Result<()> {
        self.log_out(None).await
    }

    async fn log_out(&self, keys: Option<Vec<String>>) -> Result<()> {
        self.check_open()?;
        let session = self.core.session.clone();
        let platform = session.background().platform()?;
        self.core
            .session
            .background()
            .spawn(session.logout(platform, keys))?
            .await
    }

    /// An access token that is valid now, renewed if need be: for calls that this crate does not
    /// wrap.
    ///
    /// # Errors
    /// `login_required`, `store`, or why the token could not be renewed.
    pub async fn access_token(&self) -> Result<Secret> {
        self.check_open()?;
        self.core.session.access_token(None).await
    }

    /// Every organisation in the store.
    ///
    /// # Errors
    /// `store`, `store_corrupt`.
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        self.check_open()?;
        let record = self.core.session.record().await?;
        Ok(Organization::all(&record))
    }

    /// From now on, act for this organisation; all processes that share the store follow.
    ///
    /// # Errors
    /// `login_required` where nobody is logged in for it, `store`.
    pub async fn select_organization(&self, id: &str) -> Result<()> {
        self.check_open()?;
        self.core.session.select(id).await
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

    /// The organisation's balance.
    pub fn balance(&self) -> BalanceApi<'_> {
        BalanceApi::new(self)
    }

    /// The organisation's apps.
    pub fn apps(&self) -> Apps<'_> {
        Apps::new(self)
    }

    /// The API keys of an app.
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self)
    }

    /// The documented requests of the device flow, one by one.
    pub fn oauth(&self) -> OAuth<'_> {
        OAuth::new(self)
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn core(&self) -> Arc<Core> {
        self.core.clone()
    }

    pub(crate) fn client_name(&self) -> &str {
        &self.core.config.client_name
    }

    pub(crate) fn platform(&self) -> Result<Platform> {
        self.check_open()?;
        Ok(Platform {
            transport: self.transport.clone(),
            base: self.core.config.platform.clone(),
            limits: self.limits,
        })
    }

    pub(crate) fn account(&self) -> Result<Account<'_>> {
        self.check_open()?;
        Ok(Account {
            session: &self.core.session,
            transport: &self.transport,
            base: &self.core.config.account,
            limits: self.limits,
        })
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closed() {
            return Err(Error::config("The client is closed. Make a new one."));
        }
        Ok(())
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
