//! An organization's data-API key, where Parallel's own CLI keeps it, and what we know of it.

use super::Record;
use super::claim;
use super::fields::{fingerprint, put};
use crate::{Secret, response, secret::wipe, session::machine::Claim};
use serde_json::{Map, Value, json};

/// The CLI's field.
const KEY: &str = "api_key";
/// Ours, beside it: what a key is deleted by, and which key that is.
const ID: &str = "api_key_id";
const APP_ID: &str = "api_key_app_id";
const PRINT: &str = "api_key_fingerprint";
/// Who is making a key.
const CLAIM: &str = "api_key_claim";

/// What a key is deleted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyId {
    pub(crate) app_id: String,
    pub(crate) id: String,
}

impl Record {
    /// The organization that a client acts for which names `wanted`, logged in or not: that one,
    /// else the selected one, else the only one with a login, else the only one there is.
    pub(crate) fn acting_for(&self, wanted: Option<&str>) -> Option<String> {
        let only = || match <[String; 1]>::try_from(self.keys()) {
            Ok([key]) => Some(key),
            Err(_) => None,
        };
        wanted
            .map(str::to_owned)
            .or_else(|| self.selected())
            .or_else(|| self.login(None).map(|login| login.key))
            .or_else(only)
    }

    pub(crate) fn api_key_of(&self, key: &str) -> Option<Secret> {
        response::text(self.org(key)?, KEY).map(Secret::from)
    }

    /// The key of ours that lives at Parallel. The CLI may have put another into its field since.
    pub(crate) fn own_api_key_of(&self, key: &str) -> Option<KeyId> {
        let org = self.org(key)?;
        Some(KeyId {
            app_id: response::text(org, APP_ID)?,
            id: response::text(org, ID)?,
        })
    }

    /// A key that we made.
    pub(crate) fn set_api_key(&mut self, key: &str, api_key: &Secret, id: &KeyId) {
        let org = self.org_mut(key);
        put(org, KEY, json!(api_key.expose()));
        org.insert(ID.into(), json!(id.id));
        org.insert(APP_ID.into(), json!(id.app_id));
        org.insert(PRINT.into(), json!(fingerprint(api_key.expose())));
        org.remove(CLAIM);
    }

    /// Forgets the key if it is ours, and in any case what only we write.
    pub(super) fn forget_own_api_key(org: &mut Map<String, Value>) {
        let print = response::text(org, KEY).map(|api_key| fingerprint(&api_key));
        let is_ours = print.is_some() && response::text(org, PRINT) == print;
        if is_ours && let Some(mut api_key) = org.remove(KEY) {
            wipe(&mut api_key);
        }
        for name in [ID, APP_ID, PRINT, CLAIM] {
            org.remove(name);
        }
    }

    pub(crate) fn api_key_claim_of(&self, key: &str) -> Option<Claim> {
        claim::read(self.org(key)?, CLAIM)
    }

    pub(crate) fn set_api_key_claim(&mut self, key: &str, claim: &Claim) {
        self.org_mut(key)
            .insert(CLAIM.into(), claim::written(claim));
    }

    pub(crate) fn remove_api_key_claim(&mut self, key: &str) {
        if self.org(key).is_some() {
            self.org_mut(key).remove(CLAIM);
        }
    }

    /// Takes the key over that `ours` has and its `base` had not, unless the key that we hold has
    /// changed since then as well.
    pub(super) fn take_api_key(&mut self, key: &str, base: &Record, ours: &Record) {
        let changed = base.api_key_of(key) != ours.api_key_of(key);
        if !changed || self.api_key_of(key) != base.api_key_of(key) {
            return;
        }
        if let (Some(api_key), Some(id)) = (ours.api_key_of(key), ours.own_api_key_of(key)) {
            self.set_api_key(key, &api_key, &id);
        }
    }

    fn org(&self, key: &str) -> Option<&Map<String, Value>> {
        self.orgs()?.get(key)?.as_object()
    }
}
