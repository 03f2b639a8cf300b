//! The organization's apps.

use super::{Account, Call, Object};
use crate::{Result, response, transport::Repeat};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

/// An app, which API keys belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct App {
    /// A UUID.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// The organization's ID; not known of an app just made.
    pub org_id: Option<String>,
    /// The organization's name; not known of an app just made.
    pub org_name: Option<String>,
}

impl Account<'_> {
    pub(crate) async fn apps(&self) -> Result<Vec<App>> {
        let call = Call {
            doing: "listing the apps",
            method: Method::GET,
            url: self.apps_url(),
            body: None,
            repeat: Repeat::Always,
        };
        read(&self.object(call).await?)
    }

    fn apps_url(&self) -> Url {
        self.places.apps.join(self.base, "/service/v1/apps")
    }

    pub(crate) async fn create_app(&self, name: &str) -> Result<App> {
        let call = Call {
            doing: "creating the app",
            method: Method::POST,
            url: self.apps_url(),
            body: Some(json!({ "app_name": name })),
            repeat: Repeat::IfNotSent,
        };
        let object = self.object(call).await?;
        // The service answers the ID alone.
        Ok(App {
            app_id: object.required("app_id")?,
            app_name: object.text("app_name").unwrap_or_else(|| name.to_owned()),
            org_id: object.text("org_id"),
            org_name: object.text("org_name"),
        })
    }

    /// `id` goes into the path as it is.
    pub(crate) async fn delete_app(&self, id: &str) -> Result<()> {
        let call = Call {
            doing: "deleting the app",
            method: Method::DELETE,
            url: self.base.join(&format!("/service/v1/apps/{id}")),
            body: None,
            repeat: Repeat::Always,
        };
        self.call(call).await.map(drop)
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
            app_id: response::text(app, "app_id")?,
            app_name: app
                .get("app_name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            org_id: response::text(app, "org_id"),
            org_name: response::text(app, "org_name"),
        })
    };
    apps.iter()
        .map(|app| read(app).ok_or_else(|| object.nonsense("an app has no app_id")))
        .collect()
}
