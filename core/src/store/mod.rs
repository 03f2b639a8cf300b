//! Where credentials live between runs.

mod encrypted;
mod file;
mod memory;
mod record;

pub use encrypted::EncryptedStore;
#[cfg(any(test, fuzzing))]
pub(crate) use encrypted::Keys;
#[doc(hidden)]
pub use encrypted::{Step, SteppedCall, StoreAnswer};
pub use file::FileStore;
pub use memory::MemoryStore;
pub(crate) use record::{KeyId, Login, Record};

use crate::Result;
use std::{fmt, future::Future, ops::Deref, pin::Pin, sync::Arc, time::Duration};

/// A future as the store's methods return it.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What [`CredentialStore::revision`] answers. Every call asks, so what is known at once costs no
/// future.
pub enum Revision<'a> {
    /// It cannot be told.
    Unknown,
    /// The record's revision now.
    Known(u64),
    /// It has to be asked for; `None` where it cannot be told after all.
    Asked(StoreFuture<'a, Option<u64>>),
}

impl fmt::Debug for Revision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Revision::Unknown => f.write_str("Unknown"),
            Revision::Known(revision) => write!(f, "Known({revision})"),
            Revision::Asked(_) => f.write_str("Asked"),
        }
    }
}

/// Keeps one record: a versioned JSON object as text, which a store treats as opaque.
///
/// A store is one cell that can be compared and swapped. Whoever wants to change the record loads
/// it, makes the new one, and calls [`CredentialStore::replace`] with both; every database can do
/// that in one statement, such as
/// `UPDATE logins SET record = :new WHERE user_id = :user AND record = :old`.
/// Correctness rests on `replace` alone; everything else here saves time.
pub trait CredentialStore: Send + Sync + 'static {
    /// The record, or `None` where there is none.
    fn load(&self) -> StoreFuture<'_, Option<String>>;

    /// Atomically puts `new` in place of exactly `old`. `None` as `old`: there was no record;
    /// `None` as `new`: there is to be none. `false`: the record is not `old` any more, and
    /// nothing was changed. When this returns `true`, the record must survive a crash.
    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool>;

    /// Where the record is, for users.
    fn location(&self) -> String;

    /// How long one call may take before the client gives it up; default 30 s. A store that hangs
    /// thus stops nobody for good.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// A cheap number that differs once the record has changed. Where it cannot be told, the
    /// record is loaded each time a token is needed.
    fn revision(&self) -> Revision<'_> {
        Revision::Unknown
    }

    /// How long a loaded record may serve calls before it is loaded again; default 0 s. A refresh
    /// always loads it.
    fn cache_for(&self) -> Duration {
        Duration::ZERO
    }

    /// The same cell for one user alone, until what is returned is dropped; a lock that dies with
    /// its holder. `None`: there is no such lock, and a claim in the record takes its place.
    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether the store can be used at all; asked when a client is made, without touching what
    /// is stored.
    ///
    /// # Errors
    /// `config`, such as for a path that no file can have.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A store that is shared is one too.
impl<S: CredentialStore + ?Sized> CredentialStore for Arc<S> {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        (**self).load()
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        (**self).replace(old, new)
    }

    fn location(&self) -> String {
        (**self).location()
    }

    fn time_limit(&self) -> Duration {
        (**self).time_limit()
    }

    fn revision(&self) -> Revision<'_> {
        (**self).revision()
    }

    fn cache_for(&self) -> Duration {
        (**self).cache_for()
    }

    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        (**self).lock()
    }

    fn check(&self) -> Result<()> {
        (**self).check()
    }
}

/// A locked store: a cell that nobody else changes. Dropping it releases the lock.
pub struct StoreLock(Box<dyn CredentialStore>);

impl StoreLock {
    /// `cell` reads and writes under the lock, and releases it when it is dropped.
    pub fn new(cell: impl CredentialStore) -> Self {
        StoreLock(Box::new(cell))
    }
}

impl Deref for StoreLock {
    type Target = dyn CredentialStore;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreLock")
    }
}
