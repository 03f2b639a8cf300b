//! The scenario engine notices what a client does wrong.

mod support;

use parallel_account_sandbox::Options;
use serde_json::{Value, json};
use support::{Bench, text};

async fn start(bench: &Bench, scenario: Value) -> Value {
    bench.control("/scenarios", scenario).await
}

async fn verdict(bench: &Bench, started: &Value, report: Value) -> Vec<String> {
    let answer = bench
        .http
        .post(text(started, "verdict_url"))
        .json(&report)
        .send()
        .await
        .unwrap();
    let verdict: Value = answer.json().await.unwrap();
    let problems = verdict["problems"].as_array().unwrap().clone();
    assert_eq!(verdict["ok"], problems.is_empty());
    problems
        .iter()
        .map(|problem| problem.as_str().unwrap().to_owned())
        .collect()
}

/// Every expected part is in some problem, and there are as many problems as parts.
fn assert_says(problems: &[String], parts: &[&str]) {
    for part in parts {
        assert!(
            problems.iter().any(|problem| problem.contains(part)),
            "{part:?} is not in {problems:#?}"
        );
    }
    assert_eq!(problems.len(), parts.len(), "{problems:#?}");
}

fn scenario(server: Value, client: Value) -> Value {
    json!({ "name": "test", "why": "a test", "server": server, "client": client })
}

#[tokio::test]
async fn a_client_that_does_everything_right_passes() {
    let bench = Bench::start(Options::default()).await;
    let call = json!([{ "call": "balance.get", "returns": { "credit_balance_cents": 4200 } }]);
    let mut right = scenario(json!(["balance.get"]), call);
    right["store"] = json!("logged_in");
    let started = start(&bench, right).await;
    let record: Value = serde_json::from_str(text(&started, "store")).unwrap();
    let login = &record["orgs"]["org_1"]["control_api"];
    assert!(login["access_token_expires_at"].is_u64());
    let url = format!("{}/service/v1/balance", text(&started, "account_url"));
    let answer = bench.http.get(url).bearer_auth("at-secret-1");
    let answer = answer
        .header("accept", "application/json")
        .header("user-agent", "test");
    let balance: Value = answer.send().await.unwrap().json().await.unwrap();
    let report = json!({ "results": [{ "returns": balance }] });
    assert_says(&verdict(&bench, &started, report).await, &[]);
}

#[tokio::test]
async fn wrong_requests_are_noticed() {
    let bench = Bench::start(Options::default()).await;
    let server = json!(["device_code", "poll", "revoke"]);
    let started = start(&bench, scenario(server, json!([]))).await;
    let base = text(&started, "platform_url").to_owned();
    let send = |path: &str, form: &[(&str, &str)]| {
        let request = bench.http.post(format!("{base}{path}")).form(form);
        request
            .header("user-agent", "test")
            .header("accept", "application/json")
            .send()
    };
    send(
        "/getServiceKeys/device/code",
        &[("client_id", "client-2"), ("extra", "x")],
    )
    .await
    .unwrap();
    // Out of turn, then too early and with a bearer.
    let refused = send("/getServiceKeys/token/revoke", &[]).await.unwrap();
    assert_eq!(refused.status(), 418);
    let early = bench
        .http
        .post(format!("{base}/getServiceKeys/token"))
        .form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "client-1"),
            ("device_code", "dc-secret-1"),
        ])
        .bearer_auth("x")
        .header("user-agent", "test");
    early.send().await.unwrap();
    let problems = verdict(&bench, &started, json!({ "results": [] })).await;
    assert_says(
        &problems,
        &[
            "form.client_id is \"client-2\", not \"client-1\"",
            "form.scope is missing",
            "form.extra is too much",
            "step 1 expects POST platform/getServiceKeys/token, not POST platform/getServiceKeys/token/revoke",
            "after the answer before, not 5",
            "the header accept is Some(Ok(\"*/*\"))",
            "the header authorization is Some(Ok(\"Bearer x\"))",
            "step 2 (POST /getServiceKeys/token/revoke) was not reached",
        ],
    );
}

#[tokio::test]
async fn wrong_results_are_noticed() {
    let bench = Bench::start(Options::default()).await;
    let client = json!([
        { "call": "balance.get", "returns": { "org_id": "org_1", "at": "{{near+60}}" } },
        { "call": "balance.get", "raises": { "code": "server", "message_contains": "later" } },
        { "call": "login", "events": ["pending", "authorized"], "returns": {} },
        { "call": "logout" },
        { "call": "status", "returns": {} },
    ]);
    let mut wrong = scenario(json!([]), client);
    wrong["store"] = json!("logged_in");
    wrong["stored"] = json!({ "version": 2 });
    let started = start(&bench, wrong).await;
    let report = json!({
        "results": [
            { "returns": { "org_id": "org_2", "at": 0 } },
            { "raises": { "code": "server", "message": "at-secret-1\u{1b}" } },
            { "returns": {}, "events": [{ "type": "authorized" }] },
            { "raises": { "code": "server" } },
        ],
        "stored": "{\"version\": 1}",
    });
    assert_says(
        &verdict(&bench, &started, report).await,
        &[
            "4 results for 5 calls",
            "call 0 (balance.get) returns.org_id is \"org_2\", not \"org_1\"",
            "call 0 (balance.get) returns.at is 0",
            "call 1 (balance.get) raises.message_contains",
            "call 1 (balance.get): the error shows a secret",
            "call 1 (balance.get): the error holds control characters",
            "call 2 (login): the events are [\"authorized\"]",
            "call 3 (logout) raises",
            "stored.version is 1, not 2",
        ],
    );
}

#[tokio::test]
async fn a_scenario_that_makes_no_sense_is_refused() {
    let bench = Bench::start(Options::default()).await;
    let url = format!("{}/scenarios", bench.sandbox.control_url());
    for (scenario, words) in [
        (
            scenario(json!(["dance"]), json!([])),
            "no step \\\"dance\\\"",
        ),
        (
            scenario(json!([]), json!([{ "call": "x", "retuns": 1 }])),
            "retuns",
        ),
        (
            scenario(
                json!([]),
                json!([{ "call": "x", "args": { "a": "{{tomorrow}}" } }]),
            ),
            "{{tomorrow}} is no template",
        ),
        (json!({ "name": "x" }), "missing field"),
    ] {
        let answer = bench.http.post(&url).json(&scenario).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let said = answer.text().await.unwrap();
        assert!(said.contains(words), "{said}");
    }
}
