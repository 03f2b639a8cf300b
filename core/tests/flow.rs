//! From prompt to balance against the sandbox: real sockets, real state.

use parallel_account::{
    AccountClient, AccountClientBuilder, CallOptions, CredentialStore, DeviceLogin, Error,
    FileStore, LoginEvent, LoginOptions, MemoryStore, PollAnswer, Result, StoreFuture, StoreLock,
};
use parallel_account_sandbox::{Options, Sandbox};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The client's clock runs this much faster, so that an interval of a second takes 20 ms.
const FASTER: f64 = 50.0;

/// For the control surface; whether a provider is installed already does not matter.
fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

struct Local(Sandbox);

impl Local {
    async fn start(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            interval: 0.001,
            ..Options::default()
        };
        change(&mut options);
        Local(Sandbox::start(options).await.expect("a free port"))
    }

    fn builder(&self) -> AccountClientBuilder {
        AccountClient::builder()
            .platform_url(self.0.platform_url())
            .account_url(self.0.account_url())
            .store(MemoryStore::default())
            .time_scale(FASTER)
    }

    fn client(&self) -> AccountClient {
        self.builder().build().expect("good options")
    }

    async fn control(&self, path: &str, body: &str) {
        let url = format!("{}{path}", self.0.control_url());
        let answer = http()
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .expect("the control surface answers");
        assert!(
            answer.status().is_success(),
            "{path}: {}",
            answer.text().await.expect("text")
        );
    }

    async fn counts(&self) -> serde_json::Value {
        let url = format!("{}/counts", self.0.control_url());
        let text = http()
            .get(url)
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    async fn count(&self, route: &str) -> u64 {
        let counts = self.counts().await;
        counts["routes"][route].as_u64().unwrap_or(0)
    }

    async fn approve(&self, login: &DeviceLogin) {
        self.control(
            "/approve",
            &format!(r#"{{"user_code":"{}"}}"#, login.user_code()),
        )
        .await;
    }

    async fn logged_in(&self, client: &AccountClient) {
        let login = client
            .start_login(LoginOptions::default())
            .await
            .expect("a code");
        self.approve(&login).await;
        assert!(login.wait().await.expect("approved").logged_in);
    }
}

#[tokio::test]
async fn a_login_is_approved_and_the_balance_read() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    let login = client
        .start_login(LoginOptions::default())
        .await
        .expect("a code");
    assert!(matches!(login.poll().await, Ok(LoginEvent::Pending { .. })));
    local.approve(&login).await;
    let status = login.wait().await.expect("approved");
    let organization = status.organization.expect("named");
    assert_eq!(
        (organization.id.as_str(), organization.name.as_deref()),
        ("org_sandbox", Some("Sandbox Inc."))
    );
    assert!(status.scopes.contains(&"balance:read".to_owned()));
    let balance = client.balance().get().await.expect("a balance");
    assert_eq!(
        (balance.org_id.as_str(), balance.credit_balance_cents),
        ("org_sandbox", 5_000.0)
    );
    // And after the end the answer stays.
    assert!(matches!(login.poll().await, Ok(LoginEvent::Authorized(_))));
}

#[tokio::test]
async fn denied_and_expired_end_it() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    for (route, code) in [
        ("/deny", "access_denied"),
        ("/expire-device-code", "login_expired"),
    ] {
        let login = client
            .start_login(LoginOptions::default())
            .await
            .expect("a code");
        local
            .control(
                route,
                &format!(r#"{{"user_code":"{}"}}"#, login.user_code()),
            )
            .await;
        let error = login.wait().await.expect_err(route);
        assert_eq!(error.code(), code);
        assert!(error.message().contains("new login"), "{error}");
        assert_eq!(login.poll().await.expect_err("still").code(), code);
    }
    assert_eq!(
        local.count("register").await,
        1,
        "the registration is reused"
    );
}

#[tokio::test]
async fn slow_down_lengthens_the_interval_for_good() {
    let local = Local::start(|options| options.slow_down_step = 0.0).await;
    let client = local.client();
    let login = client
        .start_login(LoginOptions::default())
        .await
        .expect("a code");
    let before = login.interval();
    local
        .control(
            "/faults",
            r#"{"route":"token.poll","status":400,"body":{"error":"slow_down"}}"#,
        )
        .await;
    assert!(matches!(
        login.poll().await,
        Ok(LoginEvent::SlowDown { .. })
    ));
    assert_eq!(login.interval(), before + Duration::from_secs(5));
    local.approve(&login).await;
    login.wait().await.expect("approved in the end");
}

