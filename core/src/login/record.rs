//! The record of a pending login, by which another process continues it.

use super::{DeviceLogin, LoginOptions};
use crate::{
    Error, Result, Secret,
    clock::{from_unix_ms, unix_ms},
    oauth::{DeviceCode, LONGEST_SHOWN},
    response,
    secret::WipedObject,
    shared::Core,
    text::clean,
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

impl DeviceLogin {
    pub(super) fn to_record(&self) -> Secret {
        let code = &self.0.code;
        Secret::from(
            json!({
                "version": 1,
                "client_id": self.0.client_id,
                "device_code": code.device_code.expose(),
                "user_code": code.user_code,
                "verification_uri": code.verification_uri,
                "verification_uri_complete": code.verification_uri_complete,
                "expires_at_ms": unix_ms(self.0.expires_at),
                "interval": self.interval().as_secs_f64(),
                "scopes": self.0.scopes,
            })
            .to_string(),
        )
    }

    pub(crate) fn from_record(core: Arc<Core>, record: &str) -> Result<Self> {
        let record = Pending::parse(record)?;
        let code = record.code(core.config.clock.now().wall)?;
        let client_id = record.required("client_id")?;
        Ok(DeviceLogin::new(
            core,
            client_id,
            record.scopes(),
            code,
            &LoginOptions::default(),
        ))
    }
}

/// A record, to be read field by field.
struct Pending(WipedObject);

impl Pending {
    fn parse(record: &str) -> Result<Self> {
        let object =
            response::object(record.as_bytes()).ok_or_else(|| refuse("it is no JSON object"))?;
        match object.get("version").and_then(Value::as_u64) {
            Some(1) => Ok(Pending(object)),
            _ => Err(refuse("its version is not 1")),
        }
    }

    fn required(&self, name: &str) -> Result<String> {
        response::text(&self.0, name).ok_or_else(|| refuse(&format!("it has no {name}")))
    }

    fn code(&self, now: SystemTime) -> Result<DeviceCode> {
        let shown = |text: &str| clean(text, LONGEST_SHOWN);
        let expires_at = self
            .0
            .get("expires_at_ms")
            .and_then(Value::as_u64)
            .and_then(from_unix_ms)
            .ok_or_else(|| refuse("it has no expires_at_ms"))?;
        Ok(DeviceCode {
            device_code: self.required("device_code")?.into(),
            user_code: shown(&self.required("user_code")?),
            verification_uri: shown(&self.required("verification_uri")?),
            verification_uri_complete: response::text(&self.0, "verification_uri_complete")
                .map(|link| shown(&link)),
            expires_in: expires_at.duration_since(now).unwrap_or_default(),
            interval: response::seconds(&self.0, "interval")
                .given()
                .unwrap_or(Duration::from_secs(5))
                .max(Duration::from_secs(1)),
        })
    }

    fn scopes(&self) -> Vec<String> {
        let scopes = self.0.get("scopes").and_then(Value::as_array);
        let texts = scopes.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }
}

fn refuse(why: &str) -> Error {
    Error::invalid_request(format!(
        "This is no record of a pending login ({why}). Pass what pending_record gave, or start a new login."
    ))
}
