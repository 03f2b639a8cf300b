//! The stored record: the same versioned JSON as Parallel's own CLI keeps, so that both can share
//! a login. What we do not know is kept as it is.

use crate::{
    Error, ErrorKind, Result, Secret, answer,
    clock::{Now, from_unix_ms, unix_ms},
    oauth::Tokens,
    secret::{WipedObject, wipe},
    session::machine::{Claim, ours_counts},
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    io,
    time::{Duration, SystemTime},
};

const VERSION: u64 = 1;
/// Under this key lives a login whose organisation the server did not name.
const UNNAMED: &str = "default";
const LOGIN: &str = "control_api";
/// In a login: who is refreshing it.
const CLAIM: &str = "claim";
/// The organisation under which the CLI keeps a data-API key of its old flat form.
const FLAT: &str = "legacy";

/// The whole record.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Record(WipedObject);

/// One organisation's login, read out of a record.
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
    /// The organisation's id, where the server named it.
    pub(crate) fn org_id(&self) -> Option<&str> {
        (self.key != UNNAMED).then_some(self.key.as_str())
    }
}

impl Record {
    /// # Errors
    /// `store_corrupt` for what is no record, `store` for one of a newer version.
    pub(crate) fn parse(text: &str) -> Result<Record> {
        let corrupt = |why: &str| {
            Err(Error::new(
                ErrorKind::StoreCorrupt,
                format!("The stored credentials are damaged ({why}). Log in again."),
            ))
        };
        let Ok(Value::Object(map)) = serde_json::from_str(text) else {
            return corrupt("they are no JSON object");
        };
        let mut map = WipedObject(map);
        match map.get("version") {
            None => {
                // The CLI's old flat form holds a data-API key. It is no login, and it is kept
                // where the CLI itself would move it.
                if !map.contains_key("orgs")
                    && let Some(key) = answer::text(&map, "access_token")
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
        answer::text(&self.0, "client_id")
    }

    /// Logins that were made with the old id, or with one that nobody noted, keep it: a refresh
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
        answer::text(&self.0, "selected_org_id")
    }

    pub(crate) fn select(&mut self, key: &str) {
        self.0.insert("selected_org_id".into(), json!(key));
    }

    /// Every organisation's key, logged in or not.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.orgs()
            .map(|orgs| orgs.keys().cloned().collect())
            .unwrap_or_default()
    }

    pub(crate) fn org_name(&self, key: &str) -> Option<String> {
        answer::shown(self.orgs()?.get(key)?.as_object()?, "org_name")
    }