#[tokio::test]
async fn an_outage_while_polling_is_not_the_end() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    let login = client
        .start_login(LoginOptions::default())
        .await
        .expect("a code");
    local
        .control(
            "/faults",
            r#"{"route":"token.poll","status":502,"body":"<html>Bad Gateway"}"#,
        )
        .await;
    local
        .control("/faults", r#"{"route":"token.poll","reset":"before"}"#)
        .await;
    for expected in ["server", "connection"] {
        match login.poll().await {
            Ok(LoginEvent::Offline { error, .. }) => assert_eq!(error.code(), expected),
            other => panic!("{other:?}"),
        }
    }
    local.approve(&login).await;
    login.wait().await.expect("approved");
}

#[tokio::test]
async fn nobody_logged_in_is_said_without_any_request() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    assert!(!client.status().await.expect("a status").logged_in);
    assert_eq!(
        client.balance().get().await.expect_err("no login").code(),
        "login_required"
    );
    assert_eq!(
        client.access_token().await.expect_err("no login").code(),
        "login_required"
    );
    client.logout().await.expect("nothing to do");
    assert_eq!(
        local.counts().await["routes"].as_object().map_or(0, |map| {
            map.values()
                .filter_map(serde_json::Value::as_u64)
                .sum::<u64>()
        }),
        0
    );
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_for_all_who_wait() {
    let local = Local::start(|options| options.access_token_lifetime = 600.0).await;
    let client = local.client();
    local.logged_in(&client).await;
    let before = client.access_token().await.expect("a token");
    local.control("/expire-access-token", "{}").await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.balance().get().await })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect("a balance");
    }
    assert_ne!(client.access_token().await.expect("a token"), before);
    assert_eq!(local.count("token.refresh").await, 1);
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_is_asked_for_again() {
    let local = Local::start(|options| options.grace = 60.0).await;
    let client = local.client();
    local.logged_in(&client).await;
    local
        .control(
            "/faults",
            r#"{"route":"token.refresh","drop_answer_after_processing":true}"#,
        )
        .await;
    local.control("/expire-access-token", "{}").await;
    client
        .balance()
        .get()
        .await
        .expect("renewed at the second try");
    assert_eq!(local.count("token.refresh").await, 2);
}

#[tokio::test]
async fn a_refused_refresh_asks_for_a_login_and_keeps_the_record() {
    let local = Local::start(|_| {}).await;
    let store = MemoryStore::default();
    let client = local
        .builder()
        .store(store.clone())
        .build()
        .expect("good options");
    local.logged_in(&client).await;
    local.control("/revoke-family", "{}").await;
    local.control("/expire-access-token", "{}").await;
    let error = client.balance().get().await.expect_err("refused");
    assert_eq!(error.code(), "login_required");
    assert!(store.record().expect("kept").contains("refresh_token"));
    let status = client.status().await.expect("a status");
    assert!(!status.logged_in && status.problem.expect("said").contains("refused"));
    assert_eq!(status.organization.expect("kept").id, "org_sandbox");
    // The refused token is not sent again.
    client.balance().get().await.expect_err("refused");
    assert_eq!(local.count("token.refresh").await, 1);
}

#[tokio::test]
async fn a_passing_failure_leaves_the_unexpired_token_in_use() {
    let local = Local::start(|_| {}).await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    // Within the thirty seconds before its end, so it is renewed early.
    let record = serde_json::json!({"version": 1, "orgs": {"org_1": {"control_api": {
        "access_token": "at-old", "refresh_token": "rt-old",
        "access_token_expires_at": now.as_secs() + 25}}}});
    let client = local
        .builder()
        .time_scale(1.0)
        .store(MemoryStore::new(Some(record.to_string())))
        .build()
        .expect("good options");
    local
        .control(
            "/faults",
            r#"{"route":"token.refresh","times":99,"status":503,"body":""}"#,
        )
        .await;
    let token = client.access_token().await.expect("the old one");
    assert_eq!(token.expose(), "at-old");
    assert!(local.count("token.refresh").await >= 1, "it was tried");
}

