//! Who is refreshing a login, or making an organization's API key, as it is written there.

use super::Record;
use super::fields::{CLAIM, millis};
use crate::{response, session::machine::Claim};
use serde_json::{Map, Value, json};
use std::time::Duration;

impl Record {
    /// Who is refreshing a login.
    pub(crate) fn claim_of(&self, key: &str) -> Option<Claim> {
        read(self.login_map(key)?, CLAIM)
    }

    /// Says in the login who is refreshing it.
    pub(crate) fn set_claim(&mut self, key: &str, claim: &Claim) {
        if let Some(login) = self.login_mut(key) {
            login.insert(CLAIM.into(), written(claim));
        }
    }

    pub(crate) fn remove_claim(&mut self, key: &str) {
        if let Some(login) = self.login_mut(key) {
            login.remove(CLAIM);
        }
    }
}

/// One that cannot be read is still somebody's.
pub(super) fn read(object: &Map<String, Value>, name: &str) -> Option<Claim> {
    let claim = match object.get(name)? {
        Value::Null => return None,
        claim => claim.as_object().cloned().unwrap_or_default(),
    };
    let owner = response::text(&claim, "owner");
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

pub(super) fn written(claim: &Claim) -> Value {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    json!({
        "owner": format!("{:016x}", claim.owner),
        "number": claim.number,
        "lease_ms": ms(claim.lease),
        "made_at_ms": ms(claim.made),
    })
}