    /// The login of `wanted`, else of the selected organisation, else the only one there is.
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
        let refresh_token = answer::text(login, "refresh_token");
        let access_token = answer::text(login, "access_token");
        if refresh_token.is_none() && access_token.is_none() {
            return None;
        }
        let refused = answer::text(login, "refused_refresh_token_fingerprint")
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
            org_name: answer::shown(org, "org_name"),
            client_id: match login.get("client_id") {
                Some(Value::Null) => None,
                _ => answer::text(login, "client_id").or_else(|| self.client_id()),
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

    /// Writes a token response into the login of its organisation. `asked` are the scopes that
    /// were asked for; a refresh passes none, and what it does not say stays.
    pub(crate) fn apply(
        &mut self,
        key: &str,
        tokens: &Tokens,
        client_id: Option<&str>,
        asked: Option<&[String]>,
        now: Now,
    ) {
        let top_client_id = self.client_id();
        let org = self.org_mut(key);
        if let Some(name) = &tokens.org_name {
            org.insert("org_name".into(), json!(name));
        }
        if asked.is_some() || !matches!(org.get(LOGIN), Some(Value::Object(_))) {
            put(org, LOGIN, json!({}));
        }
        let login = org
            .get_mut(LOGIN)
            .and_then(Value::as_object_mut)
            .expect("just made");
        let at = |life: Option<Duration>| {
            life.and_then(|life| now.wall.checked_add(life))
                .map(unix_ms)
        };
        let expires_ms = at(tokens.expires_in);
        put(login, "access_token", json!(tokens.access_token.expose()));
        login.insert(
            "access_token_expires_at".into(),
            json!(expires_ms.map(|ms| ms / 1000)),
        );
        login.insert("access_token_expires_at_ms".into(), json!(expires_ms));
        let life = tokens
            .expires_in
            .and_then(|life| u64::try_from(life.as_millis()).ok());
        login.insert("access_token_life_ms".into(), json!(life));
        if let Some(scopes) = tokens.scopes.as_deref().or(asked) {
            login.insert("access_token_scopes".into(), json!(scopes));
        }
        if let Some(refresh_token) = &tokens.refresh_token {
            put(login, "refresh_token", json!(refresh_token.expose()));
        }
        for (name, life) in [
            ("refresh_token_expires_at", tokens.refresh_token_expires_in),
            ("authorization_expires_at", tokens.authorization_expires_in),
        ] {
            match at(life) {
                Some(ms) => drop(login.insert(name.into(), json!(ms / 1000))),
                // A new refresh token does not inherit the old one's end.
                None if asked.is_some()
                    || (name.starts_with("refresh") && tokens.refresh_token.is_some()) =>
                {
                    login.insert(name.into(), Value::Null);
                }
                None => {}
            }
        }
        login.remove("refused_refresh_token_fingerprint");
        login.remove(CLAIM);
        if let Some(id) = client_id.filter(|id| Some(*id) != top_client_id.as_deref()) {
            login.insert("client_id".into(), json!(id));
        }
    }

    /// Who is refreshing a login. One that cannot be read is somebody's all the same.
    pub(crate) fn claim_of(&self, key: &str) -> Option<Claim> {
        let claim = self.login_map(key)?.get(CLAIM)?;
        let claim = match claim {
            Value::Null => return None,
            claim => claim.as_object().cloned().unwrap_or_default(),
        };
        let owner = answer::text(&claim, "owner");
        let time = |name| Duration::from_millis(millis(&claim, name).unwrap_or(0));
        Some(Claim {
            owner: owner
                .and_then(|owner| u64::from_str_radix(&owner, 16).ok())
                .unwrap_or(0),
            number: millis(&claim, "number").unwrap_or(0) as u32,
            lease: time("lease_ms"),
            made: time("made_at_ms"),
        })
    }

    /// Says in the login who is refreshing it.
    pub(crate) fn set_claim(&mut self, key: &str, claim: &Claim) {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        if let Some(login) = self.login_mut(key) {
            let claim = json!({
                "owner": format!("{:016x}", claim.owner),
                "number": claim.number,
                "lease_ms": ms(claim.lease),
                "made_at_ms": ms(claim.made),
            });
            login.insert(CLAIM.into(), claim);
        }
    }

    pub(crate) fn remove_claim(&mut self, key: &str) {
        if let Some(login) = self.login_mut(key) {
            login.remove(CLAIM);
        }
    }

    /// The login of `key` was renewed for another organization: the pair goes there, unless there
    /// is a login already, and the token that it was given for is spent.
    pub(crate) fn move_login(&mut self, key: &str, tokens: &Tokens, now: Now) {
        let Some(old) = self.login_of(key) else {
            return;
        };
        let to = Record::key_of(tokens).to_owned();
        if self.login_of(&to).is_none() {
            let client_id = old.client_id.as_deref();
            self.apply(&to, tokens, client_id, Some(&old.scopes), now);
        }
        if let Some(token) = &old.refresh_token {
            self.mark_refused(key, token);
        }
    }

    /// `ours` was made from `base` and could not be stored; the store holds `theirs` by now. What
    /// we changed goes into it, except over a login that is not the one that we replaced. `spent`
    /// are the refresh tokens that ours were given for: a store may still show those.
    pub(crate) fn merged(
        base: &Record,
        ours: &Record,
        theirs: &Record,
        spent: &HashMap<String, Secret>,
    ) -> Record {
        let mut merged = theirs.clone();
        if let Some(id) = ours.client_id()
            && Some(&id) != base.client_id().as_ref()
            && theirs.client_id() == base.client_id()
        {
            merged.set_client_id(&id);
        }
        if ours.selected() != base.selected() && theirs.selected() == base.selected() {
            let selected = json!(ours.selected());
            merged.0.insert("selected_org_id".into(), selected);
        }
        let pair = |record: &Record, key: &str| {
            let login = record.login_of(key)?;
            Some(login.refresh_token.unwrap_or(login.access_token))
        };
        let keys: BTreeSet<_> = base.keys().into_iter().chain(ours.keys()).collect();
        for key in &keys {
            let (base_pair, stored) = (pair(base, key), pair(theirs, key));
            let is_spent = |token: &Secret| spent.get(key) == Some(token);
            let changed = base.login_map(key) != ours.login_map(key)
                || (stored.as_ref().is_some_and(is_spent) && pair(ours, key) != stored);
            if changed && ours_counts(base_pair.as_ref(), stored.as_ref(), is_spent) {
                merged.take_login(key, ours);
            }
        }
        merged
    }

    /// Puts `from`'s login in the place of ours.
    fn take_login(&mut self, key: &str, from: &Record) {
        let (Some(login), Some(read)) = (from.login_map(key), from.login_of(key)) else {
            self.forget(key);
            return;
        };
        let top_client_id = self.client_id();
        let org = self.org_mut(key);
        if let Some(name) = read.org_name {
            org.insert("org_name".into(), json!(name));
        }
        let mut login = login.clone();
        if read.client_id != top_client_id {
            login.insert("client_id".into(), json!(read.client_id));
        }
        put(org, LOGIN, Value::Object(login));
    }

    /// The key under which the login of a token response lives.
    pub(crate) fn key_of(tokens: &Tokens) -> &str {
        tokens.org_id.as_deref().unwrap_or(UNNAMED)
    }

    /// Notes that the service refused this refresh token; the data stays.
    pub(crate) fn mark_refused(&mut self, key: &str, refresh_token: &Secret) {
        if let Some(login) = self.login_mut(key) {
            let print = fingerprint(refresh_token.expose());
            login.insert("refused_refresh_token_fingerprint".into(), json!(print));
            login.remove(CLAIM);
        }
    }

    /// Forgets one login. What else is known of the organisation stays.
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

    /// An organisation's entry, made if there is none.
    fn org_mut(&mut self, key: &str) -> &mut Map<String, Value> {
        if !matches!(self.0.get("orgs"), Some(Value::Object(_))) {
            self.0.insert("orgs".into(), json!({}));
        }
        let orgs = self
            .0
            .get_mut("orgs")
            .and_then(Value::as_object_mut)
            .expect("just made");
        let org = orgs.entry(key).or_insert_with(|| json!({}));
        if !org.is_object() {
            *org = json!({});
        }
        org.as_object_mut().expect("just made")
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

/// Puts a value in the place of one that may be a secret.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(mut old) = object.insert(name.into(), value) {
        wipe(&mut old);
    }
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn millis(object: &Map<String, Value>, name: &str) -> Option<u64> {
    let value = object.get(name)?;
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|ms| *ms >= 0.0).map(|ms| ms as u64))
}

/// Unix seconds, whole or not.
fn time(object: &Map<String, Value>, name: &str) -> Option<SystemTime> {
    let seconds = object
        .get(name)?
        .as_f64()
        .filter(|seconds| *seconds >= 0.0)?;
    from_unix_ms((seconds * 1000.0) as u64)
}

/// The file's seconds are what everyone reads; our milliseconds refine them as long as nobody
/// else has written new seconds beside them.
fn exact_expiry(login: &Map<String, Value>) -> Option<SystemTime> {
    let coarse = time(login, "access_token_expires_at")?;
    let exact = millis(login, "access_token_expires_at_ms").and_then(from_unix_ms);
    match exact {
        Some(exact) if unix_ms(exact) / 1000 == unix_ms(coarse) / 1000 => Some(exact),
        _ => Some(coarse),
    }
}

/// Enough to tell two tokens apart, useless for anything else.
fn fingerprint(text: &str) -> String {
    format!("{:08x}", hash(text) as u32)
}

/// FNV-1a: the same in every release, as what is stored depends on it.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
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
