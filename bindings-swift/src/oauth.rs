//! The documented requests of the device flow, one by one.

use std::sync::Arc;

use parallel_account::PollAnswer;

use crate::{
    call::Call,
    client::FfiClient,
    error::Failure,
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
    pub async fn oauth_register(&self, call: Arc<Call>) -> Result<String, Failure> {
        let client = self.core();
        call.run(async move { Ok(client.oauth().register().await?.client_id) })
            .await
    }

    /// Step 2.
    pub async fn oauth_request_device_code(
        &self,
        call: Arc<Call>,
        client_id: String,
        scopes: Vec<String>,
    ) -> Result<FfiDeviceCode, Failure> {
        let client = self.core();
        call.run(async move {
            client
                .oauth()
                .request_device_code(&client_id, &scopes)
                .await
                .map(Into::into)
        })
        .await
    }

    /// Step 4, once.
    pub async fn oauth_poll_token(
        &self,
        call: Arc<Call>,
        client_id: String,
        device_code: String,
    ) -> Result<FfiPollAnswer, Failure> {
        let client = self.core();
        call.run(async move {
            client
                .oauth()
                .poll_token(&client_id, &device_code)
                .await
                .map(Into::into)
        })
        .await
    }

    /// Step 5.
    pub async fn oauth_refresh(
        &self,
        call: Arc<Call>,
        refresh_token: String,
        client_id: Option<String>,
    ) -> Result<FfiTokens, Failure> {
        let client = self.core();
        call.run(async move {
            client
                .oauth()
                .refresh(&refresh_token, client_id.as_deref())
                .await
                .map(Into::into)
        })
        .await
    }

    /// Step 6.
    pub async fn oauth_revoke(
        &self,
        call: Arc<Call>,
        refresh_token: String,
    ) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move { client.oauth().revoke(&refresh_token).await })
            .await
    }
}
