//! The data API: which keys it takes, and what can be done with one.

mod support;

use parallel_account_sandbox::{Options, fingerprint};
use serde_json::{Value, json};
use support::{Bench, parts, text};

/// A logged in person who makes apps and keys.
struct Owner {
    bench: Bench,
    bearer: String,
}

impl Owner {
    async fn start(options: Options) -> Self {
        let bench = Bench::start(options).await;
        let bearer = text(&bench.login().await, "access_token").to_owned();
        Self { bench, bearer }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.bench.account(method, &format!("/service/v1{path}"));
        parts(request.bearer_auth(&self.bearer).json(&body)).await
    }

    async fn app(&self) -> String {
        let (_, app) = self
            .call("POST", "/apps", json!({ "app_name": "tests" }))
            .await;
        text(&app, "app_id").into()
    }

    async fn key(&self, app_id: &str) -> (u16, Value) {
        let path = format!("/apps/{app_id}/keys");
        self.call("POST", &path, json!({ "api_key_name": "k" }))
            .await
    }

    async fn search(&self, key: &str) -> (u16, Value) {
        let asked = json!({ "search_queries": ["the longest river"] });
        parts(self.bench.data("POST", "/v1/search", key).json(&asked)).await
    }

    async fn status(&self, key: &str) -> u16 {
        self.search(key).await.0
    }
}

#[tokio::test]
async fn a_key_works_until_it_or_its_app_is_deleted() {
    let owner = Owner::start(Options::default()).await;
    let app = owner.app().await;
    let mut keys = Vec::new();
    for _ in 0..4 {
        keys.push(owner.key(&app).await.1);
    }
    let raw: Vec<&str> = keys.iter().map(|key| text(key, "raw_api_key")).collect();
    let (status, found) = owner.search(raw[0]).await;
    assert_eq!(
        (status, &found["results"][0]["title"]),
        (200, &json!("the longest river"))
    );

    let path = format!("/apps/{app}/keys/{}", text(&keys[0], "api_key_id"));
    assert_eq!(owner.call("DELETE", &path, json!({})).await.0, 200);
    for named in [text(&keys[1], "api_key_id"), &fingerprint(raw[2])] {
        let deleted = owner
            .bench
            .control("/delete-key", json!({ "key": named }))
            .await;
        assert_eq!(deleted["deleted"], 1, "{named}");
    }
    for gone in &raw[..3] {
        let (status, refused) = owner.search(gone).await;
        assert_eq!((status, &refused["type"]), (401, &json!("error")));
        assert_eq!(refused["error"]["message"], "The API key is not valid");
        assert!(refused["error"]["ref_id"].is_string());
    }
    assert_eq!(owner.status(raw[3]).await, 200);
    let path = format!("/apps/{app}");
    assert_eq!(owner.call("DELETE", &path, json!({})).await.0, 200);
    assert_eq!(owner.status(raw[3]).await, 401);
}

