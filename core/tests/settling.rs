//! What runs on when nobody waits any more, as whoever ends a process or frees a store sees it.

mod support;

use parallel_account::MemoryStore;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use support::*;

#[tokio::test]
async fn a_client_is_settled_unless_a_refresh_is_under_way() {
    let local = Local::start().await;
    let body = json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer",
        "expires_in": 3600});
    local
        .fault(json!({"route": "token.refresh", "delay_ms": 300, "status": 200, "body": body}))
        .await;
    let client = local.client(MemoryStore::new(Some(expired())));
    assert!(client.is_settled());
    let call = tokio::spawn({
        let client = client.clone();
        async move { token(&client).await }
    });
    while local.count("token.refresh").await == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(!client.is_settled(), "the refresh outlives its caller");
    client.settled().await;
    assert!(client.is_settled());
}

/// A binding that let go of the store before would lose the pair.
#[tokio::test]
async fn a_store_is_in_use_until_it_has_what_it_did_not_take() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let store = Scripted::new(&memory).with_lock();
    let full = store.full.clone();
    let client = local.client(store);
    assert!(!client.is_unsaved());
    full.store(true, Ordering::SeqCst);
    token(&client).await.expect_err("the disk is full");
    assert!(client.is_unsaved());
    let idle = client.idle();
    tokio::pin!(idle);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut idle).await;
    early.expect_err("the pair is still being offered");
    full.store(false, Ordering::SeqCst);
    let done = tokio::time::timeout(Duration::from_secs(10), idle).await;
    done.expect("as soon as the store has it");
    assert!(!client.is_unsaved());
    let login = &stored(&memory)["orgs"]["org_1"]["control_api"];
    assert_eq!(login["refresh_token"], "rt-2");
}

#[tokio::test]
async fn a_store_without_room_is_not_asked_by_every_call() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = writes.clone();
    let store = Scripted::new(&memory).with_lock().swapping(move |swap, _| {
        counted.store(swap, Ordering::SeqCst);
        Ok(())
    });
    store.full.store(true, Ordering::SeqCst);
    let client = local.client(store);
    token(&client).await.expect_err("the disk is full");
    let before = writes.load(Ordering::SeqCst);
    for _ in 0..50 {
        assert_eq!(token(&client).await.expect("from memory"), "at-2");
        while !client.is_settled() {
            tokio::task::yield_now().await;
        }
    }
    // Once a second, and this takes a few milliseconds.
    let offers = writes.load(Ordering::SeqCst) - before;
    assert!(offers < 25, "{offers}");
}
