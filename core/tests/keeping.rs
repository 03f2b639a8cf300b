//! No pair is lost and nobody's newer login is overwritten, whoever writes at the wrong moment.

mod support;

use parallel_account::{
    AccountClient, CallOptions, CredentialStore, Error, LoginOptions, MemoryStore, StoreFuture,
    StoreLock,
};
use parallel_account_sandbox::{Options, Sandbox};
use serde_json::json;
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use support::*;
use tokio::sync::Notify;

#[tokio::test]
async fn a_store_that_fails_after_the_answer_loses_nothing() {
    // Also where the old token would have worked for a while.
    let early = record(json!({"org_1": login("at-1", "rt-1", 25)}));
    for stored in [expired(), early] {
        let local = Local::start().await;
        local.refreshes_answer("at-2", "rt-2").await;
        let memory = MemoryStore::new(Some(stored));
        let client = local.client(Scripted::new(&memory).swapping(|swap, _| match swap {
            COMMIT => Err(Error::store("The vault is sealed.", None)),
            _ => Ok(()),
        }));
        let error = token(&client).await.expect_err("it must be said once");
        assert_eq!(error.code(), "store");
        assert!(error.message().contains("memory only"), "{error}");
        assert_eq!(token(&client).await.expect("the new pair"), "at-2");
        assert_eq!(local.count("token.refresh").await, 1);
    }
}

#[tokio::test]
async fn a_logout_during_a_refresh_stays_one() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let client = local.client(Scripted::new(&memory).swapping(|swap, memory| {
        if swap == COMMIT {
            write_now(memory, &record(json!({})));
        }
        Ok(())
    }));
    let error = token(&client).await.expect_err("logged out");
    assert_eq!(error.code(), "login_required");
    assert_eq!(stored(&memory)["orgs"], json!({}));
    assert_eq!(local.count("revoke").await, 1, "nobody has the new pair");
}

#[tokio::test]
async fn a_newer_login_during_a_refresh_stays() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let client = local.client(Scripted::new(&memory).swapping(|swap, memory| {
        if swap == COMMIT {
            write_now(
                memory,
                &record(json!({"org_1": login("at-new", "rt-new", 3600)})),
            );
        }
        Ok(())
    }));
    assert_eq!(token(&client).await.expect("the newer login"), "at-new");
    let refresh = &stored(&memory)["orgs"]["org_1"]["control_api"]["refresh_token"];
    assert_eq!(refresh, "rt-new");
}

#[tokio::test]
async fn an_unsaved_pair_gives_way_to_a_newer_login_and_spares_other_organizations() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(record(json!({
        "org_1": login("at-1", "rt-1", -10),
        "org_2": login("at-b", "rt-b", 3600),
    }))));
    let store = Scripted::new(&memory).with_lock();
    let full = store.full.clone();
    let client = local.client(store);
    full.store(true, Ordering::SeqCst);
    token(&client).await.expect_err("the disk is full");
    assert_eq!(token(&client).await.expect("from memory"), "at-2");
    // A sibling has renewed the other organization meanwhile.
    write(
        &memory,
        record(json!({
            "org_1": login("at-1", "rt-1", -10),
            "org_2": login("at-b2", "rt-b2", 3600),
        })),
    )
    .await;
    full.store(false, Ordering::SeqCst);
    assert_eq!(token(&client).await.expect("still ours"), "at-2");
    client.select_organization("org_2").await.expect("written");
    let orgs = &stored(&memory)["orgs"];
    assert_eq!(orgs["org_1"]["control_api"]["refresh_token"], "rt-2");
    assert_eq!(orgs["org_2"]["control_api"]["refresh_token"], "rt-b2");
}

#[tokio::test]
async fn an_unsaved_pair_gives_way_to_a_newer_login() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let store = Scripted::new(&memory).with_lock();
    let full = store.full.clone();
    let client = local.client(store);
    full.store(true, Ordering::SeqCst);
    token(&client).await.expect_err("the disk is full");
    full.store(false, Ordering::SeqCst);
    write(
        &memory,
        record(json!({"org_1": login("at-new", "rt-new", 3600)})),
    )
    .await;
    assert_eq!(token(&client).await.expect("the newer login"), "at-new");
}

