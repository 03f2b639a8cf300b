//! What an error says of what was done: a lost answer stays open, whatever comes after it, and a
//! request that was not sent is known to be so.

mod server;

use parallel_account::{CallOptions, Error, ErrorKind};
use serde_json::{Value, json};
use server::{Answer, Server, balance, logged_in, status};
use std::time::Duration;
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_millis(100);
const NEVER: Duration = Duration::from_secs(3600);

fn oauth(error: &str) -> Answer {
    Answer::Status(400, json!({ "error": error }), 0)
}

/// A charge without a key of the caller's that ends in an error; it was sent with one key.
async fn charge(server: &Server) -> Error {
    let client = server.builder().build().expect("good options");
    let error = client.balance().add(500, None).await.expect_err("refused");
    let sent = server.seen();
    let keys: Vec<&Value> = sent
        .iter()
        .map(|(_, body)| &body["idempotency_key"])
        .filter(|key| !key.is_null())
        .collect();
    let key = error.idempotency_key().expect("a key");
    assert!(keys.iter().all(|sent| *sent == key), "{keys:?}");
    error
}

#[tokio::test]
async fn no_refusal_closes_a_charge_whose_answer_was_lost() {
    for first in [Answer::Lost, status(500), status(503)] {
        for refusal in [302, 400, 401, 402, 403, 404, 409, 418, 422] {
            let server = Server::start().await;
            server.answers([first.clone(), status(refusal), status(refusal)]);
            // Renewed, should it be a 401, and then refused again.
            let tokens =
                json!({"access_token": "at-2", "refresh_token": "rt-2", "token_type": "Bearer"});
            server.renewals([Answer::Status(200, tokens, 0)]);
            let error = charge(&server).await;
            assert_eq!(error.status(), Some(refusal));
            assert!(error.outcome_unknown() && !error.retryable(), "{error}");
            assert!(error.message().contains("unknown"), "{error}");
            let key = error.idempotency_key().expect("a key");
            assert!(error.message().contains(key), "{error}");
        }
    }
}

#[tokio::test]
async fn a_charge_that_was_only_refused_is_not_open() {
    for refusal in [402, 403, 404, 409, 422] {
        let server = Server::start().await;
        server.answers([status(429), status(refusal)]);
        let error = charge(&server).await;
        assert_eq!(error.status(), Some(refusal));
        assert!(!error.outcome_unknown(), "{error}");
    }
}

#[tokio::test]
async fn a_renewal_that_fails_closes_no_charge() {
    for (renewal, kind) in [
        (status(503), ErrorKind::Server),
        (oauth("invalid_grant"), ErrorKind::LoginRequired),
    ] {
        let server = Server::start().await;
        server.answers([status(500), status(401)]);
        server.renewals([renewal.clone(), renewal.clone(), renewal]);
        let error = charge(&server).await;
        assert_eq!(error.kind(), kind);
        assert!(error.outcome_unknown() && !error.retryable(), "{error}");
    }
    // Without the lost answer the same failures leave nothing open.
    let server = Server::start().await;
    server.answers([status(401)]);
    server.renewals([oauth("invalid_grant")]);
    let error = charge(&server).await;
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(!error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_repeat_that_is_not_sent_closes_no_charge() {
    let server = Server::start().await;
    let reached = server.url.clone();
    server.answers([Answer::Lost]);
    // The proxy takes the first connection to the server and refuses all others.
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", proxy.local_addr().expect("bound"));
    tokio::spawn(async move {
        let (mut client, _) = proxy.accept().await.expect("a client");
        drop(proxy);
        let server = reached.strip_prefix("http://").expect("http");
        let mut server = tokio::net::TcpStream::connect(server).await.expect("there");
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    });
    let client = server
        .builder()
        .account_url(&url)
        .build()
        .expect("good options");
    let error = client.balance().add(500, None).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.message().contains("could not be reached"), "{error}");
    assert!(error.outcome_unknown() && !error.retryable(), "{error}");
    assert!(error.idempotency_key().is_some());
}

#[tokio::test]
async fn a_charge_with_the_callers_key_can_be_retried_and_names_it() {
    let server = Server::start().await;
    server.answers([Answer::Lost, Answer::Lost, Answer::Lost]);
    let client = server.builder().build().expect("good options");
    let error = client.balance().add(500, Some("mine-1234")).await;
    let error = error.expect_err("lost");
    assert_eq!(error.idempotency_key(), Some("mine-1234"));
    assert!(error.retryable() && !error.outcome_unknown(), "{error}");
    client.close();
    let error = client.balance().add(500, Some("mine-1234")).await;
    let error = error.expect_err("closed");
    assert_eq!(error.idempotency_key(), Some("mine-1234"));
    let error = client.balance().get().await.expect_err("closed");
    assert_eq!(error.idempotency_key(), None);
}

#[tokio::test]
async fn a_server_that_is_not_there_was_sent_nothing() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", port.local_addr().expect("bound"));
    drop(port);
    let client = parallel_account::AccountClient::builder()
        .platform_url(&url)
        .account_url(&url)
        .max_retries(0)
        .store(logged_in())
        .build()
        .expect("good options");
    let read = client.balance().get().await.expect_err("nobody there");
    let made = client.apps().create("app").await.expect_err("nobody there");
    for error in [read, made] {
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(error.retryable() && !error.outcome_unknown(), "{error}");
        assert!(error.message().contains("could not be reached"), "{error}");
    }
}

