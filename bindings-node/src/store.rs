//! Where credentials are kept: the core's own stores, and stores written in JavaScript.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use parallel_account::{
    CredentialStore, Error, FileStore, MemoryStore, Result, StoreFuture, StoreLock,
};

use crate::bridge::{NativeBridge, Shared, Unanswered};
use crate::failure::{Failure, caught};

/// One of the core's own stores.
#[napi]
pub struct NativeStore {
    pub(crate) store: Arc<dyn CredentialStore>,
}

#[napi]
impl NativeStore {
    /// Credentials that end with the process.
    #[napi(factory)]
    pub fn memory(record: Option<String>) -> Self {
        Self {
            store: Arc::new(MemoryStore::new(record)),
        }
    }

    /// A file at a path of the caller's.
    #[napi(factory)]
    pub fn file(path: String) -> Self {
        Self {
            store: Arc::new(FileStore::new(path)),
        }
    }

    /// Where the record is kept, for people.
    #[napi]
    pub fn location(&self) -> String {
        self.store.location()
    }

    /// Reads the record.
    #[napi]
    pub fn load(&self, bridge: &NativeBridge, env: Env, call: u32) {
        let store = Arc::clone(&self.store);
        bridge
            .shared
            .run(env, call, async move { store.load().await });
    }

    /// Replaces the record.
    #[napi]
    pub fn save(&self, bridge: &NativeBridge, env: Env, call: u32, record: String) {
        let store = Arc::clone(&self.store);
        bridge
            .shared
            .run(env, call, async move { store.save(record).await });
    }

    /// Removes the record.
    #[napi]
    pub fn delete(&self, bridge: &NativeBridge, env: Env, call: u32) {
        let store = Arc::clone(&self.store);
        bridge
            .shared
            .run(env, call, async move { store.delete().await });
    }
}

/// The file of Parallel's own CLI.
#[napi]
pub fn open_cli_store() -> Either<NativeStore, Failure> {
    caught(|| {
        Ok(NativeStore {
            store: Arc::new(FileStore::parallel_cli()?),
        })
    })
}

/// A store written in JavaScript, under the number that `ts/bridge.ts` knows it by.
pub(crate) struct HostStore {
    bridge: Arc<Shared>,
    number: u32,
    has_lock: bool,
    timeout: Duration,
}

/// What a method of such a store failed with.
#[derive(Debug)]
pub(crate) struct HostError {
    /// Under which JavaScript keeps the error itself.
    pub(crate) question: Option<u32>,
    message: String,
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}

impl HostStore {
    pub(crate) fn new(bridge: Arc<Shared>, number: u32, has_lock: bool, timeout: Duration) -> Self {
        Self {
            bridge,
            number,
            has_lock,
            timeout,
        }
    }

    async fn ask(&self, method: &'static str, argument: Option<String>) -> Result<Option<String>> {
        let asked = self.bridge.ask(self.number, method, argument);
        let error = match tokio::time::timeout(self.timeout, asked).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(Unanswered::Threw { question, message })) => HostError {
                question: Some(question),
                message,
            },
            Ok(Err(Unanswered::Gone)) => HostError {
                question: None,
                message: "the JavaScript thread of the store has ended".to_owned(),
            },
            Err(_elapsed) => HostError {
                question: None,
                message: format!(
                    "it did not answer within {} s; a store must not wait for the client that it serves",
                    self.timeout.as_secs_f64()
                ),
            },
        };
        Err(Error::store(
            format!("The store's {method}() failed: {error}"),
            Some(Box::new(error)),
        ))
    }
}

impl CredentialStore for HostStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(self.ask("load", None))
    }

    fn save(&self, record: String) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.ask("save", Some(record)).await.map(drop) })
    }

    fn delete(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.ask("delete", None).await.map(drop) })
    }

    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        Box::pin(async move {
            let held = if self.has_lock {
                self.ask("lock", None).await?
            } else {
                None
            };
            Ok(StoreLock::new(held.map(|lock| HostLock {
                bridge: Arc::clone(&self.bridge),
                store: self.number,
                lock,
            })))
        })
    }

    /// Ours comes first and says more.
    fn time_limit(&self) -> Duration {
        self.timeout.saturating_add(Duration::from_secs(1))
    }

    fn location(&self) -> String {
        "a store of the application".to_owned()
    }
}

/// The client is gone, so JavaScript need not keep the store for it.
impl Drop for HostStore {
    fn drop(&mut self) {
        self.bridge.tell(self.number, "forget", None);
    }
}

struct HostLock {
    bridge: Arc<Shared>,
    store: u32,
    lock: String,
}

impl Drop for HostLock {
    fn drop(&mut self) {
        self.bridge
            .tell(self.store, "unlock", Some(self.lock.clone()));
    }
}
