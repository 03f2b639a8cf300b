//! Where credentials live between runs.

mod file;
mod memory;
mod record;

pub use file::FileStore;
pub use memory::MemoryStore;
pub(crate) use record::{Login, Record};

use crate::Result;
use std::{any::Any, fmt, future::Future, pin::Pin, time::Duration};

/// A future as the store's methods return it.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Keeps one record: a versioned JSON object as text, which a store treats as opaque.
///
/// A store's calls are never made while the client holds a lock of its own that the store could
/// need, except between [`CredentialStore::lock`] and the release of what it returned.
pub trait CredentialStore: Send + Sync + 'static {
    /// The record, or `None` where there is none.
    fn load(&self) -> StoreFuture<'_, Option<String>>;

    /// Replaces the record. When this returns, the record must survive a crash.
    fn save(&self, record: String) -> StoreFuture<'_, ()>;

    /// Removes the record. Removing none is fine.
    fn delete(&self) -> StoreFuture<'_, ()>;

    /// How long loading or saving may take before the client gives it up, so that a store that
    /// hangs stops nobody for good. Default 30 s.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Keeps every other user of the same record out until the returned guard is dropped.
    /// The default keeps nobody out; the changes of one client take turns all the same.
    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        Box::pin(async { Ok(StoreLock::new(())) })
    }

    /// A cheap number that differs once the record has changed. `None` means that it cannot be
    /// told, so the record is loaded each time a token is needed.
    fn revision(&self) -> Option<u64> {
        None
    }

    /// Where the record is, for people.
    fn location(&self) -> String;
}

/// Held while a store is locked; dropping it releases the lock.
pub struct StoreLock(#[allow(dead_code)] Box<dyn Any + Send>);

impl StoreLock {
    /// `guard` is whatever releases the lock when it is dropped.
    pub fn new(guard: impl Any + Send) -> Self {
        StoreLock(Box::new(guard))
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreLock")
    }
}
