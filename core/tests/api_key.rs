//! The key for the data API: one for an organization, however many ask and whatever fails.

mod support;

use parallel_account::{
    AccountClient, CredentialStore, Error, ErrorKind, FileStore, LoginOptions, MemoryStore, Result,
};
use parallel_account_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::*;
use tokio::task::JoinSet;

const CLIENTS: usize = 32;
/// The swap that stores a key: the first one writes the claim.
const STORED: usize = 2;

async fn local() -> Local {
    let options = Options {
        interval: 0.001,
        approve_after: Some(0.0),
        ..Options::default()
    };
    Local(Sandbox::start(options).await.expect("a port"))
}

/// A store with a login in it.
async fn logged_in(local: &Local) -> MemoryStore {
    let memory = MemoryStore::default();
    let client = local.builder().store(memory.clone()).time_scale(50.0);
    let client = client.build().expect("good options");
    let login = client.start_login(LoginOptions::default()).await;
    login.expect("a code").wait().await.expect("approved");
    memory
}

fn on(local: &Local, store: impl CredentialStore) -> AccountClient {
    let builder = local.builder().client_name("Search");
    builder.store(store).build().expect("good options")
}

/// The keys that live at Parallel.
async fn alive(local: &Local) -> usize {
    let url = format!("{}/organizations", local.0.control_url());
    let text = reqwest::get(url).await.expect("an answer").text().await;
    let state: Value = serde_json::from_str(&text.expect("text")).expect("JSON");
    let organizations = state["organizations"].as_array().expect("a list").iter();
    let apps = organizations.flat_map(|it| it["apps"].as_array().expect("a list"));
    apps.map(|app| app["keys"].as_array().expect("a list").len())
        .sum()
}

async fn all<F>(clients: &[AccountClient], call: impl Fn(AccountClient) -> F) -> HashSet<String>
where
    F: Future<Output = Result<parallel_account::Secret>> + Send + 'static,
{
    let mut calls = JoinSet::new();
    clients.iter().for_each(|client| {
        calls.spawn(call(client.clone()));
    });
    let answers = calls.join_all().await.into_iter();
    answers
        .map(|answer| answer.expect("a key").expose().to_owned())
        .collect()
}

