//! The API keys of an app. The reference documents no listing of them.

use super::{Call, Object, label, secret, segment, uuid};
use crate::{Result, Secret, client::AccountClient, clock::from_unix_ms, transport::Repeat};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::SystemTime;

/// A new API key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct ApiKey {
    /// Its id.
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
    /// The key with most of it hidden, to recognise it by.
    pub display_value: Option<String>,
    /// The key itself, which is never sent again.
    pub raw_api_key: Option<Secret>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
}

/// `client.keys()`.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a>(&'a AccountClient);

impl<'a> Keys<'a> {
    pub(crate) fn new(client: &'a AccountClient) -> Self {
        Keys(client)
    }

    /// `POST /service/v1/apps/{app_id}/keys`. Scope `keys:create`. Never repeated once it may have
    /// been sent.
    ///
    /// # Errors
    /// `invalid_request` for an id that is no UUID or an empty name, before anything is sent; with
    /// `outcome_unknown` a key may exist that nobody has seen; and those of the Account API.
    pub async fn create(&self, app_id: &str, name: &str) -> Result<ApiKey> {
        let app_id = uuid(app_id, "app_id")?;
        let name = label(name, "The key's name")?;
        let account = self.0.account()?;
        let object = account
            .object(Call {
                doing: "creating the API key",
                method: Method::POST,
                url: account
                    .base
                    .join(&format!("/service/v1/apps/{app_id}/keys")),
                body: Some(json!({ "api_key_name": name })),
                repeat: Repeat::IfNotSent,
            })
            .await?;
        read(&object, app_id, name)
    }

    /// `DELETE /service/v1/apps/{app_id}/keys/{api_key_id}`. Scope `keys:delete`.
    ///
    /// # Errors
    /// `invalid_request` for an id that cannot be one, before anything is sent; and those of the
    /// Account API.
    pub async fn delete(&self, app_id: &str, api_key_id: &str) -> Result<()> {
        let app_id = uuid(app_id, "app_id")?;
        let key = segment(api_key_id, "api_key_id")?;
        let account = self.0.account()?;
        account
            .call(Call {
                doing: "deleting the API key",
                method: Method::DELETE,
                url: account
                    .base
                    .join(&format!("/service/v1/apps/{app_id}/keys/{key}")),
                body: None,
                repeat: Repeat::Always,
            })
            .await
            .map(drop)
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
        raw_api_key: secret(object.text("raw_api_key")),
        created_at: created_at.and_then(|seconds| from_unix_ms((seconds * 1000.0) as u64)),
    })
}
