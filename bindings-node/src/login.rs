//! A device login in progress.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use parallel_account::{AccountClient, DeviceLogin, LoginEvent as Event, prompt};

use crate::bridge::NativeBridge;
use crate::failure::{Failure, caught};
use crate::models::{LoginStatus, milliseconds, timestamp};
use crate::shared::Shared;

/// What `DeviceLogin` in `ts/login.ts` holds.
#[napi]
pub struct NativeLogin {
    login: DeviceLogin,
    client: AccountClient,
    bridge: Arc<Shared>,
}

/// What a person has to see.
#[napi(object, object_from_js = false)]
pub struct LoginPrompt {
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: Option<String>,
    pub expires_at: f64,
}

/// The verification address as a picture.
#[napi(object, object_from_js = false)]
pub struct QrCode {
    pub text: String,
    pub svg: String,
}

/// See `LoginEvent` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct LoginEvent {
    /// `pending`, `slow_down`, `offline` or `authorized`.
    #[napi(ts_type = "'pending' | 'slow_down' | 'offline' | 'authorized'")]
    pub r#type: &'static str,
    pub retry_in: Option<f64>,
    pub interval: Option<f64>,
    pub error: Option<Failure>,
    pub status: Option<LoginStatus>,
}

impl From<Event> for LoginEvent {
    fn from(event: Event) -> Self {
        let nothing = Self {
            r#type: "pending",
            retry_in: None,
            interval: None,
            error: None,
            status: None,
        };
        match event {
            Event::Pending { retry_in } => Self {
                retry_in: Some(milliseconds(retry_in)),
                ..nothing
            },
            Event::SlowDown { interval, retry_in } => Self {
                r#type: "slow_down",
                interval: Some(milliseconds(interval)),
                retry_in: Some(milliseconds(retry_in)),
                ..nothing
            },
            Event::Offline { error, retry_in } => Self {
                r#type: "offline",
                retry_in: Some(milliseconds(retry_in)),
                error: Some(Failure::from(&error)),
                ..nothing
            },
            Event::Authorized(status) => Self {
                r#type: "authorized",
                status: Some(LoginStatus::from(status)),
                ..nothing
            },
        }
    }
}

impl NativeLogin {
    pub(crate) fn new(login: DeviceLogin, client: AccountClient, bridge: Arc<Shared>) -> Self {
        Self {
            login,
            client,
            bridge,
        }
    }
}

#[napi]
impl NativeLogin {
    /// What stays the same for the life of the code.
    #[napi]
    pub fn prompt(&self) -> LoginPrompt {
        LoginPrompt {
            user_code: self.login.user_code().to_owned(),
            verification_uri: self.login.verification_uri().to_owned(),
            verification_uri_complete: self.login.verification_uri_complete().map(str::to_owned),
            expires_at: timestamp(self.login.expires_at()),
        }
    }

    /// Milliseconds between polls at present.
    #[napi]
    pub fn interval(&self) -> f64 {
        milliseconds(self.login.interval())
    }

    /// The prompt as text that is safe for a terminal.
    #[napi]
    pub fn prompt_text(&self) -> Either<String, Failure> {
        caught(|| Ok(prompt::text(&self.login)))
    }

    /// The verification address as a QR code.
    #[napi]
    pub fn qr(&self) -> Either<QrCode, Failure> {
        caught(|| {
            let qr = self.login.qr()?;
            Ok(QrCode {
                text: qr.text,
                svg: qr.svg,
            })
        })
    }

    /// What another process needs to continue this login; holds the device code.
    #[napi]
    pub fn pending_record(&self) -> String {
        self.login.pending_record().expose().to_owned()
    }

    /// Waits until a poll is due and polls once.
    #[napi]
    pub fn poll(&self, env: Env, call: u32) {
        let login = self.login.clone();
        self.bridge.run_for(&self.client, env, call, async move {
            login.poll().await.map(LoginEvent::from)
        });
    }

    /// Polls until the login is decided.
    #[napi]
    pub fn wait(&self, env: Env, call: u32) {
        let login = self.login.clone();
        self.bridge.run_for(&self.client, env, call, async move {
            login.wait().await.map(LoginStatus::from)
        });
    }

    /// Ends the login; whoever waits for it hears so.
    #[napi]
    pub fn cancel(&self) {
        self.login.cancel();
    }
}

/// Opens the verification address; false where there is no browser to open or the address is not
/// one to open. On the runtime, because starting a program may block.
#[napi]
pub fn open_browser(bridge: &NativeBridge, env: Env, call: u32, url: String) {
    bridge.shared.run(env, call, async move {
        Ok(
            tokio::task::spawn_blocking(move || prompt::open_browser(&url))
                .await
                .unwrap_or(false),
        )
    });
}
