//! Faults that meet: what one operation of a client leaves behind while another is under way.

mod support;

use parallel_account::{CredentialStore, Error, MemoryStore, StoreFuture};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use support::*;
use tokio::sync::Semaphore;

/// What becomes of a write.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Done,
    Fails,
    /// It is done, and nobody hears of it.
    FailsAfterwards,
    /// It is not done before [`Gated::open`].
    Waits,
    WaitsAndFails,
}

/// A store without a lock, whose writes end as `fate` says of the record to be written.
#[derive(Clone)]
struct Gated {
    memory: MemoryStore,
    fate: Arc<dyn Fn(&Value) -> Fate + Send + Sync>,
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Gated {
    fn new(memory: &MemoryStore, fate: impl Fn(&Value) -> Fate + Send + Sync + 'static) -> Self {
        Gated {
            memory: memory.clone(),
            fate: Arc::new(fate),
            gate: Arc::new(Semaphore::new(0)),
            waiting: Arc::default(),
        }
    }

    async fn waited_for(&self) {
        while self.waiting.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn open(&self) {
        self.gate.add_permits(100);
    }
}

impl CredentialStore for Gated {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.memory.load()
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async {
            let text = new.as_deref().unwrap_or("null");
            let fate = (self.fate)(&serde_json::from_str(text).expect("JSON"));
            if matches!(fate, Fate::Waits | Fate::WaitsAndFails) {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                self.gate.acquire().await.expect("open").forget();
            }
            match fate {
                Fate::Fails | Fate::WaitsAndFails => Err(Error::store("It fails.", None)),
                Fate::FailsAfterwards => {
                    self.memory.replace(old, new).await?;
                    Err(Error::store("It fails.", None))
                }
                Fate::Done | Fate::Waits => self.memory.replace(old, new).await,
            }
        })
    }

    fn location(&self) -> String {
        "a gate".into()
    }
}

fn refresh_token<'a>(record: &'a Value, org: &str) -> &'a Value {
    &record["orgs"][org]["control_api"]["refresh_token"]
}

fn two_organizations(selected: &str) -> Value {
    json!({"version": 1, "client_id": "c", "selected_org_id": selected, "orgs": {
        "org_1": login("at-1", "rt-1", -10),
        "org_2": login("at-b", "rt-b", 3600),
    }})
}

fn claimed_by_a_sibling(mut record: Value) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    record["orgs"]["org_1"]["control_api"]["claim"] = json!({"owner": "00000000000000aa",
        "number": 1, "lease_ms": 45_000, "made_at_ms": now.expect("after 1970").as_millis() as u64});
    record.to_string()
}

#[tokio::test]
async fn a_change_that_fails_later_does_not_drop_an_unsaved_pair() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(two_organizations("org_1").to_string()));
    let broken = Arc::new(AtomicUsize::new(1));
    let now = broken.clone();
    let store = Gated::new(&memory, move |new| match now.load(Ordering::SeqCst) {
        0 => Fate::Done,
        _ if new["selected_org_id"] == "org_2" => Fate::WaitsAndFails,
        _ if refresh_token(new, "org_1") == "rt-2" => Fate::Fails,
        _ => Fate::Done,
    });
    let client = local.client(store.clone());
    let other = client.clone();
    let selecting = tokio::spawn(async move { other.select_organization("org_2").await });
    store.waited_for().await;
    token(&client).await.expect_err("not saved");
    store.open();
    selecting.await.expect("no panic").expect_err("not saved");
    broken.store(0, Ordering::SeqCst);
    client.select_organization("org_1").await.expect("saved");
    assert_eq!(refresh_token(&stored(&memory), "org_1"), "rt-2");
    assert_eq!(local.count("token.refresh").await, 1);
}

#[tokio::test]
async fn a_write_that_succeeds_does_not_drop_what_was_kept_meanwhile() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(two_organizations("org_1").to_string()));
    let store = Gated::new(&memory, move |new| {
        match refresh_token(new, "org_1") == "rt-2" {
            true => Fate::Waits,
            false if new["selected_org_id"] == "org_2" => Fate::Fails,
            false => Fate::Done,
        }
    });
    let client = local.client(store.clone());
    let other = client.clone();
    let refreshing = tokio::spawn(async move { token(&other).await });
    store.waited_for().await;
    let error = client.select_organization("org_2").await;
    let error = error.expect_err("not saved");
    assert!(error.message().contains("this process only"), "{error}");
    store.open();
    refreshing.await.expect("no panic").expect("saved");
    assert_eq!(token(&client).await.expect("the selected one"), "at-b");
    client.settled().await;
    assert_eq!(stored(&memory)["selected_org_id"], "org_2");
}

