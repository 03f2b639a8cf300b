//! Who is refreshing a login, as it is written into it.

use super::Record;
use super::fields::{CLAIM, millis};
use crate::{answer, session::machine::Claim};
use serde_json::{Value, json};
use std::time::Duration;

impl Record {
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
}
