//! What rarely happens: each ends in an answer or in an error that says what to do.

mod support;

use parallel_account::{
    AccountClient, CallOptions, CredentialStore, Detached, Error, LoginOptions, MemoryStore,
    StoreFuture,
};
use serde_json::json;
use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use support::*;
use tokio::runtime::Runtime;

fn refused(memory: &MemoryStore) -> String {
    let client = AccountClient::builder()
        .platform_url("http://127.0.0.1:1")
        .account_url("http://127.0.0.1:1")
        .store(memory.clone());
    let client = client.build().expect("good options");
    let runtime = Runtime::new().expect("a runtime");
    let error = runtime.block_on(token(&client)).expect_err("no token");
    assert_eq!(error.code(), "login_required");
    error.message().to_owned()
}

#[test]
fn what_is_missing_is_said() {
    let two = json!({"version": 1, "orgs":
        {"org_1": login("a", "b", 60), "org_2": login("c", "d", 60)}});
    let none_selected = refused(&MemoryStore::new(Some(two.to_string())));
    assert!(none_selected.contains("several logins"), "{none_selected}");
    let damaged = record(json!({"org_1": login("at\u{e9}\n", "rt", 3600)}));
    let damaged = MemoryStore::new(Some(damaged));
    // The token is there; it is sending it that cannot be done.
    let runtime = Runtime::new().expect("a runtime");
    let client = AccountClient::builder()
        .platform_url("http://127.0.0.1:1")
        .account_url("http://127.0.0.1:1")
        .store(damaged)
        .build()
        .expect("good options");
    let error = runtime
        .block_on(client.balance().get())
        .expect_err("not sendable");
    assert_eq!(error.code(), "login_required");
    assert!(error.message().contains("no token has"), "{error}");
}

#[tokio::test]
async fn a_client_for_an_organization_without_login_names_it() {
    let local = Local::start().await;
    let client = local
        .builder()
        .organization("org_9")
        .store(valid())
        .build()
        .expect("good options");
    let error = token(&client).await.expect_err("not there");
    assert!(error.message().contains("org_9"), "{error}");
    client.logout().await.expect("nothing to do");
    assert_eq!(local.count("revoke").await, 0);
}

