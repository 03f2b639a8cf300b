//! The API keys of an app. The reference documents no listing of them.

use super::{Account, Call, Object};
use crate::{Result, Secret, clock::from_unix_ms, transport::Repeat};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::SystemTime;

/// A new API key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct ApiKey {
    /// Its ID.
    pub api_key_id: String,
    /// Its name.
    pub api_key_name: String,
    /// The app that it belongs to.
    pub app_id: String,
    /// That app's name.
    pub app_name: Option<String>,
    /// Who made it.
    pub created_by_user_id: Option<String>,
    /// Their address.
    pub created_by_user_email: Option<String>,
    /// The key with most of it hidden, to recognize it by.
    pub display_value: Option<String>,
    /// The key itself, which is never sent again.
    pub raw_api_key: Option<Secret>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
}

impl Account<'_> {
    /// `app_id` goes into the path as it is.
    pub(crate) async fn create_key(&self, app_id: &str, name: &str) -> Result<ApiKey> {
        let call = Call {
            doing: "creating the API key",
            method: Method::POST,
            url: self.base.join(&format!("/service/v1/apps/{app_id}/keys")),
            body: Some(json!({ "api_key_name": name })),
            repeat: Repeat::IfNotSent,
        };
        read(&self.object(call).await?, app_id, name)
    }

    /// Both IDs go into the path as they are.
    pub(crate) async fn delete_key(&self, app_id: &str, id: &str) -> Result<()> {
        let path = format!("/service/v1/apps/{app_id}/keys/{id}");
        let call = Call {
            doing: "deleting the API key",
            method: Method::DELETE,
            url: self.base.join(&path),
            body: None,
            repeat: Repeat::Always,
        };
        self.call(call).await.map(drop)
    }
}

/// What the answer leaves out is as it was asked for.
pub(super) fn read(object: &Object, app_id: &str, name: &str) -> Result<ApiKey> {
    let created_at = object.fields.get("created_at").and_then(Value::as_f64);
    Ok(ApiKey {
        api_key_id: object.required("api_key_id")?,
        api_key_name: object
            .text("api_key_name")
            .unwrap_or_else(|| name.to_owned()),
        app_id: object.text("app_id").unwrap_or_else(|| app_id.to_owned()),
        app_name: object.text("app_name"),
        created_by_user_id: object.text("created_by_user_id"),
        created_by_user_email: object.text("created_by_user_email"),
        display_value: object.text("display_value"),
        raw_api_key: object.text("raw_api_key").map(Secret::from),
        created_at: created_at.and_then(|seconds| from_unix_ms((seconds * 1000.0) as u64)),
    })
}
