//! The organisation's apps.

use super::{Call, Object, label, uuid};
use crate::{Result, answer, client::AccountClient, transport::Repeat};
use reqwest::Method;
use serde_json::{Value, json};

/// An app, which API keys belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct App {
    /// A UUID.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// The organisation's id.
    pub org_id: Option<String>,
    /// The organisation's name.
    pub org_name: Option<String>,
}

/// What creating an app answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct CreatedApp {
    /// A UUID.
    pub app_id: String,
}

/// `client.apps()`.
#[derive(Clone, Copy, Debug)]
pub struct Apps<'a>(&'a AccountClient);

impl<'a> Apps<'a> {
    pub(crate) fn new(client: &'a AccountClient) -> Self {
        Apps(client)
    }

    /// `GET /service/v1/apps`. Scope `apps:read`.
    ///
    /// # Errors
    /// Those of the Account API, of the network, and `login_required`.
    pub async fn list(&self) -> Result<Vec<App>> {
        let account = self.0.account()?;
        let object = account
            .object(Call {
                doing: "listing the apps",
                method: Method::GET,
                url: account.base.join("/service/v1/apps"),
                body: None,
                repeat: Repeat::Always,
            })
            .await?;
        read(&object)
    }

    /// `POST /service/v1/apps`. Scope `apps:create`. Never repeated once it may have been sent.
    ///
    /// # Errors
    /// `invalid_request` for an empty name, before anything is sent; with `outcome_unknown`, list
    /// the apps before you try again; and as [`Apps::list`].
    pub async fn create(&self, name: &str) -> Result<CreatedApp> {
        let name = label(name, "The app's name")?;
        let account = self.0.account()?;
        let object = account
            .object(Call {
                doing: "creating the app",
                method: Method::POST,
                url: account.base.join("/service/v1/apps"),
                body: Some(json!({ "app_name": name })),
                repeat: Repeat::IfNotSent,
            })
            .await?;
        Ok(CreatedApp {
            app_id: object.required("app_id")?,
        })
    }

    /// `DELETE /service/v1/apps/{app_id}`. Scope `apps:delete`.
    ///
    /// # Errors
    /// `invalid_request` for an id that is no UUID, before anything is sent; and as
    /// [`Apps::list`].
    pub async fn delete(&self, app_id: &str) -> Result<()> {
        let app_id = uuid(app_id, "app_id")?;
        let account = self.0.account()?;
        account
            .call(Call {
                doing: "deleting the app",
                method: Method::DELETE,
                url: account.base.join(&format!("/service/v1/apps/{app_id}")),
                body: None,
                repeat: Repeat::Always,
            })
            .await
            .map(drop)
    }
}

pub(super) fn read(object: &Object) -> Result<Vec<App>> {
    let apps = match object.fields.get("apps") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(apps)) => apps,
        Some(_) => return Err(object.nonsense("apps is no list")),
    };
    let read = |app: &Value| {
        let app = app.as_object()?;
        Some(App {
            app_id: answer::text(app, "app_id")?,
            app_name: app
                .get("app_name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            org_id: answer::text(app, "org_id"),
            org_name: answer::text(app, "org_name"),
        })
    };
    apps.iter()
        .map(|app| read(app).ok_or_else(|| object.nonsense("an app has no app_id")))
        .collect()
}