#[tokio::test]
async fn an_unsaved_change_elsewhere_passes_no_claim() {
    let local = Local::start().await;
    let memory = MemoryStore::new(Some(two_organizations("org_2").to_string()));
    let store = Scripted::new(&memory);
    let full = store.full.clone();
    let client = local.client(store);
    full.store(true, Ordering::SeqCst);
    client.select_organization("org_1").await.expect_err("full");
    write(&memory, claimed_by_a_sibling(two_organizations("org_2"))).await;
    full.store(false, Ordering::SeqCst);
    let waiting = tokio::time::timeout(Duration::from_secs(2), token(&client)).await;
    waiting.expect_err("the sibling's claim is waited for");
    assert_eq!(local.count("token.refresh").await, 0);
}

#[tokio::test]
async fn an_unsaved_change_elsewhere_sends_nothing_without_a_claim() {
    let local = Local::start().await;
    let memory = MemoryStore::new(Some(two_organizations("org_2").to_string()));
    let store = Scripted::new(&memory);
    let full = store.full.clone();
    let client = local.client(store);
    full.store(true, Ordering::SeqCst);
    client.select_organization("org_1").await.expect_err("full");
    let error = token(&client).await.expect_err("no claim can be written");
    assert_eq!(error.code(), "store");
    assert_eq!(local.count("token.refresh").await, 0);
}

#[tokio::test]
async fn a_failed_refresh_leaves_no_claim_though_somebody_wrote_meanwhile() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "status": 503, "times": 10,
            "headers": {"retry-after": "30"}}))
        .await;
    let memory = MemoryStore::new(Some(two_organizations("org_1").to_string()));
    // The second swap takes the claim back; somebody selects another organization just before it.
    let client = local.client(Scripted::new(&memory).swapping(|swap, memory| {
        if swap == 2 {
            let mut record = stored(memory);
            record["selected_org_id"] = json!("org_2");
            write_now(memory, &record.to_string());
        }
        Ok(())
    }));
    token(&client).await.expect_err("the platform is down");
    assert_eq!(stored(&memory)["selected_org_id"], "org_2");
    let login = &stored(&memory)["orgs"]["org_1"]["control_api"];
    assert_eq!(login.get("claim"), None, "siblings would wait for it");
}

#[tokio::test]
async fn a_retry_after_without_end_is_a_rest_like_any_other() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "status": 503, "times": 10,
            "headers": {"retry-after": "99999999999999999999"}}))
        .await;
    let memory = MemoryStore::new(Some(expired()));
    let client = local.client(Scripted::new(&memory));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..2 {
        let error = token(&client).await.expect_err("the platform is down");
        assert_eq!(error.code(), "server", "{error}");
    }
    assert_eq!(local.count("token.refresh").await, 1);
    let login = &stored(&memory)["orgs"]["org_1"]["control_api"];
    assert_eq!(login.get("claim"), None);
}

/// A store whose first load after [`Lagging::lag`] answers what was there, only later.
struct Lagging {
    memory: MemoryStore,
    lag: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl CredentialStore for Lagging {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async {
            let record = self.memory.record();
            if self.lag.swap(0, Ordering::SeqCst) == 1 {
                self.gate.acquire().await.expect("open").forget();
            }
            Ok(record)
        })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        self.memory.replace(old, new)
    }

    fn cache_for(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn location(&self) -> String {
        "a store that lags".into()
    }
}

#[tokio::test]
async fn a_slow_reading_does_not_hide_a_change_of_our_own() {
    let local = Local::start().await;
    let record = json!({"version": 1, "client_id": "c", "selected_org_id": "org_1", "orgs": {
        "org_1": login("at-1", "rt-1", 3600), "org_2": login("at-b", "rt-b", 3600)}});
    let (lag, gate) = (Arc::new(AtomicUsize::new(1)), Arc::new(Semaphore::new(0)));
    let client = local.client(Lagging {
        memory: MemoryStore::new(Some(record.to_string())),
        lag: lag.clone(),
        gate: gate.clone(),
    });
    let other = client.clone();
    let reading = tokio::spawn(async move { token(&other).await });
    while lag.load(Ordering::SeqCst) == 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.logout_of("org_1").await.expect("logged out");
    gate.add_permits(1);
    let _ = reading.await.expect("no panic");
    assert_eq!(token(&client).await.expect("the other login"), "at-b");
}

