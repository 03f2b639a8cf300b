//! What several tests of the session share.

#![allow(dead_code, reason = "each test file uses its part")]

use parallel_account::{
    AccountClient, AccountClientBuilder, CredentialStore, Error, MemoryStore, Result, StoreFuture,
    StoreLock,
};
use parallel_account_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

/// A sandbox whose refreshes answer as they are told to.
pub(crate) struct Local(pub(crate) Sandbox);

impl Local {
    pub(crate) async fn start() -> Self {
        Local(Sandbox::start(Options::default()).await.expect("a port"))
    }

    pub(crate) fn builder(&self) -> AccountClientBuilder {
        AccountClient::builder()
            .platform_url(self.0.platform_url())
            .account_url(self.0.account_url())
    }

    pub(crate) fn client(&self, store: impl CredentialStore) -> AccountClient {
        self.builder().store(store).build().expect("good options")
    }

    pub(crate) async fn fault(&self, fault: Value) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer = reqwest::Client::new()
            .post(format!("{}/faults", self.0.control_url()))
            .header("content-type", "application/json")
            .body(fault.to_string())
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success());
    }

    pub(crate) async fn refreshes_answer(&self, access: &str, refresh: &str) {
        let body = json!({"access_token": access, "refresh_token": refresh,
            "token_type": "Bearer", "expires_in": 3600});
        self.fault(json!({"route": "token.refresh", "status": 200, "body": body}))
            .await;
    }

    pub(crate) async fn count(&self, route: &str) -> u64 {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}/counts", self.0.control_url());
        let answer = reqwest::get(url).await.expect("an answer");
        let text = answer.text().await.expect("text");
        let counts: Value = serde_json::from_str(&text).expect("JSON");
        counts["routes"][route].as_u64().unwrap_or(0)
    }
}

pub(crate) fn login(access: &str, refresh: &str, ends_in: i64) -> Value {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    json!({"control_api": {"access_token": access, "refresh_token": refresh,
        "access_token_expires_at": now.as_secs() as i64 + ends_in}})
}

pub(crate) fn record(orgs: Value) -> String {
    json!({"version": 1, "client_id": "c", "selected_org_id": "org_1", "orgs": orgs}).to_string()
}

pub(crate) fn expired() -> String {
    record(json!({"org_1": login("at-1", "rt-1", -10)}))
}

/// What a store's hook sees: the number of this call, and the record's real place.
pub(crate) type Hook = Arc<dyn Fn(usize, &MemoryStore) -> Result<()> + Send + Sync>;

/// A store without a lock, as those are that users write.
#[derive(Clone)]
pub(crate) struct Scripted {
    memory: MemoryStore,
    loads: Arc<AtomicUsize>,
    swaps: Arc<AtomicUsize>,
    on_load: Hook,
    on_swap: Hook,
    has_lock: bool,
    cache_for: Duration,
    pub(crate) full: Arc<AtomicBool>,
}

impl Scripted {
    pub(crate) fn new(memory: &MemoryStore) -> Self {
        Scripted {
            memory: memory.clone(),
            loads: Arc::default(),
            swaps: Arc::default(),
            on_load: Arc::new(|_, _| Ok(())),
            on_swap: Arc::new(|_, _| Ok(())),
            has_lock: false,
            cache_for: Duration::ZERO,
            full: Arc::default(),
        }
    }

    /// With a lock, which is free; as a file has one.
    pub(crate) fn with_lock(self) -> Self {
        Scripted {
            has_lock: true,
            ..self
        }
    }

    /// Calls may use what was loaded so long ago.
    pub(crate) fn cached_for(self, cache_for: Duration) -> Self {
        Scripted { cache_for, ..self }
    }

    /// `hook` runs before each load.
    pub(crate) fn loading(
        self,
        hook: impl Fn(usize, &MemoryStore) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let on_load = Arc::new(hook);
        Scripted { on_load, ..self }
    }

    /// `hook` runs before each swap.
    pub(crate) fn swapping(
        self,
        hook: impl Fn(usize, &MemoryStore) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let on_swap = Arc::new(hook);
        Scripted { on_swap, ..self }
    }
}

impl CredentialStore for Scripted {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async {
            (self.on_load)(self.loads.fetch_add(1, Ordering::SeqCst) + 1, &self.memory)?;
            self.memory.load().await
        })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async {
            (self.on_swap)(self.swaps.fetch_add(1, Ordering::SeqCst) + 1, &self.memory)?;
            if self.full.load(Ordering::SeqCst) {
                return Err(Error::store("The disk is full.", None));
            }
            self.memory.replace(old, new).await
        })
    }

    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        let lock = self.has_lock.then(|| StoreLock::new(self.clone()));
        Box::pin(async { Ok(lock) })
    }

    fn cache_for(&self) -> Duration {
        self.cache_for
    }

    fn location(&self) -> String {
        "a script".into()
    }
}

/// The swap that writes a new pair: the first one writes the claim.
pub(crate) const COMMIT: usize = 2;

/// What a sibling writes.
pub(crate) async fn write(memory: &MemoryStore, text: String) {
    let old = memory.record();
    assert!(memory.replace(old, Some(text)).await.expect("in memory"));
}

pub(crate) fn write_now(memory: &MemoryStore, text: &str) {
    let memory = memory.clone();
    let text = text.to_owned();
    // Writing to memory never waits.
    let mut save = Box::pin(async move { write(&memory, text).await });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(save.as_mut().poll(&mut context).is_ready());
}

pub(crate) fn stored(memory: &MemoryStore) -> Value {
    serde_json::from_str(&memory.record().expect("a record")).expect("JSON")
}

pub(crate) async fn token(client: &AccountClient) -> Result<String> {
    let token = client.access_token().await?;
    Ok(token.expose().to_owned())
}

/// A login that needs no refresh.
pub(crate) fn valid() -> MemoryStore {
    MemoryStore::new(Some(record(json!({"org_1": login("at-1", "rt-1", 3600)}))))
}
