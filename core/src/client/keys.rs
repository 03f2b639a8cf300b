//! The API keys of an app, as they are called.

use super::AccountClient;
use crate::{
    Result,
    account::{ApiKey, label, segment, uuid},
};

impl AccountClient {
    /// The API keys of an app.
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }
}

/// `client.keys()`.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a>(&'a AccountClient);

impl Keys<'_> {
    /// Makes an API key. Scope `keys:create`. `POST /service/v1/apps/{app_id}/keys`, never repeated
    /// once it may have been sent.
    ///
    /// # Errors
    /// `invalid_request` for an ID that is no UUID or an empty name, before anything is sent; with
    /// `outcome_unknown` a key may exist that nobody has seen; and those of the Account API.
    pub async fn create(&self, app_id: &str, name: &str) -> Result<ApiKey> {
        let app_id = uuid(app_id, "app_id")?;
        let name = label(name, "The key's name")?;
        self.0.account()?.create_key(app_id, name).await
    }

    /// Deletes an API key. Scope `keys:delete`. `DELETE
    /// /service/v1/apps/{app_id}/keys/{api_key_id}`.
    ///
    /// # Errors
    /// `invalid_request` for an ID that cannot be one, before anything is sent; and those of the
    /// Account API.
    pub async fn delete(&self, app_id: &str, key_id: &str) -> Result<()> {
        let app_id = uuid(app_id, "app_id")?;
        let id = segment(key_id, "key_id")?;
        self.0.account()?.delete_key(app_id, &id).await
    }
}