#[tokio::test]
async fn a_store_that_panics_once_is_offered_the_pair_again() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let panics = Arc::new(AtomicUsize::new(0));
    let now = panics.clone();
    let store =
        Scripted::new(&memory)
            .with_lock()
            .loading(move |_, _| match now.load(Ordering::SeqCst) {
                0 => Ok(()),
                _ => panic!("as it is meant to"),
            });
    let full = store.full.clone();
    let client = local.client(store);
    full.store(true, Ordering::SeqCst);
    token(&client).await.expect_err("the disk is full");
    panics.store(1, Ordering::SeqCst);
    client.settled().await;
    panics.store(0, Ordering::SeqCst);
    full.store(false, Ordering::SeqCst);
    client.settled().await;
    assert_eq!(refresh_token(&stored(&memory), "org_1"), "rt-2");
}

#[tokio::test]
async fn a_pair_that_was_saved_after_all_is_not_sent_without_a_claim() {
    let local = Local::start().await;
    let over = json!({"access_token": "at-2", "refresh_token": "rt-2",
        "token_type": "Bearer", "expires_in": 0});
    local
        .fault(json!({"route": "token.refresh", "status": 200, "body": over}))
        .await;
    let memory = MemoryStore::new(Some(expired()));
    let (pairs, claims) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let claimed = claims.clone();
    let client = local.client(Gated::new(&memory, move |new| {
        let claim = &new["orgs"]["org_1"]["control_api"]["claim"];
        match refresh_token(new, "org_1") == "rt-2" {
            true if claim.is_null() => match pairs.fetch_add(1, Ordering::SeqCst) {
                0 => Fate::Fails,
                _ => Fate::FailsAfterwards,
            },
            true => {
                claimed.fetch_add(1, Ordering::SeqCst);
                Fate::Done
            }
            false => Fate::Done,
        }
    }));
    token(&client).await.expect_err("kept in memory");
    local.refreshes_answer("at-3", "rt-3").await;
    assert_eq!(token(&client).await.expect("renewed"), "at-3");
    assert_eq!(claims.load(Ordering::SeqCst), 1, "siblings can read it");
}

/// Another process would send it as well.
#[tokio::test]
async fn a_pair_that_is_sent_without_a_claim_is_not_stored_meanwhile() {
    let local = Local::start().await;
    let over = json!({"access_token": "at-2", "refresh_token": "rt-2",
        "token_type": "Bearer", "expires_in": 0});
    local
        .fault(json!({"route": "token.refresh", "status": 200, "body": over}))
        .await;
    let newer = json!({"access_token": "at-3", "refresh_token": "rt-3",
        "token_type": "Bearer", "expires_in": 3600});
    local
        .fault(json!({"route": "token.refresh", "delay_ms": 300, "status": 200, "body": newer}))
        .await;
    let memory = MemoryStore::new(Some(expired()));
    let [has_room, shown] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let (room, writes) = (has_room.clone(), shown.clone());
    let client = local.client(Gated::new(&memory, move |new| {
        match refresh_token(new, "org_1") == "rt-2" {
            true if room.load(Ordering::SeqCst) == 0 => Fate::Fails,
            true => {
                writes.fetch_add(1, Ordering::SeqCst);
                Fate::Done
            }
            false => Fate::Done,
        }
    }));
    token(&client).await.expect_err("kept in memory");
    let other = client.clone();
    let refreshing = tokio::spawn(async move { token(&other).await });
    while local.count("token.refresh").await < 2 {
        tokio::task::yield_now().await;
    }
    has_room.store(1, Ordering::SeqCst);
    client.settled().await;
    let renewed = refreshing.await.expect("no panic");
    assert_eq!(renewed.expect("renewed"), "at-3");
    assert_eq!(shown.load(Ordering::SeqCst), 0);
}
