//! What a program can see of what happens, and what it can send along.

mod server;
mod support;

use parallel_account::{
    AccountClient, CallOptions, Event, EventListener, MemoryStore, ResponseSlot,
};
use serde_json::json;
use server::Server;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use support::*;

/// Everything that happened, in short.
#[derive(Clone, Default)]
struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    all: Arc<Mutex<String>>,
    deaf: Arc<AtomicBool>,
}

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().expect("not poisoned"))
    }
}

impl EventListener for Heard {
    fn wants_requests(&self) -> bool {
        !self.deaf.load(Ordering::SeqCst)
    }

    fn hear(&self, event: &Event) {
        self.all
            .lock()
            .expect("not poisoned")
            .push_str(&format!("{event:?} {event:#?}"));
        let path = |url: &str| url.rsplit_once("/account").map(|(_, path)| path.to_owned());
        let line = match event {
            Event::RequestSent { request } => format!(
                "sent {} {} {}",
                request.method,
                path(&request.url).unwrap_or_else(|| "platform".into()),
                request.attempt
            ),
            Event::RequestAnswered {
                status, request_id, ..
            } => {
                format!("answered {status} {}", request_id.is_some())
            }
            Event::RequestFailed { error, .. } => format!("failed {}", error.code()),
            Event::RequestRepeated { .. } => "repeated".into(),
            Event::TokenRenewed { organization } => format!("renewed {organization}"),
            Event::TokenAdopted { organization } => format!("adopted {organization}"),
            Event::RefreshFailed {
                organization,
                error,
            } => format!("not renewed {organization} {}", error.code()),
            Event::StoreFailed { location, error } => {
                format!("store {location} {}", error.code())
            }
            other => format!("{other:?}"),
        };
        self.lines.lock().expect("not poisoned").push(line);
    }
}

fn client(local: &Local, store: MemoryStore, heard: &Heard) -> AccountClient {
    let builder = local.builder().store(store).on_event(heard.clone());
    builder.build().expect("good options")
}

