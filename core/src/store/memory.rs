//! Credentials that end with the process.

use super::{CredentialStore, Revision, StoreFuture, StoreLock};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

/// Keeps the record in memory: for servers that have a database of their own, and for tests.
/// Clones share one record.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    record: Mutex<Option<String>>,
    revision: AtomicU64,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl MemoryStore {
    /// A store that holds `record`, as [`MemoryStore::record`] gave it once, or nothing.
    pub fn new(record: Option<String>) -> Self {
        let store = MemoryStore::default();
        *store.guard() = record;
        store
    }

    /// The record: it holds the tokens, so keep it safe.
    pub fn record(&self) -> Option<String> {
        self.guard().clone()
    }

    fn guard(&self) -> MutexGuard<'_, Option<String>> {
        self.0
            .record
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn swap(&self, old: &Option<String>, new: Option<String>) -> bool {
        let mut record = self.guard();
        let same = *record == *old;
        if same {
            *record = new;
            self.0.revision.fetch_add(1, Ordering::Release);
        }
        same
    }
}

impl CredentialStore for MemoryStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async { Ok(self.record()) })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async move { Ok(self.swap(&old, new)) })
    }

    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        Box::pin(async {
            let _guard = self.0.lock.clone().lock_owned().await;
            let store = self.clone();
            Ok(Some(StoreLock::new(Locked { store, _guard })))
        })
    }

    fn revision(&self) -> Revision<'_> {
        Revision::Known(self.0.revision.load(Ordering::Acquire))
    }

    fn location(&self) -> String {
        "memory".into()
    }
}

struct Locked {
    store: MemoryStore,
    _guard: tokio::sync::OwnedMutexGuard<()>,
}

impl CredentialStore for Locked {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.store.load()
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        self.store.replace(old, new)
    }

    fn location(&self) -> String {
        self.store.location()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_that_it_is_memory() {
        assert_eq!(MemoryStore::default().location(), "memory");
        assert_eq!(
            format!("{:?}", MemoryStore::new(Some("canary".into()))),
            "MemoryStore"
        );
    }
}
