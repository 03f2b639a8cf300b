//! The organization's apps, as they are called.

use super::AccountClient;
use crate::{
    Result,
    account::{App, label, uuid},
};

impl AccountClient {
    /// The organization's apps.
    pub fn apps(&self) -> Apps<'_> {
        Apps(self)
    }
}

/// `client.apps()`.
#[derive(Clone, Copy, Debug)]
pub struct Apps<'a>(&'a AccountClient);

impl Apps<'_> {
    /// Every app of the organization. Scope `apps:read`. `GET /service/v1/apps`.
    ///
    /// # Errors
    /// Those of the Account API, of the network, and `login_required`.
    pub async fn list(&self) -> Result<Vec<App>> {
        self.0.account()?.apps().await
    }

    /// Makes an app. Scope `apps:create`. `POST /service/v1/apps`, never repeated once it may have
    /// been sent.
    /// The service answers the ID; the name is the one that was sent.
    ///
    /// # Errors
    /// `invalid_request` for an empty name, before anything is sent; with `outcome_unknown`, list
    /// the apps before you try again; and as [`Apps::list`].
    pub async fn create(&self, name: &str) -> Result<App> {
        let name = label(name, "The app's name")?;
        self.0.account()?.create_app(name).await
    }

    /// Deletes an app. Scope `apps:delete`. `DELETE /service/v1/apps/{app_id}`.
    ///
    /// # Errors
    /// `invalid_request` for an ID that is no UUID, before anything is sent; and as
    /// [`Apps::list`].
    pub async fn delete(&self, app_id: &str) -> Result<()> {
        let id = uuid(app_id, "app_id")?;
        self.0.account()?.delete_app(id).await
    }
}
