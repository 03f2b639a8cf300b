//! The documented requests of the device flow, one by one.

use parallel_account::PollAnswer;

use crate::{
    call::run,
    client::FfiClient,
    model::{FfiDeviceCode, FfiTokens},
};

/// See `core::PollAnswer`.
#[derive(Clone, uniffi::Enum)]
pub enum FfiPollAnswer {
    /// Not yet.
    Pending,
    /// Not yet, and too fast.
    SlowDown,
    /// Approved.
    Tokens {
        /// The pair.
        tokens: FfiTokens,
    },
}

impl From<PollAnswer> for FfiPollAnswer {
    fn from(answer: PollAnswer) -> Self {
        match answer {
            PollAnswer::Pending => FfiPollAnswer::Pending,
            PollAnswer::SlowDown => FfiPollAnswer::SlowDown,
            PollAnswer::Tokens(tokens) => FfiPollAnswer::Tokens {
                tokens: tokens.into(),
            },
        }
    }
}

#[uniffi::export]
impl FfiClient {
    /// Step 1; answers the client ID.
    pub fn oauth_register(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            Ok(client.oauth().register().await?.client_id)
        });
    }

    /// Step 2.
    pub fn oauth_request_device_code(&self, call: u64, client_id: String, scopes: Vec<String>) {
        let client = self.core();
        run(call, async move {
            client
                .oauth()
                .request_device_code(&client_id, &scopes)
                .await
                .map(FfiDeviceCode::from)
        });
    }

    /// Step 4, once.
    pub fn oauth_poll_token(&self, call: u64, client_id: String, device_code: String) {
        let client = self.core();
        run(call, async move {
            client
                .oauth()
                .poll_token(&client_id, &device_code)
                .await
                .map(FfiPollAnswer::from)
        });
    }

    /// Step 5.
    pub fn oauth_refresh(&self, call: u64, refresh_token: String, client_id: Option<String>) {
        let client = self.core();
        run(call, async move {
            client
                .oauth()
                .refresh(&refresh_token, client_id.as_deref())
                .await
                .map(FfiTokens::from)
        });
    }

    /// Step 6.
    pub fn oauth_revoke(&self, call: u64, refresh_token: String) {
        let client = self.core();
        run(
            call,
            async move { client.oauth().revoke(&refresh_token).await },
        );
    }
}
