//! Clients whose records are encrypted: they log in, refresh and share as others do, and no record
//! that cannot be decrypted is ever written over.

mod support;

use parallel_account::{
    AccountClient, CredentialStore, EncryptedStore, FileStore, LoginOptions, MemoryStore,
};
use serde_json::json;
use std::{
    env, fs,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use support::*;

const KEYS: [(&str, [u8; 32]); 2] = [("2026-11", [11; 32]), ("2026-05", [5; 32])];

fn encrypted(store: impl CredentialStore) -> EncryptedStore {
    EncryptedStore::new(store, KEYS).expect("good keys")
}

/// `record`, encrypted.
async fn sealed(record: &str) -> String {
    let memory = MemoryStore::default();
    let store = encrypted(memory.clone());
    assert!(
        store
            .replace(None, Some(record.into()))
            .await
            .expect("stored")
    );
    memory.record().expect("stored")
}

/// A folder that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("parallel-account-encrypted-{:016x}", fastrand::u64(..));
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).expect("a fresh folder");
        Scratch(path)
    }

    fn file(&self) -> FileStore {
        FileStore::new(self.0.join("login.jwe"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// From no login to a refresh and a logout, seen by a second client.
async fn whole_life(make: impl Fn() -> EncryptedStore, stored: impl Fn() -> Option<String>) {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let (client, sibling) = (local.client(make()), local.client(make()));
    client
        .start_login(LoginOptions::default())
        .await
        .expect("registered, which is stored");
    // What a login would store, already expired.
    let store = make();
    let registered = store.load().await.expect("read");
    assert!(
        store
            .replace(registered, Some(expired()))
            .await
            .expect("stored")
    );
    assert_eq!(token(&client).await.expect("renewed"), "at-2");
    assert_eq!(token(&sibling).await.expect("adopted"), "at-2");
    assert_eq!(local.count("token.refresh").await, 1);
    let text = stored().expect("a record");
    assert_eq!(text.split('.').count(), 5, "{text}");
    assert!(!text.contains("at-2") && !text.contains('{'), "{text}");
    client.logout().await.expect("logged out");
    let error = token(&sibling).await.expect_err("logged out there, too");
    assert_eq!(error.code(), "login_required");
}

#[tokio::test]
async fn over_memory() {
    let memory = MemoryStore::default();
    whole_life(|| encrypted(memory.clone()), || memory.record()).await;
}

#[tokio::test]
async fn over_a_database_without_locks() {
    let memory = MemoryStore::default();
    let make = || encrypted(Scripted::new(&memory));
    whole_life(make, || memory.record()).await;
}

#[tokio::test]
async fn over_a_file() {
    let scratch = Scratch::new();
    let make = || encrypted(scratch.file());
    whole_life(make, || fs::read_to_string(scratch.file().path()).ok()).await;
    let names: Vec<_> = fs::read_dir(&scratch.0)
        .expect("a folder")
        .map(|entry| entry.expect("there").file_name())
        .collect();
    assert_eq!(names.len(), 2, "the file and its lock: {names:?}");
}

#[tokio::test]
async fn a_refresh_costs_no_load_more_than_without() {
    let mut counts = Vec::new();
    for encrypt in [false, true] {
        let local = Local::start().await;
        local.refreshes_answer("at-2", "rt-2").await;
        let stored = if encrypt {
            sealed(&expired()).await
        } else {
            expired()
        };
        let memory = MemoryStore::new(Some(stored));
        let [loads, swaps] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let (loading, swapping) = (loads.clone(), swaps.clone());
        let count = |count: &Arc<AtomicUsize>| count.load(Ordering::SeqCst);
        let store = Scripted::new(&memory)
            .loading(move |_, _| {
                loading.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })
            .swapping(move |_, _| {
                swapping.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
        let client = if encrypt {
            local.client(encrypted(store))
        } else {
            local.client(store)
        };
        assert_eq!(token(&client).await.expect("renewed"), "at-2");
        counts.push((count(&loads), count(&swaps)));
    }
    assert_eq!(counts[0], counts[1]);
}

/// A login replaces a damaged record; one whose key is missing is none.
#[tokio::test]
async fn no_login_replaces_a_record_that_cannot_be_decrypted() {
    let local = Local::start().await;
    let stored = sealed(&record(json!({"org_1": login("at-1", "rt-1", 3600)}))).await;
    let memory = MemoryStore::new(Some(stored.clone()));
    let scratch = Scratch::new();
    let file = scratch.file();
    assert!(
        file.replace(None, Some(stored.clone()))
            .await
            .expect("kept")
    );
    let foreign = || [("2027", [1; 32])];
    let clients: Vec<AccountClient> = vec![
        local.client(EncryptedStore::new(memory.clone(), foreign()).expect("good")),
        local.client(EncryptedStore::new(file.clone(), foreign()).expect("good")),
        // Somebody forgot to wrap it.
        local.client(memory.clone()),
        local.client(file.clone()),
    ];
    for client in clients {
        for error in [
            client.status().await.expect_err("encrypted"),
            client
                .start_login(LoginOptions::default())
                .await
                .expect_err("encrypted"),
            client.access_token().await.expect_err("encrypted"),
            client.logout().await.expect_err("encrypted"),
        ] {
            assert_eq!(error.code(), "store", "{error}");
            assert!(error.message().contains("untouched"), "{error}");
        }
        assert_eq!(memory.record().as_deref(), Some(&*stored));
        let read = file.load().await.expect("read");
        assert_eq!(read.as_deref(), Some(&*stored));
    }
    let client = local.client(encrypted(file));
    assert_eq!(token(&client).await.expect("still there"), "at-1");
}

const CHILD: &str = "PARALLEL_ACCOUNT_TEST_REQUIRED";
const REQUIRE: &str = "PARALLEL_ACCOUNT_REQUIRE_STORE";

/// What the next test runs as a process of its own, as the environment belongs to a whole one.
#[test]
fn child() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let builder = || {
        AccountClient::builder()
            .platform_url("http://127.0.0.1:1")
            .account_url("http://127.0.0.1:1")
    };
    builder()
        .store(MemoryStore::default())
        .build()
        .expect("a store was given");
    match builder().build() {
        Ok(_) => println!("\nchild: made"),
        Err(error) => println!("\nchild: {} {error}", error.code()),
    }
}

#[test]
fn a_server_can_require_that_a_store_is_given() {
    let said = |value: Option<&str>| {
        let mut command = Command::new(env::current_exe().expect("a path"));
        command
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, "1");
        match value {
            Some(value) => command.env(REQUIRE, value),
            None => command.env_remove(REQUIRE),
        };
        let output = command.output().expect("started");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("child: "));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    for off in [None, Some(""), Some("0")] {
        assert_eq!(said(off), "made", "{off:?}");
    }
    let refused = said(Some("1"));
    assert!(
        refused.starts_with("config store must be given: "),
        "{refused}"
    );
    assert!(said(Some("perhaps")).starts_with("config PARALLEL_ACCOUNT_REQUIRE_STORE must be"));
}
