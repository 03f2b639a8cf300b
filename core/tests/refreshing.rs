//! Refreshing on stores without a lock, with a platform and a service that misbehave.

mod support;

use parallel_account::{
    AccountClient, CredentialStore, Error, LoginOptions, MemoryStore, Result, StoreFuture,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use support::*;
use tokio::sync::Notify;

/// A host's store as they are: a cell without a lock.
fn cell(memory: &MemoryStore) -> Scripted {
    Scripted::new(memory)
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("after 1970").as_millis() as u64
}

fn login_of(memory: &MemoryStore) -> Value {
    stored(memory)["orgs"]["org_1"]["control_api"].clone()
}

#[tokio::test]
async fn many_clients_of_one_store_refresh_once() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let client = local.client(cell(&memory));
            tokio::spawn(async move { token(&client).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic").expect("renewed"), "at-2");
    }
    assert_eq!(local.count("token.refresh").await, 1);
    assert_eq!(login_of(&memory)["claim"], Value::Null, "given back");
}

#[tokio::test]
async fn a_pair_for_an_organization_that_has_a_login_replaces_nothing() {
    let local = Local::start().await;
    let body = json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer",
        "expires_in": 3600, "org_id": "org_2"});
    local
        .fault(json!({"route": "token.refresh", "status": 200, "body": body}))
        .await;
    let memory = MemoryStore::new(Some(record(json!({
        "org_1": login("at-1", "rt-1", -10), "org_2": login("at-b", "rt-b", 3600),
    }))));
    let client = local.client(memory.clone());
    let error = token(&client).await.expect_err("another's");
    assert_eq!(error.code(), "login_required");
    assert!(error.message().contains("org_2"), "{error}");
    let theirs = &stored(&memory)["orgs"]["org_2"]["control_api"];
    assert_eq!(theirs["refresh_token"], "rt-b");
    let again = token(&client).await.expect_err("spent");
    assert_eq!(again.code(), "login_required");
    assert_eq!(local.count("token.refresh").await, 1);
}

#[tokio::test]
async fn tokens_that_come_after_a_cancel_are_revoked_and_not_stored() {
    // Whether somebody waits for the poll that is under way, or nobody does any more.
    for abandoned in [false, true] {
        let local = Local::start().await;
        let body = json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer",
            "expires_in": 3600, "org_id": "org_1"});
        local
            .fault(json!({"route": "token.poll", "delay_ms": 300, "status": 200, "body": body}))
            .await;
        let memory = MemoryStore::default();
        let client = local
            .builder()
            .first_poll_at_once(true)
            .store(memory.clone())
            .build()
            .expect("good options");
        let login = client.start_login(LoginOptions::default()).await;
        let login = login.expect("a code");
        let waiting = tokio::spawn({
            let login = login.clone();
            async move { login.wait().await }
        });
        while local.count("token.poll").await == 0 {
            tokio::task::yield_now().await;
        }
        match abandoned {
            true => {
                waiting.abort();
                waiting.await.expect_err("gone");
                login.cancel();
            }
            false => {
                login.cancel();
                let ended = waiting.await.expect("no panic").expect_err("cancelled");
                assert_eq!(ended.code(), "cancelled");
            }
        }
        client.settled().await;
        assert_eq!(local.count("revoke").await, 1, "abandoned: {abandoned}");
        assert!(!memory.record().unwrap_or_default().contains("rt-2"));
        assert!(!client.status().await.expect("a status").logged_in);
        let ended = login.wait().await.expect_err("it has ended");
        assert_eq!(ended.code(), "cancelled");
    }
}

fn nearly_expired() -> String {
    record(json!({"org_1": login("at-1", "rt-1", 25)}))
}

/// Longer than a call waits for an early renewal, and far shorter than that takes here.
const A_MOMENT: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_silent_platform_delays_no_call_whose_token_works() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "delay_ms": 60_000}))
        .await;
    let client = local.client(MemoryStore::new(Some(nearly_expired())));
    let began = Instant::now();
    assert_eq!(token(&client).await.expect("it works"), "at-1");
    assert!(began.elapsed() < A_MOMENT, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_sibling_that_stands_still_delays_no_call_whose_token_works() {
    let local = Local::start().await;
    let memory = MemoryStore::new(Some(nearly_expired()));
    let _sibling = memory.lock().await.expect("free");
    let client = local.client(memory.clone());
    let began = Instant::now();
    assert_eq!(token(&client).await.expect("it works"), "at-1");
    assert!(began.elapsed() < A_MOMENT, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_platform_that_asks_to_wait_is_left_alone() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "times": 99, "status": 503,
            "headers": {"retry-after": "30"}}))
        .await;
    for (store, works) in [(expired(), false), (nearly_expired(), true)] {
        let before = local.count("token.refresh").await;
        let client = local.client(MemoryStore::new(Some(store)));
        for _ in 0..100 {
            match token(&client).await {
                Ok(token) => assert!(works && token == "at-1"),
                Err(error) => {
                    assert!(!works && error.code() == "server", "{error}");
                    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
                }
            }
        }
        assert_eq!(local.count("token.refresh").await - before, 1);
    }
}

