//! Changes that could not be stored, and what the store holds by then.

use super::Record;
use super::fields::{CLAIM, LOGIN, put};
use crate::{Secret, session::machine::ours_counts};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

impl Record {
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
                // Whoever has claimed the token that both have is refreshing it still.
                if pair(ours, key) == stored {
                    merged.take_claim(key, theirs);
                }
            }
            merged.take_api_key(key, base, ours);
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

    /// Puts `from`'s claim in the place of ours.
    fn take_claim(&mut self, key: &str, from: &Record) {
        let claim = from.login_map(key).and_then(|login| login.get(CLAIM));
        let Some(login) = self.login_mut(key) else {
            return;
        };
        match claim {
            Some(claim) => drop(login.insert(CLAIM.into(), claim.clone())),
            None => drop(login.remove(CLAIM)),
        }
    }
}
