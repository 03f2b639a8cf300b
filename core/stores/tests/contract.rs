//! What every store promises, with real engines.

mod support;

use parallel_account::{AccountClient, CredentialStore};
use std::{sync::Arc, time::Duration};
use support::{Database, Kind, proxy::Answers, put};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn a_record_is_put_changed_and_deleted(kind: Kind) {
    let store = Database::shared(kind).await.store("put");
    let steps = [
        (None, None, true),
        (some("a"), None, false),
        (some("a"), some("b"), false),
        (None, some("a"), true),
        (None, some("b"), false),
        (None, None, false),
        (some("b"), some("c"), false),
        (some("a"), some("b"), true),
        (some("b"), some("b"), true),
        (some("a"), None, false),
        (some("b"), None, true),
        (some("b"), None, false),
        (None, some("c"), true),
    ];
    let mut held = None;
    for (old, new, expected) in steps {
        assert_eq!(store.load().await.expect("it works"), held);
        let swapped = store
            .replace(old.clone(), new.clone())
            .await
            .expect("it works");
        assert_eq!(swapped, expected, "{old:?} -> {new:?}");
        if swapped {
            held = new;
        }
    }
    assert_eq!(store.load().await.expect("it works"), some("c"));
}

async fn of_many_at_once_one_wins(kind: Kind) {
    let (here, there) = {
        let database = Database::shared(kind).await;
        (
            database.store("race"),
            database.another().await.store("race"),
        )
    };
    let mut held = None;
    for round in 0..5 {
        let swaps: Vec<_> = (0..16)
            .map(|number| {
                let store = [&here, &there][number % 2].clone();
                let (old, new) = (held.clone(), format!("{round}-{number}"));
                tokio::spawn(async move {
                    let won = store
                        .replace(old, Some(new.clone()))
                        .await
                        .expect("it works");
                    won.then_some(new)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for swap in swaps {
            winners.extend(swap.await.expect("no panic"));
        }
        held = here.load().await.expect("it works");
        assert_eq!(winners, held.iter().cloned().collect::<Vec<_>>());
    }
}

#[expect(clippy::too_many_lines, reason = "half of it is a list")]
async fn text_comes_back_as_it_was(kind: Kind) {
    let database = Database::shared(kind).await;
    let huge = "\u{1f980}\"'\\".repeat(150_000);
    let composed = "\u{e9}";
    let texts = [
        "",
        " ",
        "0",
        "1",
        "null",
        "\"",
        "'",
        "''",
        "\\",
        "\\x00",
        "$1",
        "%s",
        "{}",
        "--",
        "\r\n\t",
        composed,
        "e\u{301}",
        "\u{feff}",
        "\u{fffd}",
        "\u{10ffff}",
        "日本語",
        "a ",
        "A",
        &huge,
    ];
    for (number, key) in ["plain", "it's; DROP TABLE x", "日本 語\n", "tenant/1:a*?[]"]
        .iter()
        .enumerate()
    {
        let store = database.store(&format!("{key}{number}"));
        let mut old = None;
        for text in texts {
            let shown: String = text.chars().take(20).collect();
            assert!(
                store.replace(old, some(text)).await.expect("it works"),
                "{shown}"
            );
            let loaded = store.load().await.expect("it works");
            assert!(loaded.as_deref() == Some(text), "{shown}");
            // Neither trailing spaces nor case nor another normal form is the same.
            for other in ["e\u{301} ", "a", "E\u{301}"] {
                let swapped = store.replace(some(other), None).await.expect("it works");
                assert!(!swapped, "{other:?} is not {shown:?}");
            }
            old = some(text);
        }
        // The keys do not meet.
        assert!(store.replace(old, None).await.expect("it works"));
    }
}

async fn an_engine_that_is_killed_and_restarted_has_kept_the_record(kind: Kind) {
    let (database, mut engine) = Database::own(kind).await;
    let store = database.store("restart");
    put(&*store, "before").await.expect("it works");
    engine.tell("kill");
    for _ in 0..3 {
        let error = store.load().await.expect_err("nobody is there");
        assert_eq!(error.code(), "store");
        assert!(error.message().contains("can be reached"), "{error}");
        store
            .replace(some("before"), some("lost"))
            .await
            .expect_err("nobody is there");
    }
    engine.tell("start");
    // Postgres recovers, and a pool may have given up on some connection just now.
    let mut loaded = store.load().await;
    while loaded.is_err() {
        tokio::task::yield_now().await;
        loaded = store.load().await;
    }
    assert_eq!(loaded.expect("it works"), some("before"));
    // Redis has forgotten the script by now.
    assert!(
        store
            .replace(some("before"), some("after"))
            .await
            .expect("it works")
    );
    assert_eq!(store.load().await.expect("it works"), some("after"));
}

async fn connections_that_the_engine_closed_are_replaced_unnoticed(kind: Kind) {
    let (database, _engine) = Database::own(kind).await;
    let store = database.store("idle");
    put(&*store, "a").await.expect("it works");
    for _ in 0..5 {
        database.close_idle_connections().await;
        assert_eq!(store.load().await.expect("read again"), some("a"));
        assert!(store.replace(some("a"), some("a")).await.expect("it works"));
    }
}

async fn a_key_that_names_nobody_is_refused(kind: Kind) {
    let database = Database::shared(kind).await;
    for (key, problem) in [("", "empty"), ("a\0b", "NUL")] {
        let built = AccountClient::builder()
            .shared_store(database.store(key))
            .build();
        let error = built.expect_err("nobody's");
        assert!(error.message().contains(problem), "{error}");
    }
}

async fn an_engine_that_hangs_costs_the_time_limit(kind: Kind) {
    let database = Database::shared(kind).await;
    let limit = Duration::from_millis(200);
    let store: Arc<dyn CredentialStore> = match kind {
        Kind::Redis => Arc::new(database.redis_store("hang").time_limit(limit)),
        Kind::Postgres => Arc::new(database.postgres_store("hang").time_limit(limit)),
    };
    let built = AccountClient::builder().shared_store(store).build();
    let client = built.expect("good options");
    assert!(!client.status().await.expect("it works").logged_in);
    database.proxy.answers.send_replace(Answers::Hang);
    let error = client.status().await.expect_err("no answer");
    assert_eq!(error.code(), "store");
    assert!(error.message().contains("0.2 s"), "{error}");
    database.proxy.answers.send_replace(Answers::Arrive);
    assert!(!client.status().await.expect("it works again").logged_in);
}

macro_rules! with_every_engine {
    ($($test:ident)*) => {
        mod redis_store {
            $(#[tokio::test] async fn $test() { super::$test(super::Kind::Redis).await })*
        }
        mod postgres_store {
            $(#[tokio::test] async fn $test() { super::$test(super::Kind::Postgres).await })*
        }
    };
}

with_every_engine! {
    a_record_is_put_changed_and_deleted
    of_many_at_once_one_wins
    text_comes_back_as_it_was
    an_engine_that_is_killed_and_restarted_has_kept_the_record
    connections_that_the_engine_closed_are_replaced_unnoticed
    a_key_that_names_nobody_is_refused
    an_engine_that_hangs_costs_the_time_limit
}

#[tokio::test]
async fn redis_keeps_it_where_other_languages_look() {
    let database = Database::shared(Kind::Redis).await;
    put(&database.redis_store("layout"), "record")
        .await
        .expect("it works");
    let raw: String = database.redis(&["GET", "parallel-account:layout"]).await;
    assert_eq!(raw, "record");
    let other = database.redis_store("layout").prefix("other-app:");
    put(&other, "theirs").await.expect("it works");
    let raw: String = database.redis(&["GET", "other-app:layout"]).await;
    assert_eq!(raw, "theirs");
}

#[tokio::test]
async fn redis_renews_the_time_to_live_with_each_change() {
    let database = Database::shared(Kind::Redis).await;
    let left = async || {
        database
            .redis::<i64>(&["PTTL", "parallel-account:ttl"])
            .await
    };
    let long = database.redis_store("ttl").ttl(Duration::from_secs(1000));
    put(&long, "a").await.expect("it works");
    assert!((1..=1_000_000).contains(&left().await));
    database
        .redis::<i64>(&["PEXPIRE", "parallel-account:ttl", "500000"])
        .await;
    assert!(long.replace(some("a"), some("b")).await.expect("it works"));
    assert!((500_001..=1_000_000).contains(&left().await));
    let forever = database.redis_store("ttl");
    assert!(
        forever
            .replace(some("b"), some("c"))
            .await
            .expect("it works")
    );
    assert_eq!(left().await, -1, "until it is deleted");
    let none = database.redis_store("ttl").ttl(Duration::ZERO);
    assert!(none.replace(some("c"), some("d")).await.expect("no error"));
}

#[tokio::test]
async fn redis_says_what_is_wrong_with_a_key() {
    let database = Database::shared(Kind::Redis).await;
    database
        .redis::<i64>(&["LPUSH", "parallel-account:list", "x"])
        .await;
    let store = database.redis_store("list");
    let error = store.load().await.expect_err("a list");
    assert!(error.message().contains("parallel-account:list"), "{error}");
    store.replace(None, some("a")).await.expect_err("a list");
    store.replace(some("a"), None).await.expect_err("a list");
    assert_eq!(
        database
            .redis::<i64>(&["LLEN", "parallel-account:list"])
            .await,
        1
    );

    let client = redis::Client::open(database_url(&database)).expect("a URL");
    let mut raw = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let set = redis::cmd("SET")
        .arg("parallel-account:bytes")
        .arg(b"secret\xff")
        .take();
    set.query_async::<()>(&mut raw).await.expect("it works");
    let error = database
        .redis_store("bytes")
        .load()
        .await
        .expect_err("no text");
    assert!(error.message().contains("UTF-8") && !format!("{error:?}").contains("secret"));
}

fn database_url(database: &Database) -> String {
    format!("redis://127.0.0.1:{}/0", database.proxy.port)
}