#[tokio::test]
async fn a_service_that_refuses_every_token_gets_no_stream_of_new_ones() {
    let local = Local::start().await;
    for number in 2..20 {
        local
            .refreshes_answer(&format!("at-{number}"), &format!("rt-{number}"))
            .await;
    }
    local
        .fault(json!({"route": "balance.get", "times": 999, "status": 401}))
        .await;
    let client = local.client(valid());
    for _ in 0..200 {
        let error = client.balance().get().await.expect_err("refused");
        assert_eq!(error.code(), "unauthorized");
    }
    let rotations = local.count("token.refresh").await;
    assert!(rotations <= 2, "{rotations} rotations");
}

/// Sets the client that it belongs to, and asks it.
struct Selfish(MemoryStore, Arc<OnceLock<AccountClient>>);

impl CredentialStore for Selfish {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async {
            if let Some(client) = self.1.get() {
                client.access_token().await?;
            }
            self.0.load().await
        })
    }
    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        self.0.replace(old, new)
    }
    fn location(&self) -> String {
        "a snake".into()
    }
}

#[tokio::test]
async fn a_store_that_calls_its_own_client_is_told_so() {
    let local = Local::start().await;
    let own = Arc::new(OnceLock::new());
    let client = local.client(Selfish(valid(), own.clone()));
    own.set(client.clone()).expect("once");
    let error = token(&client).await.expect_err("a circle");
    assert_eq!(error.code(), "config");
    assert!(error.message().contains("its own client"), "{error}");
    // Another client is nobody's business.
    let other = Arc::new(OnceLock::new());
    let client = local.client(Selfish(valid(), other.clone()));
    other.set(local.client(valid())).expect("once");
    assert_eq!(token(&client).await.expect("no circle"), "at-1");
}

#[tokio::test]
async fn one_load_at_a_time_serves_all_who_wait() {
    let (loads, at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    struct Counting(MemoryStore, Arc<AtomicUsize>, Arc<AtomicUsize>);
    impl CredentialStore for Counting {
        fn load(&self) -> StoreFuture<'_, Option<String>> {
            Box::pin(async {
                assert_eq!(self.2.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                self.1.fetch_add(1, Ordering::SeqCst);
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                self.2.fetch_sub(1, Ordering::SeqCst);
                self.0.load().await
            })
        }
        fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
            self.0.replace(old, new)
        }
        fn location(&self) -> String {
            "counted".into()
        }
    }
    let local = Local::start().await;
    let client = local.client(Counting(valid(), loads.clone(), at_once));
    let calls = (0..100).map(|_| token(&client));
    for token in futures_util::future::join_all(calls).await {
        assert_eq!(token.expect("valid"), "at-1");
    }
    assert_eq!(
        loads.load(Ordering::SeqCst),
        2,
        "one under way, one for all others"
    );
}

/// Answers what it likes to a swap.
struct Liar(MemoryStore, bool);

impl CredentialStore for Liar {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.0.load()
    }
    fn replace(&self, _: Option<String>, _: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async { Ok(self.1) })
    }
    fn location(&self) -> String {
        "a liar".into()
    }
}

#[tokio::test]
async fn a_loaded_record_serves_as_long_as_the_store_allows() {
    let local = Local::start().await;
    for (cache_for, loads) in [(Duration::ZERO, 3), (Duration::from_secs(3600), 1)] {
        let loaded = Arc::new(AtomicUsize::new(0));
        let count = loaded.clone();
        let store = Scripted::new(&valid())
            .cached_for(cache_for)
            .loading(move |number, _| {
                count.store(number, Ordering::SeqCst);
                Ok(())
            });
        let client = local.client(store);
        for _ in 0..3 {
            assert_eq!(token(&client).await.expect("a token"), "at-1");
        }
        assert_eq!(loaded.load(Ordering::SeqCst), loads, "{cache_for:?}");
    }
}

#[tokio::test]
async fn a_login_that_no_store_takes_leaves_the_other_logins_as_they_were() {
    let local = Local::start().await;
    let gone = Arc::new(AtomicBool::new(false));
    let fails = |gone: &Arc<AtomicBool>| {
        let gone = gone.clone();
        move |_: usize, _: &MemoryStore| match gone.load(Ordering::SeqCst) {
            true => Err(Error::store("The vault is sealed.", None)),
            false => Ok(()),
        }
    };
    let store = Scripted::new(&valid())
        .loading(fails(&gone))
        .swapping(fails(&gone));
    let client = local.client(store);
    assert_eq!(token(&client).await.expect("a token"), "at-1");
    let body = json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer",
        "expires_in": 3600, "org_id": "org_2"});
    local
        .fault(json!({"route": "token.poll", "status": 200, "body": body}))
        .await;
    let login = client.start_login(LoginOptions::default()).await;
    let login = login.expect("a code");
    gone.store(true, Ordering::SeqCst);
    let error = login.wait().await.expect_err("it must be said");
    assert!(error.message().contains("memory only"), "{error}");
    gone.store(false, Ordering::SeqCst);
    let known = client.organizations().await.expect("a list");
    let mut known: Vec<_> = known.into_iter().map(|org| org.id).collect();
    known.sort();
    assert_eq!(known, ["org_1", "org_2"]);
    assert_eq!(token(&client).await.expect("a token"), "at-2");
}