#[tokio::test]
async fn options_that_cannot_be_used_are_named() {
    let folder = env::temp_dir().join(format!("parallel-account-corners-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("made");
    let empty = folder.join("empty.pem");
    fs::write(&empty, "no certificate").expect("written");
    let builder = || AccountClient::builder().store(MemoryStore::default());
    for (builder, words) in [
        (builder().proxy("not a proxy"), "proxy"),
        (builder().ca_bundle(&empty), "no certificate"),
        (
            builder().ca_bundle(folder.join("missing.pem")),
            "missing.pem",
        ),
    ] {
        let error = builder.build().expect_err("refused");
        assert_eq!(error.code(), "config");
        assert!(error.message().contains(words), "{error}");
    }
    fs::remove_dir_all(&folder).expect("removed");
}

#[tokio::test]
async fn without_a_store_each_pair_of_services_has_its_file() {
    const PLATFORM: &str = "https://platform.parallel.ai";
    const ACCOUNT: &str = "https://api.parallel.ai/account";
    let place = async |platform: &str, account: &str| {
        let builder = AccountClient::builder()
            .client_name("corners")
            .platform_url(platform)
            .account_url(account);
        let client = builder.build().expect("good options");
        let store = client.status().await.expect("a status").store;
        store.replace('\\', "/")
    };
    let real = place(&format!("{PLATFORM}/"), ACCOUNT).await;
    assert!(real.ends_with("/auth.json"), "{real}");
    let mut places = vec![real];
    for (platform, account) in [
        ("http://127.0.0.1:8080", ACCOUNT),
        ("https://staging.example", ACCOUNT),
        (PLATFORM, "https://staging.example/account"),
        (PLATFORM, "https://api.parallel.ai/other"),
    ] {
        let other = place(platform, account).await;
        assert!(other.contains("/auth-"), "{other}");
        assert!(!places.contains(&other), "{other}");
        places.push(other);
    }
}

/// Runs itself again, as the environment belongs to a whole process.
#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn the_file_lies_where_the_environment_says() {
    const CHILD: &str = "PARALLEL_ACCOUNT_TEST_CHILD";
    if env::var_os(CHILD).is_some() {
        let store = parallel_account::FileStore::default_for("corners").expect("a home");
        println!("\nchild: {}", store.path().display());
        return;
    }
    for (folder, base) in [
        ("/elsewhere", "/elsewhere"),
        ("", "/home/me/.config"),
        ("relative", "/home/me/.config"),
    ] {
        let test = env::current_exe().expect("a path");
        let output = std::process::Command::new(test)
            .args(["--exact", "the_file_lies_where_the_environment_says"])
            .arg("--nocapture")
            .envs([(CHILD, "1"), ("HOME", "/home/me")])
            .env("XDG_CONFIG_HOME", folder)
            .output()
            .expect("started");
        let text = String::from_utf8_lossy(&output.stdout);
        let said = format!("child: {base}/corners/auth.json\n");
        assert!(text.contains(&said), "{text}");
    }
}

#[tokio::test]
async fn a_login_can_be_shown_in_every_form() {
    let local = Local::start().await;
    let client = local.client(MemoryStore::default());
    let options = LoginOptions::default().login_hint("me@example.com");
    let login = client.start_login(options).await.expect("a code");
    assert!(login.remaining() > Duration::from_secs(1));
    assert!(login.qr().expect("short enough").svg.contains("<svg"));
    let shown = format!("{login:?}");
    assert!(shown.contains(login.user_code()), "{shown}");
    let pending: serde_json::Value =
        serde_json::from_str(login.pending_record().expose()).expect("JSON");
    let code = pending["device_code"].as_str().expect("text");
    assert!(!shown.contains(code), "{shown}");
}

/// As bindings do: one runtime for the calls, another for what must not be lost.
#[test]
fn a_runtime_apart_carries_on_and_its_end_is_an_error() {
    let servers = Runtime::new().expect("a runtime");
    let local = servers.block_on(Local::start());
    servers.block_on(local.refreshes_answer("at-2", "rt-2"));
    let apart = Runtime::new().expect("a runtime");
    let detached = Detached::new(apart.handle().clone());
    let memory = MemoryStore::new(Some(expired()));
    let client = local
        .builder()
        .background(Arc::new({
            let detached = detached.clone();
            move || Ok(detached.clone())
        }))
        .store(memory.clone())
        .build()
        .expect("good options");
    let calls = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    calls.block_on(async {
        let call = tokio::spawn({
            let client = client.clone();
            async move { token(&client).await }
        });
        tokio::task::yield_now().await;
        call.abort();
        detached.settled().await;
    });
    drop(calls);
    assert_eq!(
        stored(&memory)["orgs"]["org_1"]["control_api"]["refresh_token"],
        "rt-2"
    );
    apart.shutdown_background();
    let error = servers.block_on(client.logout()).expect_err("no runtime");
    assert_eq!(error.code(), "config");
    assert!(error.message().contains("shut down"), "{error}");
}

#[tokio::test]
async fn a_store_that_panics_is_an_error() {
    struct Panicking;
    impl CredentialStore for Panicking {
        fn load(&self) -> StoreFuture<'_, Option<String>> {
            Box::pin(async { Ok(Some(expired())) })
        }
        fn replace(&self, _: Option<String>, _: Option<String>) -> StoreFuture<'_, bool> {
            Box::pin(async { panic!("a bug in a store") })
        }
        fn location(&self) -> String {
            "a bug".into()
        }
    }
    let local = Local::start().await;
    let client = local.client(Panicking);
    let error = client.select_organization("org_1").await;
    assert_eq!(error.expect_err("a panic").code(), "internal");
}

#[tokio::test]
async fn an_unreadable_store_stops_a_change_but_not_what_is_in_memory() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let store = Scripted::new(&memory)
        .with_lock()
        .loading(|load, _| match load {
            0..=3 => Ok(()),
            _ => Err(Error::store("The vault is sealed.", None)),
        });
    let full = store.full.clone();
    full.store(true, Ordering::SeqCst);
    let client = local.client(store);
    token(&client).await.expect_err("the disk is full");
    assert_eq!(token(&client).await.expect("from memory"), "at-2");
    full.store(false, Ordering::SeqCst);
    client.settled().await;
    let kept = stored(&memory)["orgs"]["org_1"]["control_api"]["refresh_token"].clone();
    assert_eq!(kept, "rt-1", "nothing is written over what nobody has seen");

    let sealed = local.client(Scripted::new(&valid()).loading(|load, _| match load {
        1 => Ok(()),
        _ => Err(Error::store("The vault is sealed.", None)),
    }));
    let error = sealed.select_organization("org_1").await;
    assert!(error.expect_err("sealed").message().contains("sealed"));
}

