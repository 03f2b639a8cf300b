//! What the platform answers, written into a login.

use super::Record;
use super::fields::{CLAIM, LOGIN, UNNAMED, fingerprint, object_at, put};
use crate::{
    Secret,
    clock::{Now, unix_ms},
    oauth::Tokens,
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// When what lives for `life` from now on ends, in milliseconds since 1970.
fn end_of(life: Option<Duration>, now: Now) -> Option<u64> {
    life.and_then(|life| now.wall.checked_add(life))
        .map(unix_ms)
}

/// Writes when something ends; where that is unknown, what was there stays unless it `forgets`.
fn put_end(login: &mut Map<String, Value>, name: &str, end_ms: Option<u64>, forgets: bool) {
    if end_ms.is_some() || forgets {
        login.insert(name.into(), json!(end_ms.map(|ms| ms / 1000)));
    }
}

impl Record {
    /// The key under which the login of a token response lives.
    pub(crate) fn key_of(tokens: &Tokens) -> &str {
        tokens.org_id.as_deref().unwrap_or(UNNAMED)
    }

    /// Writes a token response into the login of its organization. `asked` are the scopes that
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
        if asked.is_some() {
            put(org, LOGIN, json!({}));
        }
        let login = object_at(org, LOGIN);
        let expires_ms = end_of(tokens.expires_in, now);
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
        let is_new = asked.is_some();
        let refresh_token = end_of(tokens.refresh_token_expires_in, now);
        // A new refresh token does not inherit the old one's end.
        let forgets = is_new || tokens.refresh_token.is_some();
        put_end(login, "refresh_token_expires_at", refresh_token, forgets);
        let grant = end_of(tokens.authorization_expires_in, now);
        put_end(login, "authorization_expires_at", grant, is_new);
        login.remove("refused_refresh_token_fingerprint");
        login.remove(CLAIM);
        if let Some(id) = client_id.filter(|id| Some(*id) != top_client_id.as_deref()) {
            login.insert("client_id".into(), json!(id));
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

    /// Notes that the service refused this refresh token; the data stays.
    pub(crate) fn mark_refused(&mut self, key: &str, refresh_token: &Secret) {
        if let Some(login) = self.login_mut(key) {
            let print = fingerprint(refresh_token.expose());
            login.insert("refused_refresh_token_fingerprint".into(), json!(print));
            login.remove(CLAIM);
        }
    }
}
