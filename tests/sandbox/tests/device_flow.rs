//! Login, refresh and revocation as a client sees them.

mod support;

use parallel_account_sandbox::{Options, fingerprint};
use serde_json::json;
use support::{Bench, DEVICE_CODE_GRANT, parts, text};

#[tokio::test]
async fn a_device_code_goes_from_pending_to_tokens_and_works_once() {
    let bench = Bench::start(Options {
        interval: 0.0,
        ..Options::default()
    })
    .await;
    let client_id = bench.register().await;
    let device = bench
        .device_code(&client_id, "balance:read apps:read")
        .await;
    assert_eq!(device["interval"], 1);
    assert_eq!(device["expires_in"], 600);
    let code = text(&device, "device_code");
    let (status, body) = bench.poll(&client_id, code).await;
    assert_eq!(
        (status, text(&body, "error")),
        (400, "authorization_pending")
    );
    bench
        .control("/approve", json!({ "user_code": device["user_code"] }))
        .await;
    let (status, tokens) = bench.poll(&client_id, code).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["scope"], "balance:read apps:read");
    assert_eq!(tokens["org_id"], "org_sandbox");
    assert_eq!(tokens["token_type"], "Bearer");
    let (status, body) = bench.poll(&client_id, code).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
}

#[tokio::test]
async fn the_user_can_deny_and_a_code_can_expire() {
    let bench = Bench::start(Options::default()).await;
    let client_id = bench.register().await;
    for (route, error) in [
        ("/deny", "access_denied"),
        ("/expire-device-code", "expired_token"),
    ] {
        let device = bench.device_code(&client_id, "balance:read").await;
        bench.control(route, json!({})).await;
        let (status, body) = bench.poll(&client_id, text(&device, "device_code")).await;
        assert_eq!((status, text(&body, "error")), (400, error));
    }
}

#[tokio::test]
async fn polling_faster_than_the_interval_gets_slow_down() {
    let bench = Bench::start(Options::default()).await;
    let client_id = bench.register().await;
    let device = bench.device_code(&client_id, "balance:read").await;
    let code = text(&device, "device_code");
    let (_, first) = bench.poll(&client_id, code).await;
    assert_eq!(first["error"], "authorization_pending");
    let (_, second) = bench.poll(&client_id, code).await;
    assert_eq!(second["error"], "slow_down");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn what_is_not_documented_is_refused() {
    let bench = Bench::start(Options::default()).await;
    let client_id = bench.register().await;
    let device = "/getServiceKeys/device/code";
    let token = "/getServiceKeys/token";
    let cases = [
        (
            bench
                .platform(device)
                .form(&[("client_id", "nobody"), ("scope", "balance:read")]),
            401,
            "invalid_client",
        ),
        (
            bench
                .platform(device)
                .form(&[("client_id", client_id.as_str())]),
            400,
            "invalid_request",
        ),
        (
            bench
                .platform(device)
                .form(&[("client_id", client_id.as_str()), ("scope", "everything")]),
            400,
            "invalid_scope",
        ),
        (
            bench.platform(device).json(&json!({ "client_id": "x" })),
            415,
            "invalid_request",
        ),
        (
            bench.platform(token).form(&[("grant_type", "password")]),
            400,
            "unsupported_grant_type",
        ),
        (
            bench.platform(token).form(&[
                ("grant_type", DEVICE_CODE_GRANT),
                ("client_id", &client_id),
                ("device_code", "x"),
                ("client_secret", "x"),
            ]),
            400,
            "invalid_request",
        ),
        (
            bench
                .platform("/getServiceKeys/token/revoke")
                .form(&[("token", "x")]),
            400,
            "invalid_request",
        ),
        (
            bench
                .platform("/getServiceKeys/register")
                .json(&json!({ "client_name": "x", "platform": { "processor": "" } })),
            400,
            "invalid_client_metadata",
        ),
    ];
    for (request, status, error) in cases {
        let (got, body) = parts(request).await;
        assert_eq!((got, text(&body, "error")), (status, error), "{body}");
    }
    let url = format!("{}{token}", bench.sandbox.platform_url());
    assert_eq!(bench.http.get(url).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_an_old_one_revokes_the_family() {
    let bench = Bench::start(Options::default()).await;
    let first = bench.login().await;
    let (status, second) = bench.refresh(text(&first, "refresh_token")).await;
    assert_eq!(status, 200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    for token in [&first, &second] {
        let (status, body) = bench.refresh(text(token, "refresh_token")).await;
        assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    }
    let counts = bench.observed("/counts").await;
    assert_eq!(counts["families_revoked"], 1);
    assert_eq!(counts["refresh_token_reuses"], 1);
    assert_eq!(counts["routes"]["token.refresh"], 3);
}

#[tokio::test]
async fn within_the_grace_window_an_old_refresh_token_works_again() {
    let bench = Bench::start(Options {
        grace: 60.0,
        ..Options::default()
    })
    .await;
    let first = bench.login().await;
    for _ in 0..2 {
        assert_eq!(bench.refresh(text(&first, "refresh_token")).await.0, 200);
    }
}

#[tokio::test]
async fn revoking_ends_refreshing_but_not_the_access_token() {
    let bench = Bench::start(Options::default()).await;
    let tokens = bench.login().await;
    let refresh_token = text(&tokens, "refresh_token");
    let revoke = bench
        .platform("/getServiceKeys/token/revoke")
        .form(&[("refresh_token", refresh_token)]);
    assert_eq!(parts(revoke).await.0, 200);
    assert_eq!(bench.refresh(refresh_token).await.0, 400);
    let balance = bench
        .account("GET", "/service/v1/balance")
        .bearer_auth(text(&tokens, "access_token"));
    assert_eq!(parts(balance).await.0, 200);
}

#[tokio::test]
async fn requests_are_shown_without_their_secrets() {
    let bench = Bench::start(Options::default()).await;
    let tokens = bench.login().await;
    let (access, refresh) = (
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    );
    let balance = bench
        .account("GET", "/service/v1/balance")
        .bearer_auth(access);
    balance.send().await.unwrap();
    bench.refresh(refresh).await;
    let shown = bench.observed("/requests").await;
    for secret in [access, refresh] {
        assert!(!shown.to_string().contains(secret));
    }
    let only = bench.observed("/requests?route=token.refresh").await;
    assert_eq!(only["requests"].as_array().unwrap().len(), 1);
    assert_eq!(
        only["requests"][0]["form"]["refresh_token"],
        fingerprint(refresh)
    );
    let balance = bench.observed("/requests?route=balance").await;
    assert_eq!(balance["requests"][0]["bearer"], fingerprint(access));
    assert_eq!(balance["requests"][0]["status"], 200);
}
