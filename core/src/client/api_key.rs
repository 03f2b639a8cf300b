//! The key for the data API, as it is asked for.

use super::AccountClient;
use crate::{Result, Secret};

/// What a call may wait for, in messages.
const API_KEY: &str = "the API key";

impl AccountClient {
    /// The organization's key for Parallel's data API and its official SDKs. The stored key, also
    /// one that Parallel's own CLI has made; else one is made now, in the app that is named like
    /// this client, and stored: one, however many processes ask at the same time.
    ///
    /// To make a key takes the scopes `apps:read`, `keys:create` and, where the app does not exist
    /// yet, `apps:create`.
    ///
    /// # Errors
    /// `login_required`; `permission_denied` for a scope that is missing, or where the organization
    /// does not allow it; with `outcome_unknown` a key that nobody has seen may be left behind in
    /// the app that the message names; `store`, and those of the Account API.
    pub async fn api_key(&self) -> Result<Secret> {
        self.start()?.bound(API_KEY, self.core.api_key()).await
    }

    /// Replaces the refused key, or the one that this client gave out last, with a new one. Whoever
    /// names the key replaces it once, however many others name it at the same time. The old one is
    /// deleted at Parallel if this library made it and the login has the scope `keys:delete`. Where
    /// another process has replaced it already, that one's key is answered.
    ///
    /// # Errors
    /// As [`AccountClient::api_key`]; and why the old key could not be deleted: the new one is
    /// stored anyway.
    pub async fn renew_api_key(&self, refused: Option<&Secret>) -> Result<Secret> {
        let limits = self.start()?;
        let renewed = self.core.renew_api_key(refused.cloned());
        limits.bound(API_KEY, renewed).await
    }
}