#[tokio::test]
async fn a_store_that_only_says_that_it_wrote_costs_no_token() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let client = local.client(Liar(MemoryStore::new(Some(expired())), true));
    for _ in 0..5 {
        assert_eq!(token(&client).await.expect("from memory"), "at-2");
    }
    assert_eq!(
        local.count("token.refresh").await,
        1,
        "a spent token is not sent"
    );
}

#[tokio::test]
async fn a_store_that_always_refuses_is_named_and_nothing_is_sent() {
    let local = Local::start().await;
    let client = local.client(Liar(MemoryStore::new(Some(expired())), false));
    let error = token(&client).await.expect_err("no claim");
    assert_eq!(error.code(), "store");
    assert!(
        error.message().contains("exactly what its load returns"),
        "{error}"
    );
    assert_eq!(local.count("token.refresh").await, 0);
}

fn claimed(claim: Value) -> MemoryStore {
    let mut login = login("at-1", "rt-1", -10);
    login["control_api"]["claim"] = claim;
    MemoryStore::new(Some(record(json!({ "org_1": login }))))
}

#[tokio::test]
async fn a_claim_that_ended_long_ago_is_over_at_once() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = claimed(
        json!({"owner": "00000000000000ff", "number": 1, "lease_ms": 45_000,
        "made_at_ms": now_ms() - 90_000_000}),
    );
    let client = local.client(cell(&memory));
    let began = Instant::now();
    assert_eq!(token(&client).await.expect("renewed"), "at-2");
    assert!(began.elapsed() < A_MOMENT);
}

/// Whoever made them is gone, or is no client of ours; they last as long as they say, and no longer.
#[tokio::test]
async fn odd_claims_are_waited_for_and_then_taken_over() {
    for claim in [
        json!({"owner": "ff", "number": 1, "lease_ms": 300, "made_at_ms": now_ms() + 9_000_000_000}),
        json!({"lease_ms": 200.5, "owner": 7}),
        json!({"owner": "not hexadecimal", "lease_ms": 100, "made_at_ms": -1}),
    ] {
        let local = Local::start().await;
        local.refreshes_answer("at-2", "rt-2").await;
        let memory = claimed(claim.clone());
        let client = local.client(cell(&memory));
        assert_eq!(token(&client).await.expect("renewed"), "at-2", "{claim}");
        assert_eq!(login_of(&memory)["claim"], Value::Null);
    }
}

#[tokio::test]
async fn the_result_of_a_siblings_claim_is_adopted() {
    let local = Local::start().await;
    let memory = claimed(json!({"owner": "ff", "number": 1, "lease_ms": 45_000,
        "made_at_ms": now_ms()}));
    let waits = Arc::new(Notify::new());
    let waiting = waits.clone();
    let client = local.client(cell(&memory).loading(move |load, _| {
        if load == 3 {
            waiting.notify_one();
        }
        Ok(())
    }));
    let call = tokio::spawn(async move { token(&client).await });
    waits.notified().await;
    write(
        &memory,
        record(json!({"org_1": login("at-2", "rt-2", 3600)})),
    )
    .await;
    assert_eq!(call.await.expect("no panic").expect("theirs"), "at-2");
    assert_eq!(local.count("token.refresh").await, 0);
}

/// A claim is not in the way of what needs none.
#[tokio::test]
async fn a_logout_and_a_selection_pass_a_claim() -> Result<()> {
    let local = Local::start().await;
    let memory = claimed(json!({"owner": "ff", "number": 1, "lease_ms": 45_000,
        "made_at_ms": now_ms()}));
    let client = local.client(cell(&memory));
    client.select_organization("org_1").await?;
    client.logout().await?;
    assert!(!client.status().await?.logged_in);
    Ok(())
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_left_alone() {
    let local = Local::start().await;
    let text = json!({"version": 2, "orgs": {}}).to_string();
    let memory = MemoryStore::new(Some(text.clone()));
    let client = local.client(cell(&memory));
    for error in [
        token(&client).await.expect_err("newer"),
        client.logout_all().await.expect_err("newer"),
        client
            .select_organization("org_1")
            .await
            .expect_err("newer"),
    ] {
        assert_eq!(error.code(), "store");
        assert!(error.message().contains("newer version"), "{error}");
    }
    assert_eq!(memory.record(), Some(text));
}
