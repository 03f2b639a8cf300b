//! Credentials that end with the process.

use super::{CredentialStore, StoreFuture, StoreLock};
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

    fn replace(&self, record: Option<String>) {
        *self.guard() = record;
        self.0.revision.fetch_add(1, Ordering::Release);
    }
}

impl CredentialStore for MemoryStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async { Ok(self.record()) })
    }

    fn save(&self, record: String) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.replace(Some(record));
            Ok(())
        })
    }

    fn delete(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.replace(None);
            Ok(())
        })
    }

    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        Box::pin(async { Ok(StoreLock::new(self.0.lock.clone().lock_owned().await)) })
    }

    fn revision(&self) -> Option<u64> {
        Some(self.0.revision.load(Ordering::Acquire))
    }

    fn location(&self) -> String {
        "memory".into()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}
