//! The end of a login's API key, when it is logged out.

use super::making::delete;
use crate::{
    Error, ErrorKind, Result,
    oauth::Platform,
    shared::Core,
    store::{KeyId, Login},
};

impl Core {
    /// Deletes the key of a login that is forgotten already. Its access token is renewed if need be:
    /// `login` has the refresh token that is to be revoked afterwards.
    pub(crate) async fn delete_api_key(
        &self,
        platform: &Platform,
        login: &mut Login,
        id: &KeyId,
    ) -> Result<()> {
        let now = self.config.clock.now().wall;
        let is_over = login.access_token.expose().is_empty()
            || login.expires_at.is_some_and(|end| end <= now);
        let deleted = match is_over {
            true => Err(Error::new(
                ErrorKind::Unauthorized,
                "the access token has expired",
            )),
            false => self.try_to_delete(login, id).await,
        };
        match deleted {
            Err(error) if error.kind() == ErrorKind::Unauthorized => {
                let Some(refresh_token) = &login.refresh_token else {
                    return Err(error);
                };
                let client_id = login.client_id.as_deref();
                let tokens = platform.refresh(refresh_token.expose(), client_id).await?;
                login.access_token = tokens.access_token;
                login.refresh_token = tokens.refresh_token.or(login.refresh_token.take());
                self.try_to_delete(login, id).await
            }
            deleted => deleted,
        }
    }

    async fn try_to_delete(&self, login: &Login, id: &KeyId) -> Result<()> {
        let account = self.detached_account(&login.access_token)?;
        if !delete(&account, login, id).await? {
            tracing::warn!(
                api_key_id = id.id,
                app_id = id.app_id,
                "the API key outlives the login, which lacks the scope keys:delete"
            );
        }
        Ok(())
    }
}
