//! Logins over real engines: refreshed, shared, and not lost with an answer or an engine.

mod support;

use parallel_account::{
    AccountClient, AccountClientBuilder, CredentialStore, LoginOptions, Result, Status,
};
use parallel_account_sandbox::{Options, Sandbox};
use serde_json::Value;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use support::{Database, Kind, Watched, proxy::Answers};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A claim lasts 45 s.
const SHORTER_THAN_A_CLAIM: Duration = Duration::from_secs(30);

struct Local(Sandbox);

impl Local {
    /// Strict: a refresh token that comes back ends its login.
    async fn start() -> Self {
        let options = Options {
            approve_after: Some(0.0),
            ..Options::default()
        };
        Local(Sandbox::start(options).await.expect("a port"))
    }

    fn builder(&self) -> AccountClientBuilder {
        AccountClient::builder()
            .platform_url(self.0.platform_url())
            .account_url(self.0.account_url())
            .first_poll_at_once(true)
    }

    fn client(&self, store: impl CredentialStore) -> AccountClient {
        self.builder().store(store).build().expect("good options")
    }

    fn shared(&self, store: Arc<dyn CredentialStore>) -> AccountClient {
        self.builder()
            .shared_store(store)
            .build()
            .expect("good options")
    }

    async fn ask(&self, method: &str, path: &str) -> Value {
        let host = self.0.platform_url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.expect("it listens");
        let request = format!(
            "{method} /_control/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str(body).expect("JSON")
    }

    /// Every access token is refused from here on.
    async fn expire(&self) {
        self.ask("POST", "expire-access-token").await;
    }

    async fn refreshes(&self) -> u64 {
        self.ask("GET", "counts").await["routes"]["token.refresh"]
            .as_u64()
            .unwrap_or(0)
    }

    async fn assert_nothing_lost(&self) {
        let counts = self.ask("GET", "counts").await;
        assert_eq!(counts["refresh_token_reuses"], 0);
        assert_eq!(counts["families_revoked"], 0);
    }
}

async fn try_to_log_in(client: &AccountClient) -> Result<Status> {
    client
        .start_login(LoginOptions::default())
        .await?
        .wait()
        .await
}

async fn log_in(client: &AccountClient) {
    try_to_log_in(client).await.expect("approved by itself");
}

async fn a_login_is_made_refreshed_shared_and_ended(kind: Kind) {
    let local = Local::start().await;
    let database = Database::shared(kind).await;
    let (alice, bob) = (
        local.shared(database.store("alice")),
        local.shared(database.store("bob")),
    );
    log_in(&alice).await;
    alice.balance().get().await.expect("logged in");
    assert!(
        !bob.status().await.expect("it works").logged_in,
        "that is another user"
    );
    // Another process acts for the same user.
    let elsewhere = database.another().await;
    let sibling = local.shared(elsewhere.store("alice"));
    sibling.balance().get().await.expect("logged in");
    for round in 1..=3 {
        local.expire().await;
        let calls: Vec<_> = [&alice, &sibling, &alice, &sibling]
            .into_iter()
            .map(|client| {
                let client = client.clone();
                tokio::spawn(async move { client.balance().get().await })
            })
            .collect();
        for call in calls {
            call.await.expect("no panic").expect("refreshed");
        }
        assert_eq!(local.refreshes().await, round);
    }
    sibling.logout().await.expect("it works");
    let error = alice.balance().get().await.expect_err("logged out");
    assert_eq!(error.code(), "login_required");
    let counts = local.ask("GET", "counts").await;
    assert_eq!(counts["refresh_token_reuses"], 0);
}

/// A user who is logged in, on a store whose next write that `matches` loses its answer.
async fn losing(
    kind: Kind,
    user: &str,
    matches: fn(&str) -> bool,
) -> (Local, Database, AccountClient, Watched, Arc<AtomicBool>) {
    let (local, database) = (Local::start().await, Database::shared(kind).await);
    let armed = Arc::new(AtomicBool::new(false));
    let (answers, is_armed) = (database.proxy.answers.clone(), armed.clone());
    let store = Watched::new(database.store(user), move |_, new| {
        if matches(new.unwrap_or_default()) && is_armed.swap(false, Ordering::SeqCst) {
            answers.send_replace(Answers::Break);
        }
    });
    let client = local.client(store.clone());
    (local, database, client, store, armed)
}

fn is_claim(record: &str) -> bool {
    record.contains("\"claim\"")
}

async fn a_claim_whose_answer_is_lost_stops_nobody(kind: Kind) {
    let (local, database, client, store, armed) = losing(kind, "claim", is_claim).await;
    log_in(&client).await;
    local.expire().await;
    let before = store.swaps.load(Ordering::SeqCst);
    armed.store(true, Ordering::SeqCst);
    // The claim that is there is ours: the call continues with it.
    let call = client.balance();
    let call = tokio::time::timeout(SHORTER_THAN_A_CLAIM, call.get()).await;
    call.expect("no wait").expect("refreshed");
    assert!(!armed.load(Ordering::SeqCst), "an answer was lost");
    assert_eq!(local.refreshes().await, 1);
    let swaps = store.swaps.load(Ordering::SeqCst) - before;
    assert_eq!(swaps, 2, "a claim and a pair");
    let sibling = local.shared(database.another().await.store("claim"));
    sibling.balance().get().await.expect("adopted");
    assert_eq!(local.refreshes().await, 1);
    local.assert_nothing_lost().await;
}

async fn a_pair_whose_answer_is_lost_is_not_lost(kind: Kind) {
    let (local, database, client, store, armed) = losing(kind, "pair", |new| !is_claim(new)).await;
    log_in(&client).await;
    local.expire().await;
    let before = store.swaps.load(Ordering::SeqCst);
    armed.store(true, Ordering::SeqCst);
    let error = client.balance().get().await.expect_err("the store failed");
    assert_eq!(error.code(), "store");
    assert!(!armed.load(Ordering::SeqCst), "an answer was lost");
    assert_eq!(local.refreshes().await, 1);
    // It was stored, so a sibling continues with it, and this client as well.
    let sibling = local.shared(database.another().await.store("pair"));
    sibling.balance().get().await.expect("adopted");
    for _ in 0..3 {
        client.balance().get().await.expect("it has the pair");
        client.settled().await;
    }
    assert_eq!(local.refreshes().await, 1);
    let swaps = store.swaps.load(Ordering::SeqCst) - before;
    assert_eq!(swaps, 2, "a claim and a pair, which is not written again");
    local.expire().await;
    client.balance().get().await.expect("refreshed");
    sibling.balance().get().await.expect("adopted");
    assert_eq!(local.refreshes().await, 2);
    local.assert_nothing_lost().await;
}

async fn a_login_whose_answer_is_lost_is_there(kind: Kind) {
    let has_tokens = |new: &str| new.contains("refresh_token");
    let (local, database, client, _store, armed) = losing(kind, "login", has_tokens).await;
    armed.store(true, Ordering::SeqCst);
    let error = try_to_log_in(&client).await.expect_err("the store failed");
    assert_eq!(error.code(), "store");
    client.balance().get().await.expect("logged in");
    let sibling = local.shared(database.another().await.store("login"));
    sibling.balance().get().await.expect("logged in");
}

async fn a_logout_whose_answer_is_lost_is_one(kind: Kind) {
    let logged_out = |new: &str| !new.contains("refresh_token");
    let (local, database, client, _store, armed) = losing(kind, "logout", logged_out).await;
    log_in(&client).await;
    armed.store(true, Ordering::SeqCst);
    let error = client.logout().await.expect_err("the store failed");
    assert_eq!(error.code(), "store");
    let sibling = local.shared(database.another().await.store("logout"));
    for client in [&client, &sibling] {
        assert!(!client.status().await.expect("it works").logged_in);
    }
    let counts = local.ask("GET", "counts").await;
    assert_eq!(counts["routes"]["revoke"], 1);
}

async fn an_engine_that_dies_between_claim_and_pair_loses_no_login(kind: Kind) {
    let local = Local::start().await;
    let (database, engine) = Database::own(kind).await;
    let (engine, armed) = (
        Arc::new(Mutex::new(engine)),
        Arc::new(AtomicBool::new(false)),
    );
    let (victim, is_armed) = (engine.clone(), armed.clone());
    let store = Watched::new(database.store("user"), move |_, new| {
        if !is_claim(new.unwrap_or_default()) && is_armed.swap(false, Ordering::SeqCst) {
            victim.lock().expect("no panic").tell("kill");
        }
    });
    let client = local.client(store);
    log_in(&client).await;
    local.expire().await;
    armed.store(true, Ordering::SeqCst);
    let error = client.balance().get().await.expect_err("the store failed");
    assert_eq!(error.code(), "store");
    assert!(error.message().contains("in memory"), "{error}");
    // Nobody is asked to log in while the engine is away.
    client
        .balance()
        .get()
        .await
        .expect("the pair is known here");
    engine.lock().expect("no panic").tell("start");
    let stored = database.another().await;
    let stored = stored.store("user");
    let saved = async {
        while is_claim(&stored.load().await.expect("it works").expect("a record")) {
            client
                .balance()
                .get()
                .await
                .expect("the pair is known here");
            client.settled().await;
        }
    };
    tokio::time::timeout(PATIENCE, saved)
        .await
        .expect("the pair is saved by itself");
    local
        .shared(stored)
        .balance()
        .get()
        .await
        .expect("logged in");
    assert_eq!(local.refreshes().await, 1);
    local.assert_nothing_lost().await;
}

macro_rules! with_every_engine {
    ($($test:ident)*) => {
        mod redis_store {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() { super::$test(super::Kind::Redis).await })*
        }
        mod postgres_store {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() { super::$test(super::Kind::Postgres).await })*
        }
    };
}

with_every_engine! {
    a_login_is_made_refreshed_shared_and_ended
    a_claim_whose_answer_is_lost_stops_nobody
    a_pair_whose_answer_is_lost_is_not_lost
    a_login_whose_answer_is_lost_is_there
    a_logout_whose_answer_is_lost_is_one
    an_engine_that_dies_between_claim_and_pair_loses_no_login
}
