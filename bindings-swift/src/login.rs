//! A device login on its way from prompt to session.

use std::sync::Arc;

use parallel_account::{DeviceLogin, LoginEvent, prompt};

use crate::{
    call::run,
    error::{Failure, Problem},
    model::{FfiStatus, instant},
    runtime::at_once,
};

/// See `core::DeviceLogin`.
#[derive(uniffi::Object)]
pub struct FfiLogin {
    login: DeviceLogin,
    prompt: FfiPrompt,
}

/// What a prompt shows.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FfiPrompt {
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// Seconds since 1970.
    pub expires_at: f64,
    /// All of it as text that is safe for a terminal.
    pub text: String,
}

/// See `core::prompt::Qr`.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FfiQr {
    /// For a terminal.
    pub text: String,
    /// For a page.
    pub svg: String,
}

/// See `core::LoginEvent`. Durations are seconds.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum FfiLoginEvent {
    /// Nobody has decided yet.
    Pending {
        /// Until the next poll.
        retry_in: f64,
    },
    /// The server asked for slower polls.
    SlowDown {
        /// Between polls from now on.
        interval: f64,
        /// Until the next poll.
        retry_in: f64,
    },
    /// No usable answer this time.
    Offline {
        /// Why.
        problem: Problem,
        /// Until the next poll.
        retry_in: f64,
    },
    /// Approved, stored, done.
    Authorized {
        /// Who is logged in.
        status: FfiStatus,
    },
}

impl From<LoginEvent> for FfiLoginEvent {
    fn from(event: LoginEvent) -> Self {
        match event {
            LoginEvent::Pending { retry_in } => FfiLoginEvent::Pending {
                retry_in: retry_in.as_secs_f64(),
            },
            LoginEvent::SlowDown { interval, retry_in } => FfiLoginEvent::SlowDown {
                interval: interval.as_secs_f64(),
                retry_in: retry_in.as_secs_f64(),
            },
            LoginEvent::Offline { error, retry_in } => FfiLoginEvent::Offline {
                problem: Problem::from(&error),
                retry_in: retry_in.as_secs_f64(),
            },
            LoginEvent::Authorized(status) => FfiLoginEvent::Authorized {
                status: status.into(),
            },
        }
    }
}

impl FfiLogin {
    pub(crate) fn new(login: DeviceLogin) -> Arc<Self> {
        // Made here, within a call, because Swift cannot catch what fails in `prompt`.
        let prompt = FfiPrompt {
            user_code: login.user_code().into(),
            verification_uri: login.verification_uri().into(),
            verification_uri_complete: login.verification_uri_complete().map(Into::into),
            expires_at: instant(login.expires_at()),
            text: prompt::text(&login),
        };
        Arc::new(FfiLogin { login, prompt })
    }
}

#[uniffi::export]
impl FfiLogin {
    /// What to show.
    pub fn prompt(&self) -> FfiPrompt {
        self.prompt.clone()
    }

    /// Seconds between polls now.
    pub fn interval(&self) -> f64 {
        self.login.interval().as_secs_f64()
    }

    /// The link as a QR code.
    pub fn qr(&self) -> Result<FfiQr, Failure> {
        at_once(|| {
            let prompt::Qr { text, svg } = self.login.qr()?;
            Ok(FfiQr { text, svg })
        })
    }

    /// What another process needs to continue; holds the device code.
    pub fn pending_record(&self) -> String {
        self.login.pending_record().expose().to_owned()
    }

    /// Waits until a poll is due and polls once.
    pub fn poll(&self, call: u64) {
        let login = self.login.clone();
        run(
            call,
            async move { login.poll().await.map(FfiLoginEvent::from) },
        );
    }

    /// Polls to the end.
    pub fn wait(&self, call: u64) {
        let login = self.login.clone();
        run(call, async move { login.wait().await.map(FfiStatus::from) });
    }

    /// Gives up.
    pub fn cancel(&self) {
        self.login.cancel();
    }
}

/// Opens the person's browser, where there is one and the link is safe to open.
#[uniffi::export]
pub fn open_browser(url: String) -> bool {
    prompt::open_browser(&url)
}
