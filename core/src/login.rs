//! A device login from the prompt to the session: events, waiting, continuing in another process.

mod record;

use crate::{
    Error, ErrorKind, Result, Secret, Status,
    oauth::{DeviceCode, Next, PollMachine, PollOutcome, PollReply, Tokens},
    qr::Qr,
    session::SingleFlight,
    shared::Core,
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};
use tokio::sync::watch;
use url::Url;

/// How one login differs from what the client would do by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct LoginOptions {
    /// Instead of the client's scopes.
    pub scopes: Option<Vec<String>>,
    /// How long to wait for the approval; by default as long as the code is valid.
    pub timeout: Option<Duration>,
    /// Whom the login page should suggest, such as an e-mail address.
    pub login_hint: Option<String>,
}

impl LoginOptions {
    /// Sets [`LoginOptions::scopes`].
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets [`LoginOptions::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets [`LoginOptions::login_hint`].
    pub fn login_hint(mut self, hint: impl Into<String>) -> Self {
        self.login_hint = Some(hint.into());
        self
    }
}

/// What happened at one poll.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum LoginEvent {
    /// Nobody has decided yet.
    Pending {
        /// Until the next poll.
        retry_in: Duration,
    },
    /// Polls came too fast; the interval is longer from now on.
    SlowDown {
        /// The new interval.
        interval: Duration,
        /// Until the next poll.
        retry_in: Duration,
    },
    /// No usable answer; polling continues until the code expires.
    Offline {
        /// What went wrong this time.
        error: Error,
        /// Until the next poll.
        retry_in: Duration,
    },
    /// Approved and stored.
    Authorized(Status),
}

/// A login that waits for its user. Clones share it.
#[derive(Clone)]
pub struct DeviceLogin(Arc<Waiting>);

struct Waiting {
    core: Arc<Core>,
    client_id: String,
    scopes: Vec<String>,
    code: DeviceCode,
    expires_at: SystemTime,
    /// On the monotonic clock, where the caller's patience ends before the code's life.
    give_up: Option<Duration>,
    cancelled: watch::Sender<bool>,
    /// A poll under way, which continues even if its caller is gone.
    polling: SingleFlight<LoginEvent>,
    progress: Mutex<Progress>,
}

struct Progress {
    machine: PollMachine,
    stage: Stage,
}

/// How far a login is.
#[expect(clippy::large_enum_variant, reason = "there is one for each login")]
enum Stage {
    /// Nobody has decided yet.
    Waiting,
    /// Tokens have come and are being stored: it is too late to cancel.
    Storing,
    Ended(Result<Status>),
}

impl Progress {
    fn end(&self) -> Option<Result<Status>> {
        match &self.stage {
            Stage::Ended(end) => Some(end.clone()),
            Stage::Waiting | Stage::Storing => None,
        }
    }

    /// The first end counts.
    fn finish(&mut self, end: Result<Status>) {
        if !matches!(self.stage, Stage::Ended(_)) {
            self.stage = Stage::Ended(end);
        }
    }
}

impl DeviceLogin {
    pub(crate) fn new(
        core: Arc<Core>,
        client_id: String,
        scopes: Vec<String>,
        mut code: DeviceCode,
        options: &LoginOptions,
    ) -> Self {
        let now = core.config.clock.now();
        if let Some(hint) = &options.login_hint {
            code.verification_uri_complete = code
                .verification_uri_complete
                .map(|link| with_hint(&link, hint));
        }
        let machine = PollMachine::new(
            code.interval,
            code.expires_in,
            now,
            core.config.first_poll_at_once,
        );
        DeviceLogin(Arc::new(Waiting {
            client_id,
            scopes,
            expires_at: now.wall + code.expires_in,
            give_up: options
                .timeout
                .map(|timeout| now.monotonic.saturating_add(timeout)),
            code,
            cancelled: watch::Sender::new(false),
            polling: SingleFlight::default(),
            progress: Mutex::new(Progress {
                machine,
                stage: Stage::Waiting,
            }),
            core,
        }))
    }

    /// What the user types (RFC 8628 §3.3).
    pub fn user_code(&self) -> &str {
        &self.0.code.user_code
    }

    /// Where the user types it.
    pub fn verification_uri(&self) -> &str {
        &self.0.code.verification_uri
    }

    /// The same with the code in it, where the server gives one.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.0.code.verification_uri_complete.as_deref()
    }

    /// When the code expires.
    pub fn expires_at(&self) -> SystemTime {
        self.0.expires_at
    }

    /// How long the code is still valid.
    pub fn remaining(&self) -> Duration {
        self.progress()
            .machine
            .remaining(self.0.core.config.clock.now())
    }

    /// How long to wait between polls; grows when the server asks for it.
    pub fn interval(&self) -> Duration {
        self.progress().machine.interval()
    }

    /// The link as a QR code.
    ///
    /// # Errors
    /// `invalid_response` where the link is too long for one.
    pub fn qr(&self) -> Result<Qr> {
        Qr::of(
            self.verification_uri_complete()
                .unwrap_or(self.verification_uri()),
        )
    }

    /// What another process needs to continue this login. A secret: it holds the device code.
    pub fn pending_record(&self) -> Secret {
        self.to_record()
    }

    /// Waits until a poll is due, polls once, and says what came of it. After the end it answers
    /// the same again.
    ///
    /// Dropping the future stops the waiting. A poll that is already under way continues, so that
    /// tokens that the server has given out are stored; the next call picks its result up.
    ///
    /// # Errors
    /// `access_denied`, `login_expired`, `timeout` (after [`LoginOptions::timeout`]), `oauth`,
    /// `store`, `cancelled`.
    pub async fn poll(&self) -> Result<LoginEvent> {
        self.0.core.session.check_caller()?;
        let mut cancelled = self.0.cancelled.subscribe();
        tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => {}
            result = self.step() => return result,
        }
        // It has ended, and this says how.
        self.step().await
    }

    async fn step(&self) -> Result<LoginEvent> {
        let clock = &self.0.core.config.clock;
        loop {
            if let Some(end) = self.progress().end() {
                return end.map(LoginEvent::Authorized);
            }
            if let Some(poll) = self.0.polling.current() {
                return poll.result().await;
            }
            let now = clock.now();
            if self.0.give_up.is_some_and(|at| now.monotonic >= at) {
                return Err(self.fail(Error::new(
                    ErrorKind::Timeout,
                    "The login was not approved in time. Start a new login, or allow more time by its timeout.",
                )));
            }
            let next = self.progress().machine.next(now);
            match next {
                Next::Expired => {
                    return Err(self.fail(Error::new(
                        ErrorKind::LoginExpired,
                        "The code expired before the login was approved. Start a new login.",
                    )));
                }
                Next::Wait(wait) => {
                    let patience = self.0.give_up.map(|at| at.saturating_sub(now.monotonic));
                    let wait = patience.map_or(wait, |patience| wait.min(patience));
                    clock.sleep(wait).await;
                }
                // It runs to its end whatever becomes of its caller.
                Next::Poll => {
                    let background = self.0.core.session.background();
                    background.platform()?;
                    let login = self.clone();
                    let poll = self
                        .0
                        .polling
                        .join(background, || async move { login.poll_now().await })?;
                    return poll.result().await;
                }
            }
        }
    }

    async fn poll_now(&self) -> Result<LoginEvent> {
        let Waiting {
            core,
            client_id,
            code,
            ..
        } = &*self.0;
        let platform = core.session.background().platform()?;
        let reply = platform
            .poll_token(client_id, code.device_code.expose())
            .await;
        let now = core.config.clock.now();
        match reply {
            PollReply::Pending => {
                let retry_in = self.progress().machine.answered(PollOutcome::Pending, now);
                Ok(LoginEvent::Pending { retry_in })
            }
            PollReply::SlowDown => {
                let mut progress = self.progress();
                let retry_in = progress.machine.answered(PollOutcome::SlowDown, now);
                Ok(LoginEvent::SlowDown {
                    interval: progress.machine.interval(),
                    retry_in,
                })
            }
            PollReply::Unavailable(error) => {
                let answer = PollOutcome::Unavailable {
                    retry_after: error.retry_after(),
                };
                let retry_in = self.progress().machine.answered(answer, now);
                Ok(LoginEvent::Offline { error, retry_in })
            }
            PollReply::Refused(error) => Err(self.fail(error)),
            PollReply::Tokens(tokens) => self.store(&tokens).await,
        }
    }

    /// Stores what the login has brought, unless it has ended meanwhile.
    async fn store(&self, tokens: &Tokens) -> Result<LoginEvent> {
        let Waiting {
            core,
            client_id,
            scopes,
            ..
        } = &*self.0;
        if !self.start_storing() {
            core.session.discard(tokens).await;
            return Err(Error::cancelled());
        }
        let saved = core.session.save_login(tokens, client_id, scopes).await;
        let end = match saved {
            Ok(()) => core.status().await,
            Err(error) => Err(error),
        };
        self.progress().finish(end.clone());
        end.map(LoginEvent::Authorized)
    }

    /// Whether tokens are still wanted; from then on it is too late to cancel.
    fn start_storing(&self) -> bool {
        let mut progress = self.progress();
        let wanted = progress.end().is_none();
        if wanted {
            progress.stage = Stage::Storing;
        }
        wanted
    }

    /// Polls until the login is decided, and stores it.
    ///
    /// # Errors
    /// As [`DeviceLogin::poll`].
    pub async fn wait(&self) -> Result<Status> {
        loop {
            if let LoginEvent::Authorized(status) = self.poll().await? {
                return Ok(status);
            }
        }
    }

    /// Stops the login: whoever waits for it is told so, and no poll follows. Tokens that a poll
    /// under way may still bring are revoked. Once tokens are being stored, it is too late, and the
    /// login ends as it would have.
    pub fn cancel(&self) {
        let mut progress = self.progress();
        if !matches!(progress.stage, Stage::Storing) {
            progress.finish(Err(Error::cancelled()));
            self.0.cancelled.send_replace(true);
        }
    }

    /// Ends the login with `error`, and answers it.
    fn fail(&self, error: Error) -> Error {
        self.progress().finish(Err(error.clone()));
        error
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0
            .progress
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("user_code", &self.user_code())
            .field("verification_uri", &self.verification_uri())
            .finish_non_exhaustive()
    }
}

fn with_hint(link: &str, hint: &str) -> String {
    match Url::parse(link) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair("login_hint", hint);
            url.into()
        }
        Err(_) => link.to_owned(),
    }
}
