//! The end of a login.

use super::{AccountClient, STORE};
use crate::{Error, Result, shared::Core, transport::Limits};
use std::sync::Arc;

impl AccountClient {
    /// Revokes the login and forgets it, even if revoking fails. Also deletes the API key that
    /// [`AccountClient::api_key`] made with it, if the login has the scope `keys:delete`.
    ///
    /// # Errors
    /// Whatever kept the login from being revoked or the key from being deleted; the login is
    /// forgotten here anyway. `store`.
    pub async fn logout(&self) -> Result<()> {
        let limits = self.start()?;
        let record = limits.bound(STORE, self.core.session.record()).await?;
        match record.login(self.core.session.organization()) {
            Some(login) => self.log_out(limits, Some(vec![login.key])).await,
            None => Ok(()),
        }
    }

    /// The same for one organization.
    ///
    /// # Errors
    /// As [`AccountClient::logout`].
    pub async fn logout_of(&self, organization: &str) -> Result<()> {
        self.log_out(self.start()?, Some(vec![organization.to_owned()]))
            .await
    }

    /// The same for every login in the store.
    ///
    /// # Errors
    /// As [`AccountClient::logout`].
    pub async fn logout_all(&self) -> Result<()> {
        self.log_out(self.start()?, None).await
    }

    async fn log_out(&self, limits: Limits, keys: Option<Vec<String>>) -> Result<()> {
        let background = self.core.session.background();
        let done = background.spawn(log_out(self.core.clone(), keys))?;
        limits.bound("the logout", done).await
    }
}

/// The logins of `keys`, or all, go from here first, so that nobody waits for a slow server. A
/// failure is reported: the store's first, as it would bring the login back.
async fn log_out(core: Arc<Core>, keys: Option<Vec<String>>) -> Result<()> {
    let platform = core.session.background().platform()?;
    let (forgotten, removed) = core.session.forget(keys).await;
    let mut revoked = Vec::new();
    let (mut not_revoked, mut not_deleted) = (None, None::<Error>);
    for mut forgotten in forgotten {
        let login = &mut forgotten.login;
        if let Some(id) = &forgotten.api_key
            && let Err(error) = core.delete_api_key(&platform, login, id).await
        {
            not_deleted.get_or_insert(error.with_outcome_unknown(false).with_context(format_args!(
                "Logged out locally, but deleting the API key {} in the app {} failed; it stays valid. Delete it on Parallel's site.",
                id.id, id.app_id
            )));
        }
        let Some(token) = login
            .refresh_token
            .take()
            .filter(|token| !revoked.contains(token))
        else {
            continue;
        };
        if let Err(error) = platform.revoke(token.expose()).await {
            not_revoked.get_or_insert(error.with_context(
                "Logged out locally, but revoking the login at Parallel failed; it stays valid until it expires.",
            ));
        }
        revoked.push(token);
    }
    removed?;
    match (not_revoked, not_deleted) {
        // Both stay valid, and the key has no end.
        (Some(not_revoked), Some(not_deleted)) => {
            Err(not_revoked.with_context(not_deleted.message()))
        }
        (not_revoked, not_deleted) => not_revoked.or(not_deleted).map_or(Ok(()), Err),
    }
}