#[tokio::test]
async fn a_disk_that_stays_full_costs_no_login() {
    let local = Local::start().await;
    let memory = MemoryStore::new(Some(expired()));
    let store = Scripted::new(&memory).with_lock();
    store.full.store(true, Ordering::SeqCst);
    let client = local.client(store);
    let short = json!({"access_token": "at-2", "refresh_token": "rt-2",
        "token_type": "Bearer", "expires_in": 0});
    local
        .fault(json!({"route": "token.refresh", "status": 200, "body": short}))
        .await;
    token(&client).await.expect_err("said once");
    local.refreshes_answer("at-3", "rt-3").await;
    token(&client).await.expect_err("said again");
    assert_eq!(token(&client).await.expect("from memory"), "at-3");
}

#[tokio::test]
async fn another_organization_selected_during_a_refresh_gets_a_valid_token_too() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    local.refreshes_answer("at-b2", "rt-b2").await;
    let memory = MemoryStore::new(Some(record(json!({
        "org_1": login("at-1", "rt-1", -10),
        "org_2": login("at-b", "rt-b", -10),
    }))));
    let client = local.client(Scripted::new(&memory).swapping(|swap, memory| {
        if swap == COMMIT {
            let mut record = stored(memory);
            record["selected_org_id"] = json!("org_2");
            write_now(memory, &record.to_string());
        }
        Ok(())
    }));
    assert_eq!(token(&client).await.expect("valid"), "at-b2");
}

#[tokio::test]
async fn a_newer_token_that_is_refused_too_asks_for_a_login() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "times": 2, "status": 400,
            "body": {"error": "invalid_grant"}}))
        .await;
    let memory = MemoryStore::new(Some(expired()));
    let client = local.client(Scripted::new(&memory).swapping(|swap, memory| {
        if swap == COMMIT {
            write_now(
                memory,
                &record(json!({"org_1": login("at-x", "rt-x", -10)})),
            );
        }
        Ok(())
    }));
    let error = token(&client).await.expect_err("both refused");
    assert_eq!(error.code(), "login_required", "{error}");
    token(&client).await.expect_err("marked");
    assert_eq!(local.count("token.refresh").await, 2);
}

#[tokio::test]
async fn a_failed_refresh_leaves_no_doubt_about_the_call() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "times": 9, "status": 503}))
        .await;
    let client = local.client(MemoryStore::new(Some(expired())));
    let error = client.apps().create("x").await.expect_err("no token");
    assert_eq!(error.code(), "server");
    assert!(!error.outcome_unknown() && error.retryable(), "{error:?}");
}

#[tokio::test]
async fn a_login_replaces_what_a_store_cannot_set_aside() {
    let local = Local::start().await;
    let memory = MemoryStore::new(Some("{garbage".into()));
    let client = local.client(memory.clone());
    let error = client.status().await.expect_err("damaged");
    assert_eq!(error.code(), "store_corrupt");
    client
        .start_login(LoginOptions::default())
        .await
        .expect("as the message says");
    assert!(stored(&memory)["client_id"].is_string());
}

