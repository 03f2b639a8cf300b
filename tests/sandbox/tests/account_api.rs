//! The Account API, and faults on it.

mod support;

use parallel_account_sandbox::Options;
use serde_json::{Value, json};
use support::{Bench, parts, text};

#[tokio::test]
async fn apps_and_keys_can_be_made_listed_and_deleted() {
    let bench = Bench::start(Options::default()).await;
    let tokens = bench.login().await;
    let bearer = text(&tokens, "access_token");
    let call = |method: &str, path: &str| bench.account(method, path).bearer_auth(bearer);
    let (_, app) =
        parts(call("POST", "/service/v1/apps").json(&json!({ "app_name": "Zürich" }))).await;
    let app_path = format!("/service/v1/apps/{}", text(&app, "app_id"));
    let (_, apps) = parts(call("GET", "/service/v1/apps")).await;
    assert_eq!(apps["apps"][0]["app_name"], "Zürich");
    let keys_path = format!("{app_path}/keys");
    let (status, key) = parts(call("POST", &keys_path).json(&json!({ "api_key_name": "k" }))).await;
    assert_eq!(status, 200);
    assert_eq!(key["app_name"], "Zürich");
    assert!(key["created_at"].is_u64());
    let raw = text(&key, "raw_api_key");
    assert!(!text(&key, "display_value").contains(raw));
    let key_path = format!("{keys_path}/{}", text(&key, "api_key_id"));
    for (path, status) in [
        (&key_path, 200),
        (&key_path, 404),
        (&app_path, 200),
        (&app_path, 404),
    ] {
        assert_eq!(parts(call("DELETE", path)).await.0, status, "{path}");
    }
    let (status, body) = parts(call("DELETE", "/service/v1/apps/no-uuid")).await;
    assert_eq!(
        (status, &body["detail"][0]["loc"]),
        (422, &json!(["path", "app_id"]))
    );
}

#[tokio::test]
async fn a_charge_is_made_once_per_idempotency_key() {
    let bench = Bench::start(Options::default()).await;
    let tokens = bench.login().await;
    let add = |amount: Value, key: &str| {
        let body = json!({ "amount_cents": amount, "idempotency_key": key });
        parts(
            bench
                .account("POST", "/service/v1/balance/add")
                .bearer_auth(text(&tokens, "access_token"))
                .json(&body),
        )
    };
    for _ in 0..2 {
        let (status, body) = add(json!(250), "order-0001").await;
        assert_eq!(
            (status, body["credit_balance_cents"].as_f64()),
            (200, Some(5250.0))
        );
    }
    assert_eq!(add(json!(251), "order-0001").await.0, 409);
    for (amount, key) in [
        (json!(0), "order-0002"),
        (json!(10_001), "order-0002"),
        (json!(1.5), "order-0002"),
        (json!(1), "short"),
    ] {
        assert_eq!(add(amount, key).await.0, 422);
    }
    bench
        .control(
            "/organizations",
            json!({ "org_id": "org_sandbox", "card_declined": true }),
        )
        .await;
    assert_eq!(add(json!(1), "order-0003").await.0, 402);
}

#[tokio::test]
async fn bearers_are_checked() {
    let bench = Bench::start(Options::default()).await;
    let balance = || bench.account("GET", "/service/v1/balance");
    assert_eq!(parts(balance()).await.0, 401);
    assert_eq!(parts(balance().bearer_auth("made-up")).await.0, 401);
    let tokens = bench.login().await;
    let bearer = text(&tokens, "access_token");
    assert_eq!(parts(balance().bearer_auth(bearer)).await.0, 200);
    bench.control("/expire-access-token", json!({})).await;
    assert_eq!(parts(balance().bearer_auth(bearer)).await.0, 401);
    let client_id = bench.register().await;
    let device = bench.device_code(&client_id, "apps:read").await;
    bench.control("/approve", json!({})).await;
    let (_, narrow) = bench.poll(&client_id, text(&device, "device_code")).await;
    let refused = parts(balance().bearer_auth(text(&narrow, "access_token"))).await;
    assert_eq!(refused.0, 403);
}

#[tokio::test]
async fn faults_hit_the_next_requests_of_their_route() {
    let bench = Bench::start(Options::default()).await;
    let tokens = bench.login().await;
    let add = |key: &str| {
        bench
            .account("POST", "/service/v1/balance/add")
            .bearer_auth(text(&tokens, "access_token"))
            .json(&json!({ "amount_cents": 100, "idempotency_key": key }))
    };
    bench
        .control(
            "/faults",
            json!({ "route": "balance", "status": 503, "body": "<h1>busy</h1>",
                    "headers": { "retry-after": "7" } }),
        )
        .await;
    let answer = add("order-0001").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(answer.text().await.unwrap(), "<h1>busy</h1>");

    let balance = || async {
        let shown = bench.observed("/organizations").await;
        shown["organizations"][0]["credit_balance_cents"].as_f64()
    };
    for (fault, after) in [
        (json!({ "route": "*", "reset": "before" }), 5000.0),
        (json!({ "route": "balance.add", "reset": "after" }), 5100.0),
        (
            json!({ "route": "balance.add", "drop_answer_after_processing": true }),
            5200.0,
        ),
        (json!({ "route": "balance.add", "truncate": true }), 5300.0),
    ] {
        bench.control("/faults", fault.clone()).await;
        let lost = match add(&fault.to_string()).send().await {
            Err(_) => true,
            Ok(answer) => answer.bytes().await.is_err(),
        };
        assert!(lost, "{fault}");
        assert_eq!(balance().await, Some(after), "{fault}");
    }
    assert_eq!(add("order-0009").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_frees_the_port() {
    let bench = Bench::start(Options::default()).await;
    bench
        .control("/faults", json!({ "route": "other", "delay_ms": 50 }))
        .await;
    let slow = tokio::spawn(bench.account("GET", "/elsewhere").send());
    loop {
        let counts = bench.observed("/counts").await;
        if counts["routes"]["other"] == 1 {
            break;
        }
    }
    let url = bench.sandbox.platform_url().to_owned();
    bench.sandbox.stop().await;
    assert_eq!(slow.await.unwrap().unwrap().status(), 404);
    let fresh = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(fresh.get(url).send().await.unwrap_err().is_connect());
}
