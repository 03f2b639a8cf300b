//! Where credentials are kept: the core's own stores, and stores written in JavaScript.

use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use parallel_account::{CredentialStore, Error, FileStore, MemoryStore, Result, StoreFuture};

use crate::batch::HostCall;
use crate::bridge::NativeBridge;
use crate::failure::{Failure, caught};
use crate::hosterror::HostError;
use crate::kept::Kept;
use crate::models::duration;
use crate::questions::Answer;
use crate::shared::Shared;

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

    /// Where the record is kept, for display.
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

    /// Puts `next` in place of exactly `old`; nothing stands for no record.
    #[napi]
    pub fn replace(
        &self,
        bridge: &NativeBridge,
        env: Env,
        call: u32,
        old: Option<String>,
        next: Option<String>,
    ) {
        let store = Arc::clone(&self.store);
        bridge
            .shared
            .run(env, call, async move { store.replace(old, next).await });
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

/// A store that JavaScript keeps.
#[napi(object, object_to_js = false)]
pub struct HostStoreOptions {
    /// The number that it is known by.
    pub kept: u32,
    /// Milliseconds that a loaded record may be used for.
    pub cache_for: f64,
}

/// A store written in JavaScript.
pub(crate) struct HostStore {
    bridge: Arc<Shared>,
    store: Kept,
    cache_for: Duration,
}

impl HostStore {
    pub(crate) fn new(bridge: &NativeBridge, options: &HostStoreOptions) -> Self {
        Self {
            store: bridge.shared.kept(options.kept),
            bridge: Arc::clone(&bridge.shared),
            cache_for: duration(options.cache_for),
        }
    }

    async fn ask(
        &self,
        method: &'static str,
        old: Option<String>,
        new: Option<String>,
    ) -> Result<Answer> {
        let asked = self.bridge.ask(HostCall {
            store: self.store.number,
            method,
            old,
            new,
        });
        let error = match asked.await {
            Answer::Threw { error, message } => HostError {
                thrown: Some(error),
                message,
            },
            Answer::Gone => HostError {
                thrown: None,
                message: "the JavaScript thread of the store has ended".to_owned(),
            },
            answer => return Ok(answer),
        };
        Err(Error::store(
            format!("The store's {method}() failed: {error}"),
            Some(Box::new(error)),
        ))
    }
}

impl CredentialStore for HostStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async move {
            match self.ask("load", None, None).await? {
                Answer::Record(record) => Ok(record),
                _ => Err(Error::internal("another answer than a record")),
            }
        })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            match self.ask("replace", old, new).await? {
                Answer::Replaced(replaced) => Ok(replaced),
                _ => Err(Error::internal("another answer than a boolean")),
            }
        })
    }

    fn cache_for(&self) -> Duration {
        self.cache_for
    }

    /// JavaScript counts the time, for it knows when its event loop is blocked.
    fn time_limit(&self) -> Duration {
        Duration::MAX
    }

    fn location(&self) -> String {
        "a store of the application".to_owned()
    }
}