#[tokio::test]
async fn a_change_goes_on_when_its_caller_is_gone() {
    struct Slow(MemoryStore, Arc<Notify>, Arc<Notify>);
    impl CredentialStore for Slow {
        fn load(&self) -> StoreFuture<'_, Option<String>> {
            self.0.load()
        }
        fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
            Box::pin(async {
                self.1.notify_one();
                self.2.notified().await;
                self.0.replace(old, new).await
            })
        }
        fn location(&self) -> String {
            "a slow disk".into()
        }
    }
    let local = Local::start().await;
    let memory = MemoryStore::new(Some(record(json!({
        "org_1": login("at-1", "rt-1", 3600), "org_2": login("at-b", "rt-b", 3600),
    }))));
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let client = local.client(Slow(memory.clone(), entered.clone(), go_on.clone()));
    let call = client.clone();
    let select = tokio::spawn(async move { call.select_organization("org_2").await });
    entered.notified().await;
    select.abort();
    select.await.expect_err("aborted");
    go_on.notify_one();
    while stored(&memory)["selected_org_id"] != "org_2" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_waited_for_for_ever() {
    struct Hanging;
    impl CredentialStore for Hanging {
        fn load(&self) -> StoreFuture<'_, Option<String>> {
            Box::pin(pending())
        }
        fn replace(&self, _: Option<String>, _: Option<String>) -> StoreFuture<'_, bool> {
            Box::pin(pending())
        }
        fn location(&self) -> String {
            "a hanging vault".into()
        }
    }
    let client = AccountClient::builder()
        .store(Hanging)
        .platform_url("http://127.0.0.1:1")
        .account_url("http://127.0.0.1:1")
        .build()
        .expect("good options");
    let status = tokio::time::timeout(Duration::from_secs(120), client.status());
    let error = status.await.expect("ends").expect_err("no answer");
    assert_eq!(error.code(), "store");
    assert!(error.message().contains("30 s"), "{error}");
}

/// Neither undoes the other: whoever is slower makes its change anew.
#[tokio::test]
async fn changes_at_the_same_moment_are_both_made() {
    let local = Local::start().await;
    let memory = MemoryStore::new(Some(record(json!({
        "org_1": login("at-1", "rt-1", 3600), "org_2": login("at-b", "rt-b", 3600),
    }))));
    let store = Scripted::new(&memory).swapping(move |swap, memory| {
        if swap == 1 {
            let mut record = stored(memory);
            record["orgs"]["org_1"]["org_name"] = json!("Renamed");
            write_now(memory, &record.to_string());
        }
        Ok(())
    });
    let client = local.client(store);
    client
        .select_organization("org_2")
        .await
        .expect("in the end");
    let record = stored(&memory);
    assert_eq!(record["selected_org_id"], "org_2");
    assert_eq!(record["orgs"]["org_1"]["org_name"], "Renamed");
}

/// Its lock is not to be had while the flag is up.
struct Busy(MemoryStore, Arc<AtomicBool>);
impl CredentialStore for Busy {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.0.load()
    }
    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        self.0.replace(old, new)
    }
    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        Box::pin(async {
            match self.1.load(Ordering::SeqCst) {
                true => pending().await,
                false => Ok(Some(StoreLock::new(self.0.clone()))),
            }
        })
    }
    fn location(&self) -> String {
        "a busy vault".into()
    }
}

#[tokio::test]
async fn a_locked_store_does_not_stop_a_token_that_still_works() {
    let local = Local::start().await;
    let text = record(json!({"org_1": login("at-1", "rt-1", 25)}));
    let client = local
        .builder()
        .lock_timeout(Duration::from_millis(20))
        .store(Busy(
            MemoryStore::new(Some(text)),
            Arc::new(AtomicBool::new(true)),
        ))
        .build()
        .expect("good options");
    assert_eq!(token(&client).await.expect("it still works"), "at-1");
}

#[test]
fn a_second_runtime_refreshes_without_the_first() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    let local = servers.block_on(Local::start());
    let memory = MemoryStore::new(Some(expired()));
    let (one, two) = (runtime(), runtime());
    servers.block_on(local.refreshes_answer("at-2", "rt-2"));
    let client = one.block_on(async { local.client(memory.clone()) });
    assert_eq!(one.block_on(token(&client)).expect("renewed"), "at-2");
    write_now(
        &memory,
        &record(json!({"org_1": login("at-x", "rt-x", -10)})),
    );
    servers.block_on(local.refreshes_answer("at-3", "rt-3"));
    let there = client.clone();
    let second =
        two.block_on(async { tokio::time::timeout(Duration::from_secs(10), token(&there)).await });
    assert_eq!(second.expect("in time").expect("renewed"), "at-3");
}

