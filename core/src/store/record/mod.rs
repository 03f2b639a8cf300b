//! The stored record: the same versioned JSON as Parallel's own CLI keeps, so that both can share
//! a login. What we do not know is kept as it is.

mod api_key;
mod apply;
mod claim;
mod fields;
mod merge;

pub(crate) use api_key::KeyId;
pub(crate) use fields::hash;

use crate::{
    Error, ErrorKind, Result, Secret, response,
    secret::{WipedObject, wipe},
};
use fields::{LOGIN, Length, UNNAMED, exact_expiry, fingerprint, millis, object_at, time};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime};

const VERSION: u64 = 1;
/// The organization under which the CLI keeps a data-API key of its old flat form.
const FLAT: &str = "legacy";

/// The whole record.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Record(WipedObject);

/// One organization's login, read out of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Login {
    /// The record's key.
    pub(crate) key: String,
    pub(crate) org_name: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) access_token: Secret,
    /// `None`: unknown, use it until it is refused.
    pub(crate) expires_at: Option<SystemTime>,
    /// The access token's whole life, which bounds how early it is renewed.
    pub(crate) life: Option<Duration>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) refresh_expires_at: Option<SystemTime>,
    pub(crate) grant_ends_at: Option<SystemTime>,
    pub(crate) scopes: Vec<String>,
    /// The service refused this very refresh token; only a new login helps.
    pub(crate) refused: bool,
}

impl Login {
    /// The organization's ID, where the server named it.
    pub(crate) fn org_id(&self) -> Option<&str> {
        (self.key != UNNAMED).then_some(self.key.as_str())
    }

    /// Whether the login is known not to have this scope.
    pub(crate) fn lacks(&self, scope: &str) -> bool {
        !self.scopes.is_empty() && !self.scopes.iter().any(|granted| granted == scope)
    }
}

impl Record {
    /// # Errors
    /// `store_corrupt` for what is no record, `store` for one of a newer version or an encrypted
    /// one.
    pub(crate) fn parse(text: &str) -> Result<Record> {
        let corrupt = |why: &str| {
            Err(Error::new(
                ErrorKind::StoreCorrupt,
                format!("The stored credentials are damaged ({why}). Log in again."),
            ))
        };
        let Ok(Value::Object(map)) = serde_json::from_str(text) else {
            if is_ciphertext(text) {
                return Err(Error::new(
                    ErrorKind::Store,
                    "The stored credentials are encrypted and are left untouched. Give the client the store that decrypts them, such as EncryptedStore with their keys. If the keys are lost, delete the credentials, then log in again.",
                ));
            }
            return corrupt("they are no JSON object");
        };
        let mut map = WipedObject(map);
        match map.get("version") {
            None => {
                // The CLI's old flat form holds a data-API key. It is no login, and it is kept
                // where the CLI itself would move it.
                if !map.contains_key("orgs")
                    && let Some(key) = response::text(&map, "access_token")
                {
                    map.remove("access_token").as_mut().map(wipe);
                    map.insert("selected_org_id".into(), json!(FLAT));
                    map.insert("orgs".into(), json!({ FLAT: {} }));
                    map["orgs"][FLAT]["api_key"] = Value::String(key);
                }
                map.insert("version".into(), json!(VERSION));
            }
            Some(version) => match version.as_u64() {
                Some(VERSION) => {}
                Some(newer) if newer > VERSION => {
                    return Err(Error::new(
                        ErrorKind::Store,
                        format!(
                            "The stored credentials were written by a newer version (record version {newer}, this one knows {VERSION}) and are left untouched. Update parallel-account."
                        ),
                    ));
                }
                _ => return corrupt("version is no number"),
            },
        }
        match map.get("orgs") {
            None | Some(Value::Null | Value::Object(_)) => Ok(Record(map)),
            Some(_) => corrupt("orgs is no object"),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let mut map = self.0.clone();
        map.entry("version").or_insert(json!(VERSION));
        // Measured first, as a text that grows leaves copies behind.
        let mut length = Length(0);
        let written = serde_json::to_writer_pretty(&mut length, &*map);
        let mut text = Vec::with_capacity(length.0);
        written
            .and_then(|()| serde_json::to_writer_pretty(&mut text, &*map))
            .expect("a JSON map can always be written");
        String::from_utf8(text).expect("JSON is UTF-8")
    }

    pub(crate) fn client_id(&self) -> Option<String> {
        response::text(&self.0, "client_id")
    }

    /// Logins that were made with the old ID, or with one that nobody noted, keep it: a refresh
    /// token belongs to its client.
    pub(crate) fn set_client_id(&mut self, client_id: &str) {
        let old = self.client_id();
        if old.as_deref() != Some(client_id) {
            for key in self.keys() {
                if let Some(login) = self.login_mut(&key) {
                    login.entry("client_id").or_insert(json!(old));
                }
            }
        }
        self.0.insert("client_id".into(), json!(client_id));
    }

    pub(crate) fn selected(&self) -> Option<String> {
        response::text(&self.0, "selected_org_id")
    }

    pub(crate) fn select(&mut self, key: &str) {
        self.0.insert("selected_org_id".into(), json!(key));
    }

    /// Every organization's key, logged in or not.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.orgs()
            .map(|orgs| orgs.keys().cloned().collect())
            .unwrap_or_default()
    }