/// A server that accepts connections and never says a word: TLS is never agreed on.
async fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    (listener, url)
}

#[tokio::test]
async fn what_was_not_sent_in_time_is_known_not_to_be() {
    let (_listener, url) = mute().await;
    let client = parallel_account::AccountClient::builder()
        .platform_url(&url)
        .account_url(&url)
        .max_retries(0)
        .timeout(SOON)
        .store(logged_in())
        .build()
        .expect("good options");
    let by_deadline = client.with_options(CallOptions::default().timeout(NEVER / 2).deadline(SOON));
    for client in [client, by_deadline] {
        let error = client.apps().create("app").await.expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.retryable() && !error.outcome_unknown(), "{error}");
        assert!(error.message().contains("nothing was sent"), "{error}");
        let error = client
            .balance()
            .add(500, None)
            .await
            .expect_err("no answer");
        assert!(error.retryable() && !error.outcome_unknown(), "{error}");
    }
}

#[tokio::test]
async fn what_was_sent_and_not_answered_in_time_is_unknown() {
    let server = Server::start().await;
    server.answers([Answer::Silence, Answer::Silence]);
    let client = server
        .builder()
        .timeout(SOON)
        .build()
        .expect("good options");
    for limits in [
        CallOptions::default(),
        CallOptions::default().timeout(NEVER).deadline(SOON),
    ] {
        let client = client.with_options(limits);
        let error = client.apps().create("app").await.expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.outcome_unknown() && !error.retryable(), "{error}");
    }
    assert_eq!(server.paths().len(), 2);
}

#[tokio::test]
async fn no_repeat_starts_that_the_deadline_would_end() {
    let server = Server::start().await;
    let asked = Answer::Status(503, json!({}), 60);
    server.answers([asked.clone(), balance(), asked]);
    let client = |scale| server.builder().time_scale(scale).deadline(NEVER / 120);
    // On a clock a thousand times as fast, a minute is 60 ms of the real 30 s.
    let patient = client(1000.0).build().expect("good options");
    patient.balance().get().await.expect("the second answer");
    // A whole minute is too long, so the last error comes without any waiting.
    let hasty = client(1.0).build().expect("good options");
    let error = hasty.balance().get().await.expect_err("the last error");
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(server.paths().len(), 3);
}

#[tokio::test]
async fn the_deadline_bounds_all_attempts_together() {
    let server = Server::start().await;
    server.answers([Answer::Silence]);
    let client = server
        .builder()
        .max_retries(1000)
        .deadline(SOON)
        .build()
        .expect("good options");
    let error = client.balance().get().await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("deadline"), "{error}");
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn the_deadline_bounds_waiting_for_a_token_too() {
    let server = Server::start().await;
    server.answers([status(401), status(500), status(401)]);
    let client = server
        .builder()
        .deadline(SOON)
        .build()
        .expect("good options");
    // The renewal after the 401 is never answered.
    let error = client.apps().create("app").await.expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("deadline"), "{error}");
    assert!(error.retryable() && !error.outcome_unknown(), "{error}");
    let error = client.balance().add(500, None).await.expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.outcome_unknown(), "{error}");
    let error = client.organizations().await.err();
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn a_call_with_impossible_limits_is_refused_before_it_is_sent() {
    let server = Server::start().await;
    let client = server.builder().build().expect("good options");
    let default = CallOptions::default;
    for (options, name) in [
        (default().timeout(Duration::ZERO), "timeout"),
        (default().timeout(Duration::MAX), "timeout"),
        (default().deadline(Duration::ZERO), "deadline"),
        (default().deadline(Duration::from_secs(86_401)), "deadline"),
    ] {
        let client = client.with_options(options);
        let error = client.balance().get().await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().starts_with(name), "{error}");
        let error = client.status().await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    assert!(server.paths().is_empty());
    for time in [Duration::ZERO, Duration::from_secs(86_401)] {
        let error = server
            .builder()
            .deadline(time)
            .build()
            .expect_err("refused");
        assert!(error.message().starts_with("deadline must"), "{error}");
    }
}