#[tokio::test]
async fn cancelling_every_waiter_does_not_stop_a_refresh() {
    let local = Local::start(|_| {}).await;
    let store = MemoryStore::default();
    let client = local
        .builder()
        .store(store.clone())
        .build()
        .expect("good options");
    local.logged_in(&client).await;
    let before = store.record().expect("a record");
    local
        .control(
            "/faults",
            r#"{"route":"token.refresh","delay_answer_ms":150}"#,
        )
        .await;
    local.control("/expire-access-token", "{}").await;
    let call = client.clone();
    let waiter = tokio::spawn(async move { call.balance().get().await });
    while local.count("token.refresh").await == 0 {
        tokio::task::yield_now().await;
    }
    waiter.abort();
    client.settled().await;
    assert_ne!(store.record().expect("a record"), before);
    client.balance().get().await.expect("the new pair");
    assert_eq!(local.count("token.refresh").await, 1);
}

#[tokio::test]
async fn tokens_that_arrive_after_a_cancelled_poll_are_kept() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    let login = client
        .start_login(LoginOptions::default())
        .await
        .expect("a code");
    local.approve(&login).await;
    local
        .control("/faults", r#"{"route":"token.poll","delay_answer_ms":100}"#)
        .await;
    let poller = login.clone();
    let task = tokio::spawn(async move { poller.wait().await });
    while local.count("token.poll").await == 0 {
        tokio::task::yield_now().await;
    }
    task.abort();
    client.settled().await;
    assert!(login.wait().await.expect("kept").logged_in);
    assert_eq!(local.count("token.poll").await, 1);
}

#[tokio::test]
async fn a_login_goes_on_elsewhere_and_can_be_cancelled() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    let login = client
        .start_login(LoginOptions::default())
        .await
        .expect("a code");
    let record = login.pending_record();
    login.cancel();
    assert_eq!(
        login.wait().await.expect_err("cancelled").code(),
        "cancelled"
    );
    let elsewhere = local.client();
    let resumed = elsewhere
        .resume_login(record.expose())
        .await
        .expect("a good record");
    assert_eq!(resumed.user_code(), login.user_code());
    local.approve(&resumed).await;
    resumed.wait().await.expect("approved");
    assert_eq!(
        elsewhere
            .resume_login("{}")
            .await
            .expect_err("nonsense")
            .code(),
        "invalid_request"
    );
}

#[tokio::test]
async fn a_login_timeout_is_one() {
    let local = Local::start(|_| {}).await;
    let options = LoginOptions::default().timeout(Duration::from_secs(3));
    let login = local.client().start_login(options).await.expect("a code");
    assert_eq!(
        login.wait().await.expect_err("nobody came").code(),
        "timeout"
    );
}

#[tokio::test]
async fn logging_out_revokes_and_forgets() {
    let local = Local::start(|_| {}).await;
    let store = MemoryStore::default();
    let client = local
        .builder()
        .store(store.clone())
        .build()
        .expect("good options");
    local.logged_in(&client).await;
    client.logout().await.expect("revoked");
    assert_eq!(local.count("revoke").await, 1);
    assert_eq!(
        client.balance().get().await.expect_err("gone").code(),
        "login_required"
    );
    // Forgotten even if revoking fails, and the failure is reported.
    local.logged_in(&client).await;
    local
        .control(
            "/faults",
            r#"{"route":"revoke","times":9,"status":500,"body":""}"#,
        )
        .await;
    let error = client.logout().await.expect_err("not revoked");
    assert_eq!(error.code(), "server");
    assert!(!client.status().await.expect("a status").logged_in);
    assert!(
        !store
            .record()
            .expect("the registration stays")
            .contains("refresh_token")
    );
}

#[tokio::test]
async fn apps_keys_and_the_balance_live_through_their_life() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    local.logged_in(&client).await;
    let app = client.apps().create("Größe 1").await.expect("created");
    let apps = client.apps().list().await.expect("listed");
    assert!(
        apps.iter()
            .any(|listed| listed.app_id == app.app_id && listed.app_name == "Größe 1")
    );
    let key = client
        .keys()
        .create(&app.app_id, "ci")
        .await
        .expect("created");
    assert!(
        !key.raw_api_key
            .as_ref()
            .expect("sent once")
            .expose()
            .is_empty()
    );
    assert!(!format!("{key:?}").contains(key.raw_api_key.as_ref().expect("there").expose()));
    client
        .keys()
        .delete(&app.app_id, &key.api_key_id)
        .await
        .expect("deleted");
    client.apps().delete(&app.app_id).await.expect("deleted");
    let added = client
        .balance()
        .add(250, Some("only-once-1"))
        .await
        .expect("added");
    let again = client
        .balance()
        .add(250, Some("only-once-1"))
        .await
        .expect("deduplicated");
    assert_eq!(added, again);
    assert_eq!(added.credit_balance_cents, 5_250.0);
    let raw = client
        .request("get", "/service/v1/balance", None)
        .await
        .expect("any call");
    assert_eq!(raw.json["credit_balance_cents"].as_f64(), Some(5_250.0));
}

