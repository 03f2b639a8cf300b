//! Stores: the core's own, and those that a Swift program implements.

use std::{future::Future, sync::Arc, time::Duration};

use parallel_account::{CredentialStore, Error, FileStore, MemoryStore, StoreFuture};

use crate::{call::run, client::duration, error::Failure};

/// Why a store written in Swift could not do its work.
#[derive(Debug, uniffi::Error)]
pub enum StoreFailure {
    /// It said why.
    Failed {
        /// What it said.
        message: String,
    },
    /// The same, and it passes by itself.
    Unavailable {
        /// What it said.
        message: String,
    },
    /// It was made with what it cannot use.
    Misused {
        /// What it said.
        message: String,
    },
}

impl std::fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (StoreFailure::Failed { message }
        | StoreFailure::Unavailable { message }
        | StoreFailure::Misused { message }) = self;
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

/// A store written in Swift: one cell. The record is opaque to it.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait ForeignStore: Send + Sync {
    /// The record, or nothing.
    async fn load(&self) -> Result<Option<String>, StoreFailure>;
    /// Puts `new` in place of exactly `old`; `false` if the record is not `old` any more.
    async fn replace(&self, old: Option<String>, new: Option<String>)
    -> Result<bool, StoreFailure>;
}

/// A Swift store as the core sees it. None of its calls may take longer than `timeout`: a call
/// that hangs in Swift must not hang the session.
struct Adapter {
    store: Arc<dyn ForeignStore>,
    location: String,
    timeout: Duration,
    cache_for: Duration,
}

impl Adapter {
    async fn limited<T>(
        &self,
        doing: &str,
        future: impl Future<Output = Result<T, StoreFailure>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, future).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) => {
                let message = format!("The store ({}) could not {doing}: {failure}", self.location);
                Err(match failure {
                    StoreFailure::Failed { .. } => Error::store(message, None),
                    StoreFailure::Unavailable { .. } => Error::store_unavailable(message, None),
                    StoreFailure::Misused { .. } => Error::config(message),
                })
            }
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

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        let doing = match new {
            Some(_) => "save the login",
            None => "delete the login",
        };
        Box::pin(self.limited(doing, self.store.replace(old, new)))
    }

    fn cache_for(&self) -> Duration {
        self.cache_for
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
    pub(crate) fn of(store: impl CredentialStore) -> Arc<Self> {
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

    /// One written in Swift, none of whose calls may take longer than `timeout` seconds, and whose
    /// record may serve calls for `cache_for` seconds without being loaded again.
    #[uniffi::constructor]
    pub fn foreign(
        store: Arc<dyn ForeignStore>,
        location: String,
        timeout: f64,
        cache_for: f64,
    ) -> Arc<Self> {
        Self::of(Adapter {
            store,
            location,
            timeout: duration(timeout),
            cache_for: duration(cache_for),
        })
    }

    /// Where it is, for display.
    pub fn location(&self) -> String {
        self.store.location()
    }

    /// The record, or nothing.
    pub fn load(&self, call: u64) {
        let store = self.core();
        run(call, async move { store.load().await });
    }

    /// Puts `new` in place of exactly `old`; `false` if the record is not `old` any more.
    pub fn replace(&self, call: u64, old: Option<String>, new: Option<String>) {
        let store = self.core();
        run(call, async move { store.replace(old, new).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    /// Fails, or hangs where it is not told how.
    struct Foreign(fn() -> Option<StoreFailure>);

    #[async_trait::async_trait]
    impl ForeignStore for Foreign {
        async fn load(&self) -> Result<Option<String>, StoreFailure> {
            match (self.0)() {
                Some(failure) => Err(failure),
                None => pending().await,
            }
        }

        async fn replace(
            &self,
            _: Option<String>,
            _: Option<String>,
        ) -> Result<bool, StoreFailure> {
            self.load().await.map(|_| true)
        }
    }

    fn adapter(answer: fn() -> Option<StoreFailure>) -> Adapter {
        Adapter {
            store: Arc::new(Foreign(answer)),
            location: "Cellar".into(),
            timeout: Duration::from_millis(20),
            cache_for: Duration::ZERO,
        }
    }

    fn failure(answer: fn() -> Option<StoreFailure>) -> Error {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let loaded = runtime.block_on(adapter(answer).load());
        loaded.expect_err("it must fail")
    }

    #[test]
    fn how_a_store_fails_says_what_can_be_done() {
        for (answer, code, retryable) in [
            (
                (|| {
                    Some(StoreFailure::Failed {
                        message: "x".into(),
                    })
                }) as fn() -> _,
                "store",
                false,
            ),
            (
                || {
                    Some(StoreFailure::Unavailable {
                        message: "x".into(),
                    })
                },
                "store",
                true,
            ),
            (
                || {
                    Some(StoreFailure::Misused {
                        message: "x".into(),
                    })
                },
                "config",
                false,
            ),
        ] {
            let error = failure(answer);
            assert_eq!((error.code(), error.retryable()), (code, retryable));
            let said = error.message();
            assert_eq!(said, "The store (Cellar) could not load the login: x");
        }
    }

    #[test]
    fn a_store_that_hangs_is_given_up_before_the_core_gives_it_up() {
        let error = failure(|| None);
        assert_eq!(error.code(), "store");
        assert!(
            error
                .message()
                .contains("did not load the login within 0.02 s")
        );
        let adapter = adapter(|| None);
        assert!(adapter.time_limit() > adapter.timeout);
    }
}