#[tokio::test]
async fn no_time_at_all_is_refused_before_anything_is_sent() {
    let local = Local::start().await;
    let client = local
        .client(valid())
        .with_options(CallOptions::default().timeout(Duration::ZERO));
    let error = client.balance().get().await.expect_err("no time");
    assert_eq!(error.code(), "config");
    assert_eq!(local.count("balance.get").await, 0);
}

/// A token that is sent twice because somebody was impatient ends the login.
#[tokio::test]
async fn nobodys_patience_shortens_a_refresh() {
    let local = Local::start().await;
    let answer = json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer",
        "expires_in": 3600});
    local
        .fault(json!({"route": "token.refresh", "delay_ms": 1500, "status": 200, "body": answer}))
        .await;
    let client = local
        .builder()
        .lock_timeout(Duration::from_millis(200))
        .timeout(Duration::from_millis(200))
        .store(MemoryStore::new(Some(expired())))
        .build()
        .expect("good options");
    assert_eq!(token(&client).await.expect("in the end"), "at-2");
    assert_eq!(local.count("token.refresh").await, 1);
}

/// Parallel's CLI takes no lock: it may have refreshed first, and be writing just now.
#[tokio::test]
async fn a_pair_that_is_written_just_after_the_refusal_is_adopted() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "status": 400, "body": {"error": "invalid_grant"}}))
        .await;
    let memory = MemoryStore::new(Some(expired()));
    let theirs = memory.clone();
    let client = local.client(Scripted::new(&memory).loading(move |load, _| {
        // One to find the login, one to claim it, one after the refusal.
        if load == 4 {
            write_now(
                &theirs,
                &record(json!({"org_1": login("at-2", "rt-2", 3600)})),
            );
        }
        Ok(())
    }));
    assert_eq!(token(&client).await.expect("theirs"), "at-2");
    let login = &stored(&memory)["orgs"]["org_1"]["control_api"];
    assert_eq!(login["refresh_token"], "rt-2");
}

#[tokio::test]
async fn a_late_write_keeps_the_lock_until_it_is_done() {
    /// Saves when it is told to, long after its time.
    struct Late(MemoryStore, Arc<Notify>, Arc<tokio::sync::Mutex<()>>);
    impl CredentialStore for Late {
        fn load(&self) -> StoreFuture<'_, Option<String>> {
            self.0.load()
        }
        fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
            Box::pin(async {
                self.1.notified().await;
                self.0.replace(old, new).await
            })
        }
        fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
            Box::pin(async {
                let guard = self.2.clone().lock_owned().await;
                let late = Late(self.0.clone(), self.1.clone(), self.2.clone());
                Ok(Some(StoreLock::new(Guarded(late, guard))))
            })
        }
        fn time_limit(&self) -> Duration {
            Duration::from_millis(20)
        }
        fn location(&self) -> String {
            "a slow disk".into()
        }
    }
    /// Locked until it is dropped.
    struct Guarded(Late, #[allow(dead_code)] tokio::sync::OwnedMutexGuard<()>);
    impl CredentialStore for Guarded {
        fn load(&self) -> StoreFuture<'_, Option<String>> {
            self.0.load()
        }
        fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
            self.0.replace(old, new)
        }
        fn location(&self) -> String {
            self.0.location()
        }
    }
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let (go_on, lock) = (Arc::new(Notify::new()), Arc::default());
    let client = local.client(Late(memory.clone(), go_on.clone(), Arc::clone(&lock)));
    let error = token(&client).await.expect_err("too late");
    assert!(error.message().contains("memory only"), "{error}");
    assert!(lock.try_lock().is_err(), "a sibling could write in between");
    go_on.notify_one();
    let _sibling = lock.lock().await;
    let login = &stored(&memory)["orgs"]["org_1"]["control_api"];
    assert_eq!(login["refresh_token"], "rt-2");
}

#[tokio::test]
async fn a_pair_in_memory_is_saved_as_soon_as_there_is_room() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let store = Scripted::new(&memory).with_lock();
    let full = store.full.clone();
    let client = local.client(store);
    full.store(true, Ordering::SeqCst);
    token(&client).await.expect_err("the disk is full");
    full.store(false, Ordering::SeqCst);
    client.settled().await;
    let login = &stored(&memory)["orgs"]["org_1"]["control_api"];
    assert_eq!(login["refresh_token"], "rt-2");
}