#[tokio::test]
async fn no_token_of_a_repeated_call_is_in_its_error() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    local.logged_in(&client).await;
    let first = client.access_token().await.expect("a token");
    let body = format!(r#"{{"detail":"not {}"}}"#, first.expose());
    let fault = format!(r#"{{"route":"balance.get","times":2,"status":401,"body":{body}}}"#);
    local.control("/faults", &fault).await;
    let error = client.balance().get().await.expect_err("refused twice");
    assert_eq!(error.code(), "unauthorized");
    assert!(!format!("{error:?}").contains(first.expose()), "{error:?}");
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_counts_as_done() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    local.logged_in(&client).await;
    let app = client.apps().create("short").await.expect("created");
    local
        .control("/faults", r#"{"route":"apps.delete","reset":"after"}"#)
        .await;
    client
        .apps()
        .delete(&app.app_id)
        .await
        .expect("404 means that the first try did it");
    assert_eq!(
        client
            .apps()
            .delete(&app.app_id)
            .await
            .expect_err("gone")
            .code(),
        "not_found"
    );
}

#[tokio::test]
async fn creating_is_never_repeated_blindly() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    local.logged_in(&client).await;
    local
        .control("/faults", r#"{"route":"apps.create","reset":"after"}"#)
        .await;
    let error = client.apps().create("once").await.expect_err("no answer");
    assert!(error.outcome_unknown() && !error.retryable(), "{error:?}");
    assert_eq!(local.count("apps.create").await, 1);
}

#[tokio::test]
async fn bad_arguments_send_nothing() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    local.logged_in(&client).await;
    let before = local.counts().await;
    let id = "123e4567-e89b-12d3-a456-426614174000";
    let refusals: Vec<Error> = vec![
        client.balance().add(0, None).await.expect_err("too little"),
        client
            .balance()
            .add(10_001, None)
            .await
            .expect_err("too much"),
        client
            .balance()
            .add(5, Some("short"))
            .await
            .expect_err("a short key"),
        client.apps().create(" ").await.expect_err("no name"),
        client.apps().delete("../x").await.expect_err("no UUID"),
        client.keys().create(id, "").await.expect_err("no name"),
        client.keys().delete(id, "..").await.expect_err("no id"),
        client
            .request("GET", "/../x", None)
            .await
            .expect_err("outside"),
        client
            .request("TRACE", "/x", None)
            .await
            .expect_err("no such method"),
        client
            .oauth()
            .refresh("", None)
            .await
            .expect_err("no token"),
    ];
    for error in refusals {
        assert_eq!(
            (error.code(), error.status()),
            ("invalid_request", None),
            "{error}"
        );
    }
    assert_eq!(local.counts().await, before);
}

#[tokio::test]
async fn the_steps_work_one_by_one() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    let oauth = client.oauth();
    let id = oauth.register().await.expect("registered").client_id;
    let code = oauth
        .request_device_code(&id, &["balance:read".to_owned()])
        .await
        .expect("a code");
    let poll = async || oauth.poll_token(&id, code.device_code.expose()).await;
    assert_eq!(poll().await.expect("pending"), PollAnswer::Pending);
    local
        .control(
            "/approve",
            &format!(r#"{{"user_code":"{}"}}"#, code.user_code),
        )
        .await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let PollAnswer::Tokens(tokens) = poll().await.expect("approved") else {
        panic!("no tokens")
    };
    let first = tokens.refresh_token.expect("rotating");
    let second = oauth
        .refresh(first.expose(), Some(&id))
        .await
        .expect("renewed");
    oauth
        .revoke(second.refresh_token.expect("rotating").expose())
        .await
        .expect("revoked");
    assert_eq!(
        oauth
            .refresh("rt-never", Some(&id))
            .await
            .expect_err("unknown")
            .oauth_error(),
        Some("invalid_grant")
    );
}

#[tokio::test]
async fn a_lost_registration_is_made_again_once() {
    let local = Local::start(|_| {}).await;
    let store = MemoryStore::new(Some(r#"{"version":1,"client_id":"gone"}"#.into()));
    let client = local
        .builder()
        .store(store.clone())
        .build()
        .expect("good options");
    local.logged_in(&client).await;
    assert_eq!(local.count("register").await, 1);
    assert!(!store.record().expect("a record").contains("gone"));
    let fixed = local
        .builder()
        .client_id("gone")
        .build()
        .expect("good options");
    let error = fixed
        .start_login(LoginOptions::default())
        .await
        .expect_err("not ours to change");
    assert_eq!(error.oauth_error(), Some("invalid_client"));
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout_and_a_closed_port_says_so() {
    let local = Local::start(|_| {}).await;
    let client = local.client();
    local.logged_in(&client).await;
    local
        .control(
            "/faults",
            r#"{"route":"balance.get","times":9,"delay_ms":2000}"#,
        )
        .await;
    let hasty = client.with_options(
        CallOptions::default()
            .timeout(Duration::from_millis(50))
            .max_retries(0),
    );
    assert_eq!(
        hasty.balance().get().await.expect_err("too slow").code(),
        "timeout"
    );
    let nowhere = AccountClient::builder()
        .platform_url("http://127.0.0.1:1")
        .store(MemoryStore::default())
        .build()
        .expect("good options");
    let error = nowhere
        .start_login(LoginOptions::default())
        .await
        .expect_err("closed");
    assert_eq!(error.code(), "connection");
    assert!(
        error.message().contains("127.0.0.1:1") && !error.outcome_unknown(),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_is_shared_by_clients_that_know_nothing_of_each_other() {
    let local = Local::start(|_| {}).await;
    let folder = std::env::temp_dir().join(format!("parallel-account-flow-{}", std::process::id()));
    let file = || FileStore::new(folder.join("auth.json"));
    let one = local.builder().store(file()).build().expect("good options");
    let two = local.builder().store(file()).build().expect("good options");
    assert!(!two.status().await.expect("a status").logged_in);
    local.logged_in(&one).await;
    two.balance().get().await.expect("logged in by the other");
    local.control("/expire-access-token", "{}").await;
    let (first, second) = (one.balance(), two.balance());
    let (a, b) = tokio::join!(first.get(), second.get());
    a.and(b).expect("both");
    assert_eq!(
        local.count("token.refresh").await,
        1,
        "one of them, for both"
    );
    one.logout().await.expect("revoked");
    assert_eq!(
        two.balance().get().await.expect_err("logged out").code(),
        "login_required"
    );
    std::fs::remove_dir_all(&folder).expect("cleaned up");
}

/// A store whose disk is full from a moment on.
struct Full(MemoryStore, Arc<AtomicBool>);

impl CredentialStore for Full {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.0.load()
    }
    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        if self.1.load(Ordering::Relaxed) {
            return Box::pin(async { Result::Err(Error::store("The disk is full.", None)) });
        }
        self.0.replace(old, new)
    }
    /// As a file has one.
    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        Box::pin(async { Ok(Some(StoreLock::new(Full(self.0.clone(), self.1.clone())))) })
    }
    fn location(&self) -> String {
        "a small disk".into()
    }
}

#[tokio::test]
async fn a_pair_that_cannot_be_saved_is_used_all_the_same() {
    let local = Local::start(|_| {}).await;
    let full = Arc::new(AtomicBool::new(false));
    let memory = MemoryStore::default();
    let client = local
        .builder()
        .store(Full(memory.clone(), full.clone()))
        .build()
        .expect("good options");
    local.logged_in(&client).await;
    full.store(true, Ordering::Relaxed);
    local.control("/expire-access-token", "{}").await;
    let error = client
        .balance()
        .get()
        .await
        .expect_err("it must be said once");
    assert_eq!(error.code(), "store");
    assert!(error.message().contains("memory only"), "{error}");
    client.balance().get().await.expect("the new pair");
    assert_eq!(local.count("token.refresh").await, 1);
    // Room again: the next refresh starts from what was kept.
    full.store(false, Ordering::Relaxed);
    local.control("/expire-access-token", "{}").await;
    client.balance().get().await.expect("renewed again");
    let fresh = local.builder().store(memory).build().expect("good options");
    fresh.balance().get().await.expect("on disk");
}