async fn one_key_for_all(local: &Local, clients: &[AccountClient]) {
    let first = all(clients, |it| async move { it.api_key().await }).await;
    assert_eq!((first.len(), local.count("keys.create").await), (1, 1));
    let second = all(clients, |it| async move { it.renew_api_key(None).await }).await;
    assert_eq!((second.len(), local.count("keys.create").await), (1, 2));
    assert!(first.is_disjoint(&second));
    assert_eq!(alive(local).await, 1);
    let again = all(clients, |it| async move { it.api_key().await }).await;
    assert_eq!(again, second);
    clients[0].logout().await.expect("logged out");
    assert_eq!(alive(local).await, 0);
    let error = clients[1].api_key().await.expect_err("logged out");
    assert_eq!(error.code(), "login_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_of_a_store_without_a_lock_make_one_key() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| on(&local, Scripted::new(&memory)))
        .collect();
    one_key_for_all(&local, &clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_of_a_file_make_one_key() {
    let local = local().await;
    let record = logged_in(&local).await.record();
    let folder = tempfile();
    let store = || FileStore::new(folder.join("auth.json"));
    assert!(store().replace(None, record).await.expect("a file"));
    let clients: Vec<_> = (0..CLIENTS).map(|_| on(&local, store())).collect();
    one_key_for_all(&local, &clients).await;
    std::fs::remove_dir_all(folder).expect("ours");
}

fn tempfile() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("api-key-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Somebody claims the making of the organization's key.
fn claim(memory: &MemoryStore, lease_ms: u64) {
    let mut record = stored(memory);
    let selected = record["selected_org_id"].as_str().expect("one").to_owned();
    record["orgs"][&selected]["api_key_claim"] =
        json!({"owner": "00000000000000ff", "number": 1, "lease_ms": lease_ms, "made_at_ms": 0});
    write_now(memory, &record.to_string());
}

fn put_key(memory: &MemoryStore, api_key: &str) {
    let mut record = stored(memory);
    let selected = record["selected_org_id"].as_str().expect("one").to_owned();
    let org = &mut record["orgs"][&selected];
    org["api_key"] = json!(api_key);
    org.as_object_mut().expect("one").remove("api_key_claim");
    write_now(memory, &record.to_string());
}

fn end_access_token(memory: &MemoryStore) {
    let mut record = stored(memory);
    let selected = record["selected_org_id"].as_str().expect("one").to_owned();
    let login = &mut record["orgs"][&selected]["control_api"];
    login["access_token_expires_at"] = json!(1);
    login["access_token_expires_at_ms"] = json!(1000);
    write_now(memory, &record.to_string());
}

#[tokio::test]
async fn a_claim_of_somebody_who_died_is_waited_for() {
    let local = local().await;
    let memory = logged_in(&local).await;
    claim(&memory, 400);
    let began = Instant::now();
    on(&local, Scripted::new(&memory))
        .api_key()
        .await
        .expect("a key");
    assert!(
        began.elapsed() >= Duration::from_millis(400),
        "it was not waited for"
    );
    assert_eq!(local.count("keys.create").await, 1);
}

#[tokio::test]
async fn a_key_that_a_sibling_makes_is_taken() {
    let local = local().await;
    let memory = logged_in(&local).await;
    claim(&memory, 60_000);
    let waits = Scripted::new(&memory).loading(|number, memory| {
        if number == 4 {
            put_key(memory, "their-key");
        }
        Ok(())
    });
    let api_key = on(&local, waits).api_key().await.expect("theirs");
    assert_eq!(api_key.expose(), "their-key");
    assert_eq!(local.count("keys.create").await, 0);
}

#[tokio::test]
async fn a_key_that_somebody_stored_meanwhile_counts_and_ours_is_deleted() {
    let local = local().await;
    let memory = logged_in(&local).await;
    // As Parallel's CLI would, which takes no claim.
    let overtaken = Scripted::new(&memory).swapping(|number, memory| {
        if number == STORED {
            put_key(memory, "their-key");
        }
        Ok(())
    });
    let api_key = on(&local, overtaken).api_key().await.expect("theirs");
    assert_eq!(api_key.expose(), "their-key");
    assert_eq!(
        (local.count("keys.create").await, alive(&local).await),
        (1, 0)
    );
}

#[tokio::test]
async fn a_logout_while_a_key_is_made_leaves_none() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let overtaken = Scripted::new(&memory).swapping(|number, memory| {
        if number == STORED {
            write_now(memory, &json!({"version": 1, "orgs": {}}).to_string());
        }
        Ok(())
    });
    let error = on(&local, overtaken)
        .api_key()
        .await
        .expect_err("logged out");
    assert_eq!(error.code(), "login_required");
    assert_eq!(
        (local.count("keys.create").await, alive(&local).await),
        (1, 0)
    );
    assert!(!memory.record().expect("a record").contains("api_key"));
}

#[tokio::test]
async fn a_key_whose_storing_was_not_answered_is_stored_once() {
    let local = local().await;
    let memory = logged_in(&local).await;
    for lost in [1, STORED] {
        let script = Scripted::new(&memory).swapping(move |number, memory| {
            if number != lost {
                return Ok(());
            }
            // What is about to be written is written, and the answer lost.
            Err(lost_answer(memory))
        });
        let answered = on(&local, script).api_key().await;
        // A claim that may have been written and was not is nobody's loss.
        match lost {
            1 => assert_eq!(answered.expect_err("not claimed").code(), "store"),
            _ => drop(answered.expect("stored at the second try")),
        }
    }
    assert_eq!(
        (local.count("keys.create").await, alive(&local).await),
        (1, 1)
    );
}

fn lost_answer(_: &MemoryStore) -> Error {
    Error::store("The connection broke.", None)
}

#[tokio::test]
async fn a_key_that_cannot_be_stored_is_kept_and_offered_again() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let store = Scripted::new(&memory);
    let full = store.full.clone();
    let swaps = Arc::new(AtomicUsize::new(0));
    let fills = {
        let (full, swaps) = (full.clone(), swaps.clone());
        store.swapping(move |_, _| {
            if swaps.fetch_add(1, Ordering::SeqCst) + 1 == STORED {
                full.store(true, Ordering::SeqCst);
            }
            Ok(())
        })
    };
    // Loads still work, so that it is tried for a while.
    let client = on(&local, fills);
    let error = client.api_key().await.expect_err("the disk is full");
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.message().contains("in memory only"), "{error}");
    let api_key = client.api_key().await.expect("from memory");
    full.store(false, Ordering::SeqCst);
    client.settled().await;
    let other = on(&local, memory.clone()).api_key().await.expect("stored");
    assert_eq!(other.expose(), api_key.expose());
    assert_eq!(
        (local.count("keys.create").await, alive(&local).await),
        (1, 1)
    );
}

#[tokio::test]
async fn a_caller_who_goes_away_loses_no_key() {
    let local = local().await;
    let memory = logged_in(&local).await;
    local
        .fault(json!({"route": "keys.create", "delay_answer_ms": 200}))
        .await;
    let client = on(&local, memory.clone());
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.api_key().await }
    });
    while local.count("keys.create").await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    call.abort();
    client.settled().await;
    client.api_key().await.expect("stored");
    assert_eq!(
        (local.count("keys.create").await, alive(&local).await),
        (1, 1)
    );
}

