//! What many clients of one process share, and what a process with few descriptors is told.

mod server;

use parallel_account::MemoryStore;
use serde_json::json;
use server::{Answer, Server, record};
use std::{future::Future, pin::Pin, task::Poll, time::Duration};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A store whose access token has expired.
fn expired() -> MemoryStore {
    MemoryStore::new(Some(record(json!({"access_token": "at-1",
        "refresh_token": "rt-1", "access_token_expires_at": 1_000_000_000}))))
}

fn tokens() -> Answer {
    let body = json!({"access_token": "at-2", "refresh_token": "rt-2",
        "token_type": "Bearer", "expires_in": 3600});
    Answer::Status(200, body, 0)
}

/// Polls `work` once.
async fn is_waiting<T>(mut work: Pin<&mut impl Future<Output = T>>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn clients_share_a_connection_if_their_options_are_equal() {
    let server = Server::start().await;
    let client = || server.builder().build().expect("good options");
    for _ in 0..20 {
        client().balance().get().await.expect("a balance");
    }
    // The connections of a client that is gone may go with it; those of a living one stay.
    let before = server.connections();
    let kept = client();
    kept.balance().get().await.expect("a balance");
    for timeout in 1..20 {
        let client = server.builder().timeout(Duration::from_secs(timeout));
        let client = client.build().expect("good options");
        client.balance().get().await.expect("a balance");
        client.close();
    }
    assert_eq!(server.connections(), before + 1);
    let other = server.builder().user_agent("other/1").build();
    let other = other.expect("good options");
    other.balance().get().await.expect("a balance");
    assert_eq!(server.connections(), before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_serves_runtimes_that_come_and_go() {
    let server = Server::start().await;
    let client = server.builder().build().expect("good options");
    for _ in 0..3 {
        let client = client.clone();
        let visit = move || {
            let runtime = runtime();
            for _ in 0..3 {
                let got = runtime.block_on(async { client.balance().get().await });
                got.expect("a balance");
            }
        };
        tokio::task::spawn_blocking(visit).await.expect("no panic");
    }
    client.balance().get().await.expect("a balance");
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn closing_the_last_client_closes_its_connections_and_no_others() {
    let server = Server::start().await;
    // Of its own, or clients of other tests would keep the connections.
    let client = || {
        let builder = server.builder().user_agent("closing");
        builder.build().expect("good options")
    };
    let (one, two) = (client(), client());
    one.balance().get().await.expect("a balance");
    one.close();
    two.balance().get().await.expect("a balance");
    assert_eq!(server.connections(), 1);
    two.close();
    let error = two.balance().get().await.expect_err("closed");
    assert_eq!(error.code(), "config");
    client().balance().get().await.expect("a balance");
    assert_eq!(server.connections(), 2);
}

/// The caller polls once and then stands still for good, as a cancelled one on a runtime of a
/// single thread does.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_stands_still_stops_no_refresh() {
    let server = Server::start().await;
    server.renewals([tokens()]);
    let store = expired();
    let client = server.builder().store(store.clone()).build();
    let client = client.expect("good options");
    let caller = client.clone();
    // Its runtime is still alive; nobody drives it any more.
    let stands = tokio::task::spawn_blocking(move || {
        let runtime = runtime();
        runtime.block_on(async {
            let token = caller.access_token();
            tokio::pin!(token);
            assert!(is_waiting(token.as_mut()).await, "it waits for the refresh");
        });
        runtime
    });
    let stands = stands.await.expect("no panic");
    client.settled().await;
    let token = client.access_token().await.expect("the new token");
    assert_eq!(token.expose(), "at-2");
    assert_eq!(server.paths(), ["/getServiceKeys/token"]);
    stands.shutdown_background();
}

#[tokio::test]
async fn closing_a_client_loses_no_refresh() {
    let server = Server::start().await;
    let store = expired();
    let client = server.builder().store(store.clone()).build();
    let client = client.expect("good options");
    server.renewals([tokens()]);
    let call = client.access_token();
    tokio::pin!(call);
    assert!(is_waiting(call.as_mut()).await, "it waits for the refresh");
    client.close();
    client.settled().await;
    let kept = store.record().expect("a record");
    assert!(kept.contains("at-2") && kept.contains("rt-2"), "{kept}");
}

#[cfg(target_os = "linux")]
mod at_few_descriptors {
    use super::*;
    use parallel_account::{AccountClient, Error};
    use rustix::process::{Resource, Rlimit, setrlimit};
    use server::logged_in;
    use std::{env, fs, process::Command, sync::Arc, time::Instant};
    use tokio::{sync::Semaphore, task::JoinSet};

    const URL: &str = "PARALLEL_ACCOUNT_TEST_URL";
    const MOST: u64 = 256;
    const AT_ONCE: usize = 64;
    const WARM_UP: usize = 128;
    /// In use, idle, and a few on their way from one to the other.
    const MOST_SOCKETS: usize = 3 * AT_ONCE;

    fn limit(descriptors: u64) {
        let limit = Rlimit {
            current: Some(descriptors),
            maximum: Some(descriptors),
        };
        setrlimit(Resource::Nofile, limit).expect("lower than it was");
    }

    fn descriptors() -> usize {
        // The listing needs one itself.
        fs::read_dir("/proc/self/fd").expect("Linux").count() - 1
    }

    fn kilobytes() -> f64 {
        let pages = fs::read_to_string("/proc/self/statm").expect("Linux");
        let resident = pages.split(' ').nth(1).expect("a second number");
        resident.parse::<f64>().expect("a number") * 4096.0 / 1024.0
    }

    fn number() -> usize {
        env::var("CLIENTS").map_or(300, |number| number.parse().expect("a number"))
    }

    /// This test binary again, as limits belong to a whole process.
    async fn as_child(name: &str, url: &str) -> String {
        let mut command = Command::new(env::current_exe().expect("a path"));
        let name = format!("at_few_descriptors::{name}");
        command
            .args(["--exact", &name, "--nocapture"])
            .env(URL, url);
        let output = tokio::task::spawn_blocking(move || command.output().expect("started"))
            .await
            .expect("no panic");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// `CLIENTS=10000 cargo test --test engine -- --nocapture` is the long form.
    #[tokio::test]
    async fn any_number_of_clients_needs_few_sockets() {
        let server = Server::start().await;
        let text = as_child("clients", &server.url).await;
        let lines = text.lines().filter(|line| line.starts_with("many: "));
        lines.for_each(|line| println!("{line}"));
        assert_eq!(server.paths().len(), WARM_UP + 2 * number());
    }

    #[test]
    fn clients() {
        let Ok(url) = env::var(URL) else { return };
        limit(MOST);
        let runtime = Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(many(&url));
    }

    async fn many(url: &str) {
        let make = || {
            AccountClient::builder()
                .platform_url(url)
                .account_url(url)
                .max_retries(0)
                .store(logged_in())
                .build()
                .expect("good options")
        };
        let idle = descriptors();
        // What the first client and its calls need is everybody's.
        let first = make();
        call_all(&vec![first.clone(); WARM_UP]).await;
        let empty = kilobytes();
        let clients: Vec<_> = (0..number()).map(|_| make()).collect();
        let made = kilobytes();
        let mut failures = call_all(&clients).await;
        let called = kilobytes();
        failures.extend(call_all(&clients).await);
        let used = descriptors();
        let closing = Instant::now();
        first.close();
        clients.iter().for_each(AccountClient::close);
        while descriptors() > idle {
            assert!(closing.elapsed() < Duration::from_secs(10), "still open");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let closing = closing.elapsed().as_millis();
        let number = clients.len();
        let each = |kilobytes: f64| (kilobytes - empty) / number as f64;
        let (made, called) = (each(made), each(called));
        println!();
        println!("many: {number} clients, {AT_ONCE} calls at once, at {MOST} descriptors");
        println!("many: {} failures, {used} descriptors", failures.len());
        println!("many: {made:.1} kB per client before a call, {called:.1} kB after one");
        println!("many: {idle} descriptors {closing} ms after close, as before");
        assert!(failures.is_empty(), "{failures:?}");
        assert!(used < idle + MOST_SOCKETS, "{used}");
        // Of fewer clients, what the allocator keeps says nothing.
        assert!(number < 2_000 || (made < 15.0 && called < 15.0));
    }

    async fn call_all(clients: &[AccountClient]) -> Vec<Error> {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut calls = JoinSet::new();
        let mut failures = Vec::new();
        for client in clients {
            let turn = turns.clone().acquire_owned().await.expect("open");
            let client = client.clone();
            calls.spawn(async move {
                let _turn = turn;
                client.balance().get().await
            });
            while let Some(done) = calls.try_join_next() {
                failures.extend(done.expect("no panic").err());
            }
        }
        while let Some(done) = calls.join_next().await {
            failures.extend(done.expect("no panic").err());
        }
        failures
    }

    #[tokio::test]
    async fn running_out_of_them_has_its_own_words() {
        let server = Server::start().await;
        as_child("none_left", &server.url).await;
        assert_eq!(server.paths(), ["/service/v1/balance"; 2]);
    }

    #[tokio::test]
    async fn none_left() {
        let Ok(url) = env::var(URL) else { return };
        let by_name = url.replace("127.0.0.1", "localhost");
        let make = |url: &str| {
            AccountClient::builder()
                .platform_url(url)
                .account_url(url)
                .max_retries(0)
                .store(logged_in())
                .build()
                .expect("good options")
        };
        let clients = [make(&url), make(&by_name)];
        limit(64);
        let mut taken = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            taken.push(file);
        }
        for client in &clients {
            let created = client.apps().create("app").await.expect_err("no socket");
            let read = client.balance().get().await.expect_err("no socket");
            for error in [created, read] {
                assert_eq!(error.code(), "connection", "{error}");
                assert!(error.retryable() && !error.outcome_unknown(), "{error}");
                assert!(error.message().contains("ulimit -n"), "{error}");
                assert!(!error.message().contains("network"), "{error}");
            }
        }
        // The first renewal starts the thread for detached work, which needs some too.
        let late = AccountClient::builder()
            .platform_url(&url)
            .account_url(&url)
            .store(expired())
            .build()
            .expect("good options");
        let error = late.balance().get().await.expect_err("no thread");
        assert_eq!(error.code(), "connection", "{error}");
        assert!(error.message().contains("ulimit -n"), "{error}");
        drop(taken);
        for client in &clients {
            client.balance().get().await.expect("a balance");
        }
    }
}