    pub(crate) fn org_name(&self, key: &str) -> Option<String> {
        response::shown(self.orgs()?.get(key)?.as_object()?, "org_name")
    }

    /// The login of `wanted`, else of the selected organization, else the only one there is.
    pub(crate) fn login(&self, wanted: Option<&str>) -> Option<Login> {
        if let Some(key) = wanted {
            return self.login_of(key);
        }
        if let Some(key) = self.selected() {
            return self.login_of(&key);
        }
        let mut logins = self
            .keys()
            .into_iter()
            .filter_map(|key| self.login_of(&key));
        let first = logins.next();
        if logins.next().is_some() { None } else { first }
    }

    pub(crate) fn login_of(&self, key: &str) -> Option<Login> {
        let org = self.orgs()?.get(key)?.as_object()?;
        let login = org.get(LOGIN)?.as_object()?;
        let refresh_token = response::text(login, "refresh_token");
        let access_token = response::text(login, "access_token");
        if refresh_token.is_none() && access_token.is_none() {
            return None;
        }
        let refused = response::text(login, "refused_refresh_token_fingerprint")
            .is_some_and(|print| refresh_token.as_deref().map(fingerprint) == Some(print));
        let scopes = match login.get("access_token_scopes") {
            Some(Value::Array(scopes)) => scopes
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Some(Value::String(scopes)) => scopes.split_whitespace().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Some(Login {
            key: key.to_owned(),
            org_name: response::shown(org, "org_name"),
            client_id: match login.get("client_id") {
                Some(Value::Null) => None,
                _ => response::text(login, "client_id").or_else(|| self.client_id()),
            },
            access_token: access_token.unwrap_or_default().into(),
            expires_at: exact_expiry(login),
            life: millis(login, "access_token_life_ms").map(Duration::from_millis),
            refresh_token: refresh_token.map(Secret::from),
            refresh_expires_at: time(login, "refresh_token_expires_at"),
            grant_ends_at: time(login, "authorization_expires_at"),
            scopes,
            refused,
        })
    }

    /// Forgets one login, and the API key that we made with it. What else is known of the
    /// organization stays.
    pub(crate) fn forget(&mut self, key: &str) {
        let Some(orgs) = self.0.get_mut("orgs").and_then(Value::as_object_mut) else {
            return;
        };
        let Some(org) = orgs.get_mut(key).and_then(Value::as_object_mut) else {
            return;
        };
        if let Some(mut login) = org.remove(LOGIN) {
            wipe(&mut login);
        }
        Record::forget_own_api_key(org);
        let nothing_left = org
            .iter()
            .all(|(name, value)| name == "org_name" || value.is_null());
        if nothing_left {
            orgs.remove(key);
            if self.selected().as_deref() == Some(key) {
                let next = self
                    .keys()
                    .into_iter()
                    .find(|key| self.login_of(key).is_some());
                self.0.insert("selected_org_id".into(), json!(next));
            }
        }
    }

    fn orgs(&self) -> Option<&Map<String, Value>> {
        self.0.get("orgs")?.as_object()
    }

    /// An organization's entry, made if there is none.
    fn org_mut(&mut self, key: &str) -> &mut Map<String, Value> {
        let orgs = object_at(&mut self.0, "orgs");
        object_at(orgs, key)
    }

    fn login_map(&self, key: &str) -> Option<&Map<String, Value>> {
        self.orgs()?.get(key)?.as_object()?.get(LOGIN)?.as_object()
    }

    fn login_mut(&mut self, key: &str) -> Option<&mut Map<String, Value>> {
        let orgs = self.0.get_mut("orgs")?.as_object_mut()?;
        orgs.get_mut(key)?
            .as_object_mut()?
            .get_mut(LOGIN)?
            .as_object_mut()
    }
}

/// Whether `text` is what ciphertexts are kept as: one long word, such as a JWE or Base64, or armor
/// of lines. No damage makes that of a record, which begins with a brace and has quotes.
fn is_ciphertext(text: &str) -> bool {
    const SHORTEST: usize = 40;
    let is_body = |byte: u8| match byte {
        b'{' | b'}' | b'[' | b']' | b'"' => false,
        byte => byte.is_ascii_graphic() || matches!(byte, b'\r' | b'\n'),
    };
    text.len() >= SHORTEST && (text.starts_with("-----BEGIN ") || text.bytes().all(is_body))
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("orgs", &self.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
