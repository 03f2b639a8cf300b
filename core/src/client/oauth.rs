//! The documented requests of the device flow, as they are called.

use super::AccountClient;
use crate::{
    Error, Result,
    config::check_scopes,
    oauth::{DeviceCode, PollAnswer, PollReply, Registration, Tokens},
};

impl AccountClient {
    /// The documented requests of the device flow, one by one.
    pub fn oauth(&self) -> OAuth<'_> {
        OAuth { client: self }
    }
}

/// The steps one by one, for those who build a flow of their own. Nothing is stored.
#[derive(Clone, Copy, Debug)]
pub struct OAuth<'a> {
    client: &'a AccountClient,
}

impl OAuth<'_> {
    /// Registers this installation; keep the client ID. Step 1 of the flow.
    ///
    /// # Errors
    /// `oauth`, `rate_limited`, `server`, `invalid_response`, or no answer at all.
    pub async fn register(&self) -> Result<Registration> {
        let platform = self.client.platform()?;
        platform.register(self.client.client_name()).await
    }

    /// Asks for a device code (RFC 8628 §3.1). Step 2.
    ///
    /// # Errors
    /// `oauth` (such as `invalid_client`), `config` for a bad scope, and as [`OAuth::register`].
    pub async fn request_device_code(
        &self,
        client_id: &str,
        scopes: &[String],
    ) -> Result<DeviceCode> {
        check_scopes(scopes)?;
        self.client
            .platform()?
            .request_device_code(non_empty(client_id, "client_id")?, scopes)
            .await
    }

    /// Polls once, without waiting (RFC 8628 §3.4). Step 4.
    ///
    /// # Errors
    /// `access_denied`, `login_expired`, `oauth`; what time may mend (`connection`, `timeout`,
    /// `rate_limited`, `server`, `invalid_response`) is no reason to stop polling.
    pub async fn poll_token(&self, client_id: &str, device_code: &str) -> Result<PollAnswer> {
        let client_id = non_empty(client_id, "client_id")?;
        let device_code = non_empty(device_code, "The device code")?;
        match self
            .client
            .platform()?
            .poll_token(client_id, device_code)
            .await
        {
            PollReply::Pending => Ok(PollAnswer::Pending),
            PollReply::SlowDown => Ok(PollAnswer::SlowDown),
            PollReply::Tokens(tokens) => Ok(PollAnswer::Tokens(tokens)),
            PollReply::Unavailable(error) | PollReply::Refused(error) => Err(error),
        }
    }

    /// Trades a refresh token, which usually works once, for new tokens (RFC 6749 §6). Step 5.
    ///
    /// # Errors
    /// `oauth` (such as `invalid_grant`), and as [`OAuth::register`]. With `outcome_unknown` the
    /// token may be used up: send the same one again at once.
    pub async fn refresh(&self, refresh_token: &str, client_id: Option<&str>) -> Result<Tokens> {
        self.client
            .platform()?
            .refresh(non_empty(refresh_token, "The refresh token")?, client_id)
            .await
    }

    /// Revokes a refresh token; access tokens already out live until they expire. Step 6.
    ///
    /// # Errors
    /// As [`OAuth::register`].
    pub async fn revoke(&self, refresh_token: &str) -> Result<()> {
        self.client
            .platform()?
            .revoke(non_empty(refresh_token, "The refresh token")?)
            .await
    }
}

fn non_empty<'a>(value: &'a str, name: &str) -> Result<&'a str> {
    if value.is_empty() {
        return Err(Error::invalid_request(format!("{name} must not be empty.")));
    }
    Ok(value)
}