#[tokio::test]
async fn a_call_with_a_refresh_and_a_repeat_is_told_from_end_to_end() {
    let local = Local::start().await;
    let heard = Heard::default();
    let client = client(&local, MemoryStore::new(Some(expired())), &heard);
    local.refreshes_answer("at-canary-2", "rt-canary-2").await;
    let body = json!({"org_id": "org_1", "credit_balance_cents": 1});
    let route = "balance.get";
    local.fault(json!({"route": route, "status": 503})).await;
    local
        .fault(json!({"route": route, "status": 200, "body": body}))
        .await;
    client.balance().get().await.expect("a balance");
    assert_eq!(
        heard.take(),
        [
            "sent POST platform 0",
            "answered 200 true",
            "renewed org_1",
            "sent GET /service/v1/balance 0",
            "answered 503 true",
            "repeated",
            "sent GET /service/v1/balance 1",
            "answered 200 true",
        ]
    );
    let all = heard.all.lock().expect("not poisoned").clone();
    for secret in ["at-1", "rt-1", "canary"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[tokio::test]
async fn a_platform_out_of_reach_is_tried_three_times() {
    let heard = Heard::default();
    let client = AccountClient::builder()
        .platform_url("http://127.0.0.1:1")
        .account_url("http://127.0.0.1:1")
        .store(MemoryStore::new(Some(expired())))
        .on_event(heard.clone())
        .build()
        .expect("good options");
    token(&client).await.expect_err("nobody there");
    let mut told = ["sent POST platform 0", "failed connection"].repeat(3);
    told.push("not renewed org_1 connection");
    assert_eq!(heard.take(), told);
}

#[tokio::test]
async fn failures_are_told_and_nobody_pays_who_does_not_listen() {
    let local = Local::start().await;
    let heard = Heard::default();
    let client = client(&local, MemoryStore::new(Some(expired())), &heard);
    heard.deaf.store(true, Ordering::SeqCst);
    local
        .fault(json!({"route": "token.refresh", "status": 400, "body": {"error": "invalid_grant"}}))
        .await;
    client.balance().get().await.expect_err("refused");
    assert_eq!(heard.take(), ["not renewed org_1 login_required"]);
}

#[tokio::test]
async fn headers_and_what_an_answer_says_besides_its_body() {
    let server = Server::start().await;
    let builder = server.builder().header("x-team", "one");
    let client = builder.header("x-two", "both").build();
    let client = client.expect("good options");
    let seen = ResponseSlot::default();
    let options = CallOptions::default()
        .header("X-Team", "other")
        .header("traceparent", "00-a-b-01")
        .response(&seen);
    let balance = client.with_options(options).balance().get().await;
    balance.expect("a balance");
    let response = seen.take().expect("an answer");
    assert_eq!(response.status, 200);
    assert_eq!(response.request_id.as_deref(), Some("req-1"));
    let id = ("x-request-id".to_owned(), "req-1".to_owned());
    assert!(response.headers.contains(&id));
    assert!(seen.take().is_none(), "taken already");
    let sent = server.headers();
    assert_eq!(sent.get_all("x-team").iter().count(), 1);
    for (name, value) in [
        ("x-team", "other"),
        ("x-two", "both"),
        ("traceparent", "00-a-b-01"),
        ("authorization", "Bearer at-1"),
    ] {
        assert_eq!(sent[name], value);
    }
    let answer = client.request("GET", "/x", None).await.expect("an answer");
    assert!(answer.headers.contains(&id));
    assert_eq!(server.headers()["x-team"], "one");
}

#[tokio::test]
async fn a_function_hears_of_requests_too() {
    let local = Local::start().await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let all = heard.clone();
    let listener = move |event: &Event| all.lock().expect("not poisoned").push(event.clone());
    let builder = local.builder().store(valid()).on_event(listener);
    let client = builder.build().expect("good options");
    assert!(format!("{client:?}").contains(local.0.platform_url()));
    let body = json!({"org_id": "org_1", "credit_balance_cents": 1});
    local
        .fault(json!({"route": "balance.get", "status": 200, "body": body}))
        .await;
    client.balance().get().await.expect("a balance");
    let heard = heard.lock().expect("not poisoned");
    assert!(matches!(heard[0], Event::RequestSent { .. }), "{heard:?}");
    assert!(!client.is_closed());
    client.close();
    assert!(client.is_closed());
}

/// Such as a debugging proxy does.
#[tokio::test]
async fn an_access_token_that_comes_back_in_a_header_is_taken_out() {
    let local = Local::start().await;
    let headers = json!({"x-echo": "Bearer at-1", "x-token": "at-1", "x": "y"});
    local
        .fault(json!({"route": "balance.get", "status": 404, "headers": headers}))
        .await;
    let seen = ResponseSlot::default();
    let client = local.client(valid());
    let looking = client.with_options(CallOptions::default().response(&seen));
    looking.balance().get().await.expect_err("404");
    let headers = seen.take().expect("an answer").headers;
    for (name, value) in [("x-echo", "Bearer …"), ("x-token", "…"), ("x", "y")] {
        let shown = headers.iter().find(|(shown, _)| shown == name);
        assert_eq!(shown.map(|(_, value)| value.as_str()), Some(value));
    }
}

#[tokio::test]
async fn an_error_comes_with_its_answer_and_bad_headers_send_nothing() {
    let local = Local::start().await;
    let client = local.client(valid());
    let seen = ResponseSlot::default();
    local
        .fault(json!({"route": "balance.get", "status": 404, "body": {"detail": "no"}}))
        .await;
    let looking = client.with_options(CallOptions::default().response(&seen));
    looking.balance().get().await.expect_err("404");
    assert_eq!(seen.take().expect("an answer").status, 404);
    for (name, value) in [
        ("authorization", "x"),
        ("Host", "x"),
        ("a b", "x"),
        ("x-a", "1\r\n2"),
    ] {
        let bad = client.with_options(CallOptions::default().header(name, value));
        let error = bad.balance().get().await.expect_err("refused");
        assert_eq!(error.code(), "config", "{name}");
        let built = local.builder().header(name, value).build();
        assert_eq!(built.expect_err("refused").code(), "config");
    }
    assert_eq!(local.count("balance.get").await, 1);
}

#[tokio::test]
async fn a_request_of_a_cancelled_call_ends_too() {
    let local = Local::start().await;
    let heard = Heard::default();
    let client = client(&local, valid(), &heard);
    local
        .fault(json!({"route": "balance.get", "delay_ms": 60_000}))
        .await;
    let call = tokio::spawn(async move { client.balance().get().await });
    while local.count("balance.get").await == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    call.await.expect_err("aborted");
    assert_eq!(
        heard.take(),
        ["sent GET /service/v1/balance 0", "failed cancelled"]
    );
}