/// A login whose lock is not to be had is kept in memory, and is newer than what was stored.
#[tokio::test]
async fn a_pair_in_memory_is_saved_though_its_client_is_gone() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let store = Scripted::new(&memory).swapping(|swap, _| match swap {
        COMMIT => Err(Error::store("The vault is sealed.", None)),
        _ => Ok(()),
    });
    let client = local.client(store);
    token(&client).await.expect_err("it must be said once");
    assert_eq!(
        stored(&memory)["orgs"]["org_1"]["control_api"]["refresh_token"],
        "rt-1"
    );
    drop(client);
    while stored(&memory)["orgs"]["org_1"]["control_api"]["refresh_token"] != "rt-2" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_approved_login_beats_the_one_before_it() {
    let local = Local::start().await;
    let body = json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer",
        "expires_in": 3600, "org_id": "org_1"});
    local
        .fault(json!({"route": "token.poll", "status": 200, "body": body}))
        .await;
    let memory = MemoryStore::new(Some(expired()));
    let started = local.client(MemoryStore::default());
    let options = LoginOptions::default();
    let login = started.start_login(options).await.expect("a code");
    let busy = Arc::new(AtomicBool::new(true));
    let client = local
        .builder()
        .first_poll_at_once(true)
        .lock_timeout(Duration::from_millis(20))
        .store(Busy(memory.clone(), busy.clone()))
        .build()
        .expect("good options");
    let pending = login.pending_record();
    let login = client
        .resume_login(pending.expose())
        .await
        .expect("pending");
    let error = login.wait().await.expect_err("it must be said");
    assert!(error.message().contains("memory only"), "{error}");
    assert_eq!(token(&client).await.expect("the new login"), "at-2");
    busy.store(false, Ordering::SeqCst);
    client.settled().await;
    let login = &stored(&memory)["orgs"]["org_1"]["control_api"];
    assert_eq!(login["refresh_token"], "rt-2");
}

/// A current-thread runtime runs nothing while nobody is in it.
#[test]
fn a_runtime_that_stands_still_freezes_no_refresh() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    let local = servers.block_on(Local::start());
    let answer = json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer",
        "expires_in": 3600});
    servers.block_on(
        local.fault(
            json!({"route": "token.refresh", "delay_ms": 300, "status": 200, "body": answer}),
        ),
    );
    let (one, two) = (runtime(), runtime());
    let memory = MemoryStore::new(Some(expired()));
    let client = local.client(memory.clone());
    one.block_on(async {
        let call = tokio::spawn({
            let client = client.clone();
            async move { token(&client).await }
        });
        while local.count("token.refresh").await == 0 {
            tokio::task::yield_now().await;
        }
        call.abort();
    });
    assert_eq!(
        two.block_on(token(&client)).expect("the same refresh"),
        "at-2"
    );
    assert_eq!(servers.block_on(local.count("token.refresh")), 1);
    assert_eq!(
        stored(&memory)["orgs"]["org_1"]["control_api"]["refresh_token"],
        "rt-2"
    );
}

#[tokio::test]
async fn a_slow_platform_does_not_keep_a_logout_from_the_disk() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "revoke", "delay_answer_ms": 60_000}))
        .await;
    let memory = valid();
    let client = local.client(memory.clone());
    let logout = tokio::spawn({
        let client = client.clone();
        async move { client.logout().await }
    });
    while local.count("revoke").await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        token(&client).await.expect_err("gone").code(),
        "login_required"
    );
    assert!(!memory.record().expect("a record").contains("rt-1"));
    logout.abort();
}

const ID: &str = "123e4567-e89b-12d3-a456-426614174000";

#[tokio::test]
async fn an_app_that_never_was_is_not_deleted_by_a_second_try() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "apps.delete", "status": 429}))
        .await;
    local
        .fault(json!({"route": "apps.delete", "status": 404}))
        .await;
    let error = local.client(valid()).apps().delete(ID).await;
    assert_eq!(error.expect_err("never there").code(), "not_found");
}

