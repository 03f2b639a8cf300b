//! Stores: the core's own, and those that a Swift program implements.

use std::{future::Future, sync::Arc, time::Duration};

use parallel_account::{CredentialStore, Error, FileStore, MemoryStore, StoreFuture, StoreLock};

use crate::{
    call::{Call, runtime},
    error::Failure,
};

/// Why a store written in Swift could not do its work.
#[derive(Debug, uniffi::Error)]
pub enum StoreFailure {
    /// It said why.
    Failed {
        /// What it said.
        message: String,
    },
}

impl std::fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let StoreFailure::Failed { message } = self;
        f.write_str(message)
    }
}

impl std::error::Error for StoreFailure {}

impl From<uniffi::UnexpectedUniFFICallbackError> for StoreFailure {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        StoreFailure::Failed {
            message: error.reason,
        }
    }
}

/// A store written in Swift. The record is opaque to it.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait ForeignStore: Send + Sync {
    /// The record, or nothing.
    async fn load(&self) -> Result<Option<String>, StoreFailure>;
    /// Replaces the record.
    async fn save(&self, record: String) -> Result<(), StoreFailure>;
    /// Removes the record.
    async fn delete(&self) -> Result<(), StoreFailure>;
    /// Keeps others out and answers by which number to release; nothing where the store cannot.
    async fn lock(&self) -> Result<Option<u64>, StoreFailure>;
    /// Lets others in.
    fn release(&self, lock: u64);
    /// A number that differs once the record has changed; nothing where the store cannot tell.
    fn revision(&self) -> Option<u64>;
}

struct Guard {
    store: Arc<dyn ForeignStore>,
    lock: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.store.release(self.lock);
    }
}

/// A Swift store as the core sees it. None of its calls may take longer than `timeout`: a call
/// that hangs in Swift must not hang the session.
struct Adapter {
    store: Arc<dyn ForeignStore>,
    location: String,
    timeout: Duration,
}

impl Adapter {
    async fn limited<T>(
        &self,
        doing: &str,
        future: impl Future<Output = Result<T, StoreFailure>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, future).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) => Err(Error::store(
                format!("The store ({}) could not {doing}: {failure}", self.location),
                None,
            )),
            Err(_) => Err(Error::store(
                format!(
                    "The store ({}) did not {doing} within {} s. Check whether it waits for something.",
                    self.location,
                    self.timeout.as_secs_f64()
                ),
                None,
            )),
        }
    }
}

impl CredentialStore for Adapter {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(self.limited("load the login", self.store.load()))
    }

    fn save(&self, record: String) -> StoreFuture<'_, ()> {
        Box::pin(self.limited("save the login", self.store.save(record)))
    }

    fn delete(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.limited("delete the login", self.store.delete()))
    }

    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        Box::pin(async {
            Ok(
                match self.limited("lock the login", self.store.lock()).await? {
                    Some(lock) => StoreLock::new(Guard {
                        store: self.store.clone(),
                        lock,
                    }),
                    None => StoreLock::new(()),
                },
            )
        })
    }

    fn revision(&self) -> Option<u64> {
        self.store.revision()
    }

    /// Ours comes first and says more.
    fn time_limit(&self) -> Duration {
        self.timeout.saturating_add(Duration::from_secs(1))
    }

    fn location(&self) -> String {
        self.location.clone()
    }
}

/// Any store, ready for a client.
#[derive(uniffi::Object)]
pub struct FfiStore {
    store: Arc<dyn CredentialStore>,
}

impl FfiStore {
    fn of(store: impl CredentialStore) -> Arc<Self> {
        Arc::new(FfiStore {
            store: Arc::new(store),
        })
    }

    pub(crate) fn core(&self) -> Arc<dyn CredentialStore> {
        self.store.clone()
    }
}

#[uniffi::export]
impl FfiStore {
    /// Forgets everything when the process ends.
    #[uniffi::constructor]
    pub fn memory(record: Option<String>) -> Arc<Self> {
        Self::of(MemoryStore::new(record))
    }

    /// A file of its own.
    #[uniffi::constructor]
    pub fn file(path: String) -> Arc<Self> {
        Self::of(FileStore::new(path))
    }

    /// The file of Parallel's own CLI.
    #[uniffi::constructor]
    pub fn parallel_cli() -> Result<Arc<Self>, Failure> {
        Ok(Self::of(FileStore::parallel_cli()?))
    }

    /// One written in Swift, none of whose calls may take longer than `timeout` seconds.
    #[uniffi::constructor]
    pub fn foreign(store: Arc<dyn ForeignStore>, location: String, timeout: f64) -> Arc<Self> {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        Self::of(Adapter {
            store,
            location,
            timeout,
        })
    }

    /// Where it is, for people.
    pub fn location(&self) -> String {
        self.store.location()
    }

    /// The record, or nothing.
    pub async fn load(&self, call: Arc<Call>) -> Result<Option<String>, Failure> {
        let store = self.core();
        call.run(async move { store.load().await }).await
    }

    /// Replaces the record.
    pub async fn save(&self, call: Arc<Call>, record: String) -> Result<(), Failure> {
        let store = self.core();
        call.run(async move { store.save(record).await }).await
    }

    /// Removes the record.
    pub async fn delete(&self, call: Arc<Call>) -> Result<(), Failure> {
        let store = self.core();
        call.run(async move { store.delete().await }).await
    }

    /// Keeps others out until the answer is released.
    pub async fn lock(&self, call: Arc<Call>) -> Result<Arc<FfiLock>, Failure> {
        let store = self.core();
        let guard = call.run(async move { store.lock().await }).await?;
        Ok(Arc::new(FfiLock {
            guard: std::sync::Mutex::new(Some(guard)),
        }))
    }
}

/// A lock of one of the core's stores, held for a Swift program.
#[derive(uniffi::Object)]
pub struct FfiLock {
    guard: std::sync::Mutex<Option<StoreLock>>,
}

#[uniffi::export]
impl FfiLock {
    /// Lets others in.
    pub fn release(&self) {
        let _entered = runtime().enter();
        self.guard
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
    }
}
