//! What a client keeps of API keys in memory.

use crate::{Secret, session::SingleFlight};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// By organization.
#[derive(Default)]
pub(crate) struct Kept {
    /// One key is made at a time, however many wait for it.
    making: Mutex<HashMap<String, Arc<SingleFlight<Secret>>>>,
    /// The key that was given out last.
    given: Mutex<HashMap<String, Secret>>,
}

impl Kept {
    pub(super) fn making(&self, organization: &str) -> Arc<SingleFlight<Secret>> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.entry(organization.to_owned()).or_default().clone()
    }

    pub(super) fn given(&self, organization: &str) -> Option<Secret> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(organization).cloned()
    }

    pub(super) fn give(&self, organization: &str, api_key: &Secret) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.get(organization) != Some(api_key) {
            given.insert(organization.to_owned(), api_key.clone());
        }
    }
}
