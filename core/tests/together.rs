//! Faults that meet: what one operation of a client leaves behind while another is under way.

mod support;

use parallel_account::MemoryStore;
use serde_json::{Value, json};
use std::{sync::atomic::Ordering, time::Duration};
use support::*;

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