#[tokio::test]
async fn a_refused_key_is_replaced_once_however_late_somebody_hears_of_it() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let client = on(&local, memory.clone());
    let first = client.api_key().await.expect("a key");
    let second = client.renew_api_key(Some(&first)).await.expect("a key");
    // Another thread had the first one in use.
    let again = client.renew_api_key(Some(&first)).await.expect("a key");
    assert_eq!(again.expose(), second.expose());
    assert_eq!(
        (local.count("keys.create").await, alive(&local).await),
        (2, 1)
    );
}

#[tokio::test]
async fn nobody_gets_the_key_back_that_was_refused() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let client = on(&local, memory.clone());
    let first = client.api_key().await.expect("a key");
    let second = client.renew_api_key(Some(&first)).await.expect("a key");
    // Somebody hears late of the first key's end, and their call takes a while; meanwhile the second
    // one is refused.
    end_access_token(&memory);
    let fault = json!({"route": "token.refresh", "delay_ms": 500});
    local.fault(fault).await;
    let client = on(&local, memory);
    let renewing = |refused: &parallel_account::Secret| {
        let (client, refused) = (client.clone(), refused.clone());
        tokio::spawn(async move { client.renew_api_key(Some(&refused)).await })
    };
    let late = renewing(&first);
    while local.count("token.refresh").await == 0 {
        tokio::task::yield_now().await;
    }
    let refused = renewing(&second);
    let late = late.await.expect("no panic").expect("a key");
    let renewed = refused.await.expect("no panic").expect("a key");
    assert_eq!(late.expose(), second.expose());
    assert_ne!(renewed.expose(), second.expose());
}

#[tokio::test]
async fn no_key_is_made_for_a_store_that_takes_nothing() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let store = Scripted::new(&memory).with_lock();
    let full = store.full.clone();
    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = on(&local, store.clone()).api_key().await;
        assert_eq!(error.expect_err("the disk is full").code(), "store");
    }
    assert_eq!(local.count("keys.create").await, 0);
    full.store(false, Ordering::SeqCst);
    on(&local, store).api_key().await.expect("a key");
    assert!(!memory.record().expect("a record").contains("api_key_claim"));
}

#[tokio::test]
async fn no_claim_is_left_where_no_key_could_be_made() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let fault = json!({"route": "apps.list", "status": 404, "times": 9});
    local.fault(fault).await;
    let locked = Scripted::new(&memory).with_lock();
    on(&local, locked).api_key().await.expect_err("refused");
    assert!(!memory.record().expect("a record").contains("api_key_claim"));
}

#[tokio::test]
async fn a_key_that_fits_no_header_is_deleted_again() {
    let local = local().await;
    let memory = logged_in(&local).await;
    for odd in ["psk\u{1b}[2J", " ", "psk\n"] {
        let body = json!({"api_key_id": "key_1", "raw_api_key": odd});
        let fault = json!({"route": "keys.create", "status": 200, "body": body});
        local.fault(fault).await;
        let error = on(&local, memory.clone()).api_key().await;
        assert_eq!(error.expect_err("no key").code(), "invalid_response");
    }
    assert_eq!(local.count("keys.delete").await, 3);
    on(&local, memory).api_key().await.expect("a key");
}

#[tokio::test]
async fn a_logout_that_reaches_nobody_names_the_key_that_lives_on() {
    let local = local().await;
    let memory = logged_in(&local).await;
    let client = on(&local, memory.clone());
    client.api_key().await.expect("a key");
    for route in ["keys.delete", "revoke"] {
        let fault = json!({"route": route, "status": 403, "body": "no", "times": 9});
        local.fault(fault).await;
    }
    let error = client.logout().await.expect_err("nobody heard of it");
    assert!(error.message().contains("deleting the API key"), "{error}");
    assert!(error.message().contains("revoking the login"), "{error}");
}

#[tokio::test]
async fn no_key_is_in_what_is_shown() {
    let local = local().await;
    let client = on(&local, logged_in(&local).await);
    let api_key = client.api_key().await.expect("a key");
    let shown = format!("{api_key:?} {client:?} {:?}", client.status().await);
    assert!(!shown.contains(api_key.expose()), "{shown}");
}