#[tokio::test]
async fn a_disk_that_is_still_full_is_tried_again_later() {
    let local = Local::start().await;
    local.refreshes_answer("at-2", "rt-2").await;
    let memory = MemoryStore::new(Some(expired()));
    let store = Scripted::new(&memory).with_lock();
    let full = store.full.clone();
    full.store(true, Ordering::SeqCst);
    let client = local.client(store);
    token(&client).await.expect_err("the disk is full");
    client.settled().await;
    full.store(false, Ordering::SeqCst);
    client.settled().await;
    assert_eq!(
        stored(&memory)["orgs"]["org_1"]["control_api"]["refresh_token"],
        "rt-2"
    );
}

#[tokio::test]
async fn a_failed_early_renewal_rests_and_a_vanished_login_is_said() {
    let local = Local::start().await;
    let down = json!({"route": "token.refresh", "status": 400, "body": {"error": "odd"}});
    local.fault(down.clone()).await;
    let early = record(json!({"org_1": login("at-1", "rt-1", 25)}));
    let client = local.client(MemoryStore::new(Some(early.clone())));
    for _ in 0..2 {
        assert_eq!(token(&client).await.expect("it works"), "at-1");
    }
    assert_eq!(local.count("token.refresh").await, 1);

    local.fault(down).await;
    let memory = MemoryStore::new(Some(early));
    let theirs = memory.clone();
    let client = local.client(Scripted::new(&memory).loading(move |load, _| {
        if load > 2 {
            write_now(&theirs, &record(json!({})));
        }
        Ok(())
    }));
    let error = token(&client).await.expect_err("logged out meanwhile");
    assert_eq!(error.oauth_error(), Some("odd"));
}

/// Under the lock a sibling's record is found, with which nothing can be renewed.
#[tokio::test]
async fn what_a_sibling_left_under_the_lock_counts() {
    let local = Local::start().await;
    let mut over = login("at-1", "rt-1", -10);
    over["control_api"]["refresh_token"] = json!(null);
    let memory = MemoryStore::new(Some(expired()));
    let theirs = memory.clone();
    let client = local.client(Scripted::new(&memory).loading(move |load, _| {
        if load == 2 {
            write_now(&theirs, &record(json!({"org_1": over.clone()})));
        }
        Ok(())
    }));
    let error = token(&client).await.expect_err("over");
    assert_eq!(error.code(), "login_required");
    let why = "Log in again: the access token has expired and there is no refresh token.";
    assert_eq!(error.message(), why);
    assert_eq!(local.count("token.refresh").await, 0);
}

/// The sibling's pair is newer than ours, and over as well: it is renewed in turn.
#[tokio::test]
async fn a_newer_pair_that_is_over_is_renewed() {
    let local = Local::start().await;
    local
        .fault(json!({"route": "token.refresh", "status": 400, "body": {"error": "invalid_grant"}}))
        .await;
    local.refreshes_answer("at-3", "rt-3").await;
    let memory = MemoryStore::new(Some(expired()));
    let theirs = memory.clone();
    let client = local.client(Scripted::new(&memory).swapping(move |swap, _| {
        if swap == COMMIT {
            write_now(
                &theirs,
                &record(json!({"org_1": login("at-2", "rt-2", -5)})),
            );
        }
        Ok(())
    }));
    assert_eq!(token(&client).await.expect("renewed"), "at-3");
    assert_eq!(local.count("token.refresh").await, 2);
}

#[tokio::test]
async fn a_pair_for_nobody_is_let_go_even_if_that_fails() {
    let local = Local::start().await;
    for answer in [
        json!({"access_token": "at-2", "token_type": "Bearer", "expires_in": 60}),
        json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer"}),
    ] {
        local
            .fault(json!({"route": "token.refresh", "status": 200, "body": answer}))
            .await;
        local.fault(json!({"route": "revoke", "status": 400})).await;
        let memory = MemoryStore::new(Some(expired()));
        let theirs = memory.clone();
        let client = local.client(Scripted::new(&memory).swapping(move |swap, _| {
            if swap == COMMIT {
                write_now(&theirs, &record(json!({})));
            }
            Ok(())
        }));
        let error = token(&client).await.expect_err("logged out meanwhile");
        assert_eq!(error.code(), "login_required");
    }
    assert_eq!(local.count("revoke").await, 1);
}

/// Of unknown length, so that only counting helps.
#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).expect("a request") > 0);
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head).expect("sent");
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        // Until the client has had enough.
        while stream.write_all(&chunk).is_ok() {}
    });
    let client = AccountClient::builder()
        .platform_url(&url)
        .account_url(&url)
        .store(valid())
        .build()
        .expect("good options")
        .with_options(CallOptions::default().max_retries(0));
    let error = client.balance().get().await.expect_err("too long");
    assert_eq!(error.code(), "invalid_response");
    assert!(error.message().contains("1 MiB"), "{error}");
}