#[tokio::test]
async fn an_answer_that_is_too_long_may_have_made_something() {
    let local = Local::start().await;
    let long = "x".repeat((1 << 20) + 1);
    local
        .fault(json!({"route": "apps", "times": 2, "status": 200, "body": long}))
        .await;
    let client = local.client(valid());
    let created = client.apps().create("x").await.expect_err("too long");
    assert!(created.outcome_unknown(), "{created:?}");
    assert!(created.message().contains("Check before"), "{created}");
    let listed = client.apps().list().await.expect_err("too long");
    assert!(!listed.outcome_unknown(), "{listed:?}");
}

#[tokio::test]
async fn a_token_that_comes_back_as_a_request_id_is_taken_out() {
    let local = Local::start().await;
    let headers = json!({"x-request-id": "req-at-1-rt/1+2"});
    local
        .fault(json!({"route": "*", "times": 9, "status": 404, "headers": headers}))
        .await;
    let client = local.client(valid());
    let error = client.balance().get().await.expect_err("not found");
    assert_eq!(error.request_id(), Some("req-…-rt/1+2"));
    let error = client.oauth().refresh("rt/1+2", None).await;
    let error = error.expect_err("not found");
    assert_eq!(error.request_id(), Some("req-at-1-…"));
}

#[tokio::test]
async fn a_long_device_code_survives_the_pending_record() {
    let local = Local::start().await;
    let code = "c".repeat(3_000);
    let body = json!({"device_code": code, "user_code": "AB-CD", "expires_in": 600,
        "verification_uri": "https://example.test/activate"});
    local
        .fault(json!({"route": "device_code", "status": 200, "body": body}))
        .await;
    let client = local.client(MemoryStore::default());
    let login = client.start_login(LoginOptions::default()).await;
    let record = login.expect("a code").pending_record();
    let again = client.resume_login(record.expose()).await.expect("good");
    assert!(again.pending_record().expose().contains(&code));
}

#[tokio::test]
async fn cancelling_a_login_that_is_over_changes_nothing() {
    let local = Local::start().await;
    let client = local
        .builder()
        .store(MemoryStore::default())
        .first_poll_at_once(true)
        .build()
        .expect("good options");
    local
        .fault(json!({"route": "token.poll", "status": 400, "body": {"error": "access_denied"}}))
        .await;
    let login = client.start_login(LoginOptions::default()).await;
    let login = login.expect("a code");
    assert_eq!(
        login.wait().await.expect_err("denied").code(),
        "access_denied"
    );
    login.cancel();
    assert_eq!(
        login.wait().await.expect_err("still").code(),
        "access_denied"
    );
}

/// Runs itself again, as the environment belongs to a whole process.
#[tokio::test]
async fn a_token_for_this_machine_takes_no_proxy() {
    const CHILD: &str = "PARALLEL_ACCOUNT_TEST_CHILD";
    if std::env::var_os(CHILD).is_none() {
        let test = std::env::current_exe().expect("a path");
        let status = std::process::Command::new(test)
            .args(["--exact", "a_token_for_this_machine_takes_no_proxy"])
            .env(CHILD, "1")
            .env("http_proxy", "http://127.0.0.1:1")
            .status()
            .expect("started");
        assert!(status.success());
        return;
    }
    let sandbox = Sandbox::start(Options::default()).await.expect("a port");
    let client = AccountClient::builder()
        .platform_url("https://platform.example")
        .account_url(sandbox.account_url())
        .store(valid())
        .build()
        .expect("good options");
    // The sandbox knows no such token; what counts is that it was asked.
    let answer = client.with_options(CallOptions::default().max_retries(0));
    let platform_is_out_of_reach = answer.balance().get().await.expect_err("no refresh");
    assert!(
        platform_is_out_of_reach
            .message()
            .contains("platform.example"),
        "{platform_is_out_of_reach}"
    );
}