#[tokio::test]
async fn neither_api_takes_what_the_other_wants() {
    let owner = Owner::start(Options::default()).await;
    let key = owner.key(&owner.app().await).await.1;
    assert_eq!(owner.status(&owner.bearer).await, 401);
    assert_eq!(owner.status(text(&key, "display_value")).await, 401);
    let search = owner.bench.data("POST", "/v1/search", "").body("{}");
    assert_eq!(parts(search).await.0, 401);
    let with_key = owner.bench.account("GET", "/service/v1/balance");
    let with_key = with_key.bearer_auth(text(&key, "raw_api_key"));
    assert_eq!(parts(with_key).await.0, 401);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the steps of one story")]
async fn a_task_run_completes_and_is_seen_by_its_organization_only() {
    // Long enough that nothing below sees it completed before it asks for that.
    let owner = Owner::start(Options {
        task_duration: 3600.0,
        ..Options::default()
    })
    .await;
    let key = owner.key(&owner.app().await).await.1;
    let key = text(&key, "raw_api_key");
    let create = || async {
        let asked = json!({ "input": "What is the longest river?", "processor": "lite" });
        let create = owner.bench.data("POST", "/v1/tasks/runs", key);
        let (status, run) = parts(create.json(&asked)).await;
        assert_eq!((status, &run["status"]), (202, &json!("queued")));
        format!("/v1/tasks/runs/{}", text(&run, "run_id"))
    };
    let run = create().await;
    let (_, shown) = parts(owner.bench.data("GET", &run, key)).await;
    assert_eq!(
        (&shown["status"], &shown["is_active"]),
        (&json!("running"), &json!(true))
    );
    let impatient = format!("{run}/result?timeout=0");
    assert_eq!(parts(owner.bench.data("GET", &impatient, key)).await.0, 408);

    owner
        .bench
        .control("/options", json!({ "task_duration": 0.01 }))
        .await;
    let run = create().await;
    let result = format!("{run}/result");
    let (status, result_shown) = parts(owner.bench.data("GET", &result, key)).await;
    assert_eq!(
        (status, &result_shown["run"]["status"]),
        (200, &json!("completed"))
    );
    let content = text(&result_shown["output"], "content");
    assert!(
        content.ends_with("What is the longest river?"),
        "{content:?}"
    );

    let client_id = owner.bench.register().await;
    let device = owner
        .bench
        .device_code(&client_id, support::EVERY_SCOPE)
        .await;
    owner
        .bench
        .control("/approve", json!({ "org_id": "org_other" }))
        .await;
    let (_, tokens) = owner
        .bench
        .poll(&client_id, text(&device, "device_code"))
        .await;
    let stranger = Owner {
        bearer: text(&tokens, "access_token").into(),
        ..owner
    };
    let theirs = stranger.key(&stranger.app().await).await.1;
    let theirs = text(&theirs, "raw_api_key");
    for path in [&run, &result] {
        let refused = parts(stranger.bench.data("GET", path, theirs)).await;
        assert_eq!(refused.0, 404, "{path}");
    }
}

#[tokio::test]
async fn wrong_bodies_are_refused() {
    let owner = Owner::start(Options::default()).await;
    let key = owner.key(&owner.app().await).await.1;
    let key = text(&key, "raw_api_key");
    for (path, body) in [
        ("/v1/search", json!({})),
        ("/v1/search", json!({ "search_queries": [] })),
        ("/v1/search", json!({ "search_queries": [1] })),
        ("/v1/search", json!({ "search_queries": ["a"], "color": 1 })),
        ("/v1/search", json!([])),
        ("/v1/tasks/runs", json!({ "input": "a" })),
        ("/v1/tasks/runs", json!({ "input": 1, "processor": "lite" })),
    ] {
        let (status, refused) = parts(owner.bench.data("POST", path, key).json(&body)).await;
        assert_eq!((status, &refused["type"]), (422, &json!("error")), "{body}");
    }
}

#[tokio::test]
async fn keys_are_counted_and_shown_without_their_secret() {
    let owner = Owner::start(Options::default()).await;
    let app = owner.app().await;
    let first = owner.key(&app).await.1;
    let second = owner.key(&app).await.1;
    let path = format!("/apps/{app}/keys/{}", text(&first, "api_key_id"));
    owner.call("DELETE", &path, json!({})).await;
    let raw = text(&second, "raw_api_key");
    owner.status(raw).await;
    let seen = owner.bench.observed("/keys").await;
    assert_eq!((&seen["made"], &seen["deleted"]), (&json!(2), &json!(1)));
    let alive = seen["keys"].as_array().unwrap();
    assert_eq!(alive.len(), 1);
    for (field, value) in [
        ("api_key_id", text(&second, "api_key_id")),
        ("app_id", app.as_str()),
        ("org_id", "org_sandbox"),
        ("raw_api_key", fingerprint(raw).as_str()),
    ] {
        assert_eq!(alive[0][field], value, "{field}");
    }
    let requests = owner.bench.observed("/requests?route=search").await;
    assert_eq!(requests["requests"][0]["api_key"], fingerprint(raw));
    for shown in [
        seen,
        requests,
        owner.bench.observed("/organizations").await,
        owner.bench.observed("/requests").await,
    ] {
        assert!(!shown.to_string().contains(raw), "{shown}");
    }
    // An app takes its keys with it.
    owner
        .bench
        .control("/delete-app", json!({ "app_id": app }))
        .await;
    let seen = owner.bench.observed("/keys").await;
    assert_eq!(
        seen,
        json!({ "keys": [], "made": 2, "deleted": 2 }),
        "after the app was deleted"
    );
}

#[tokio::test]
async fn apps_are_made_twice_and_deleted_from_outside() {
    let owner = Owner::start(Options::default()).await;
    for _ in 0..2 {
        let app = json!({ "app_name": "twice" });
        owner.bench.control("/apps", app).await;
    }
    let apps = || async {
        let (_, apps) = owner.call("GET", "/apps", json!({})).await;
        apps["apps"].as_array().unwrap().len()
    };
    assert_eq!(apps().await, 2);
    let deleted = owner
        .bench
        .control("/delete-app", json!({ "app_name": "twice" }))
        .await;
    assert_eq!(deleted["deleted"], 2);
    assert_eq!(apps().await, 0);
}

#[tokio::test]
async fn creating_keys_fails_on_request() {
    let owner = Owner::start(Options::default()).await;
    let app = owner.app().await;
    let set = |change: Value| owner.bench.control("/organizations", change);
    set(json!({ "org_id": "org_sandbox", "keys_forbidden": true })).await;
    let (status, refused) = owner.key(&app).await;
    assert_eq!(status, 403);
    assert!(text(&refused, "detail").contains("does not allow"));
    set(json!({ "org_id": "org_sandbox", "keys_forbidden": false, "raw_api_key_withheld": true }))
        .await;
    let (status, key) = owner.key(&app).await;
    assert_eq!(status, 200);
    assert!(key["api_key_id"].is_string() && key.get("raw_api_key").is_none());
    // The key exists although its answer is lost.
    let lost = json!({ "route": "keys.create", "drop_answer_after_processing": true });
    owner.bench.control("/faults", lost).await;
    let create = owner
        .bench
        .account("POST", &format!("/service/v1/apps/{app}/keys"))
        .bearer_auth(&owner.bearer)
        .json(&json!({ "api_key_name": "lost" }));
    assert!(create.send().await.is_err());
    assert_eq!(owner.bench.observed("/keys").await["made"], 2);
}
