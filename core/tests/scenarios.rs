//! Plays the client's part of every scenario in `tests/scenarios`; the sandbox plays the server's
//! and judges both. Arguments pick scenarios by parts of their names.

use parallel_account::{
    AccountClient, CallOptions, DeviceLogin, Error, LoginEvent, LoginOptions, MemoryStore,
    PollAnswer, Status, Tokens,
};
use parallel_account_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::Semaphore, task::JoinSet};

/// Scenarios spend their time waiting; more at once than this, and slow machines wait for nothing
/// but themselves.
const AT_ONCE: usize = 64;

type Result<T> = std::result::Result<T, Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|part| !part.starts_with('-'))
        .collect();
    // For the runner's own client, which reqwest would not make without, even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let sandbox = Sandbox::start(Options::default())
        .await
        .expect("a free port");
    let url = format!("{}/scenarios", sandbox.control_url());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for entry in fs::read_dir(folder).expect("the scenarios") {
        let path = entry.expect("a file").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let picked = wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
        if picked
            && path
                .extension()
                .is_some_and(|extension| extension == "json")
        {
            let text = fs::read_to_string(path).expect("a scenario");
            let (url, turns) = (url.clone(), turns.clone());
            runs.spawn(async move {
                let _turn = turns.acquire().await.expect("never closed");
                run(url, name, text).await
            });
        }
    }
    let (mut passed, mut failed) = (0, 0);
    while let Some(done) = runs.join_next().await {
        match done.expect("no scenario panics") {
            (_, problems) if problems.is_empty() => passed += 1,
            (name, problems) => {
                failed += 1;
                println!("{name}");
                problems
                    .iter()
                    .for_each(|problem| println!("    {problem}"));
            }
        }
    }
    println!("scenarios (rust): {passed} passed, {failed} failed");
    if failed == 0 && passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One scenario from its file to its verdict.
async fn run(url: String, name: String, text: String) -> (String, Vec<String>) {
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let started = post(&http, &url, text).await;
    if let Some(problem) = started["error"].as_str() {
        return (name, vec![problem.to_owned()]);
    }
    let store = MemoryStore::new(started["store"].as_str().map(str::to_owned));
    let mut results = Vec::new();
    match client(&started, store.clone()) {
        Err(error) => results.push(json!({ "raises": raised(&error) })),
        Ok(client) => {
            let mut player = Player {
                client,
                login: None,
            };
            for call in started["client"].as_array().expect("calls") {
                results.push(player.play(call).await);
            }
        }
    }
    let report = json!({ "results": results, "stored": store.record() });
    let verdict_url = started["verdict_url"].as_str().expect("an address");
    let verdict = post(&http, verdict_url, report.to_string()).await;
    let problems = verdict["problems"].as_array().expect("a verdict");
    (
        name,
        problems
            .iter()
            .map(|problem| problem.as_str().unwrap_or_default().to_owned())
            .collect(),
    )
}

async fn post(http: &reqwest::Client, url: &str, body: String) -> Value {
    let answer = http
        .post(url)
        .body(body)
        .send()
        .await
        .expect("the sandbox answers");
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

fn client(started: &Value, store: MemoryStore) -> Result<AccountClient> {
    let options = &started["options"];
    let text = |name: &str| {
        options[name]
            .as_str()
            .or(started[name].as_str())
            .map(str::to_owned)
    };
    let mut builder = AccountClient::builder()
        .store(store)
        .time_scale(started["time_scale"].as_f64().unwrap_or(1.0))
        .platform_url(text("platform_url").expect("given"))
        .account_url(text("account_url").expect("given"))
        .client_name(text("client_name").expect("given"))
        .scopes(strings(&options["scopes"]).unwrap_or_default())
        .first_poll_at_once(options["first_poll_at_once"] == true);
    if let Some(seconds) = options["timeout"].as_f64() {
        builder = builder.timeout(Duration::from_secs_f64(seconds));
    }
    if let Some(retries) = options["max_retries"].as_u64() {
        builder = builder.max_retries(retries as u32);
    }
    if let Some(id) = text("client_id") {
        builder = builder.client_id(id);
    }
    if let Some(id) = text("org") {
        builder = builder.organization(id);
    }
    if let Some(agent) = text("user_agent") {
        builder = builder.user_agent(agent);
    }
    builder.build()
}

struct Player {
    client: AccountClient,
    login: Option<DeviceLogin>,
}

impl Player {
    async fn play(&mut self, call: &Value) -> Value {
        let mut events = Vec::new();
        let mut result = match self.call(call, &mut events).await {
            Ok(returns) => json!({ "returns": returns }),
            Err(error) => json!({ "raises": raised(&error) }),
        };
        result["events"] = events.into();
        result
    }

    async fn call(&mut self, call: &Value, events: &mut Vec<Value>) -> Result<Value> {
        let args = &call["args"];
        let text = |name: &str| args[name].as_str().unwrap_or_default();
        let client = self.client.with_options(CallOptions {
            timeout: call["options"]["timeout"]
                .as_f64()
                .map(Duration::from_secs_f64),
            max_retries: call["options"]["max_retries"]
                .as_u64()
                .map(|retries| retries as u32),
        });
        Ok(match call["call"].as_str().expect("a name") {
            "login" => {
                self.login = Some(client.start_login(login_options(args)).await?);
                self.wait(events).await?
            }
            "start_login" => {
                let login = client.start_login(login_options(args)).await?;
                shown(self.login.insert(login))
            }
            "resume_login" => {
                let record = match (&args["record"], &self.login) {
                    (Value::Null, Some(login)) => login.pending_record().expose().to_owned(),
                    (Value::String(record), _) => record.clone(),
                    (record, _) => record.to_string(),
                };
                shown(self.login.insert(client.resume_login(&record).await?))
            }
            "poll" => event(&self.login().poll().await?),
            "wait" => self.wait(events).await?,
            "cancel" => {
                self.login().cancel();
                Value::Null
            }
            "status" => status(&client.status().await?),
            "logout" => {
                match (&args["all"], args["organization"].as_str()) {
                    (Value::Bool(true), _) => client.logout_all().await?,
                    (_, Some(organization)) => client.logout_of(organization).await?,
                    _ => client.logout().await?,
                }
                Value::Null
            }
            "access_token" => json!(client.access_token().await?.expose()),
            "organizations" => client
                .organizations()
                .await?
                .iter()
                .map(organization)
                .collect(),
            "select_organization" => json!(client.select_organization(text("id")).await?),
            "close" => json!(client.close()),
            "request" => {
                let json = args.get("json").cloned();
                client
                    .request(text("method"), text("path"), json)
                    .await?
                    .json
            }
            "balance.get" => balance(&client.balance().get().await?),
            "balance.add" => {
                let cents = args["amount_cents"].as_i64().unwrap_or_default();
                balance(
                    &client
                        .balance()
                        .add(cents, args["idempotency_key"].as_str())
                        .await?,
                )
            }
            "apps.list" => client.apps().list().await?.iter().map(app).collect(),
            "apps.create" => json!({ "app_id": client.apps().create(text("name")).await?.app_id }),
            "apps.delete" => json!(client.apps().delete(text("app_id")).await?),
            "keys.create" => {
                let key = client.keys().create(text("app_id"), text("name")).await?;
                json!({
                    "api_key_id": key.api_key_id, "api_key_name": key.api_key_name,
                    "app_id": key.app_id, "app_name": key.app_name,
                    "created_by_user_id": key.created_by_user_id,
                    "created_by_user_email": key.created_by_user_email,
                    "display_value": key.display_value,
                    "raw_api_key": key.raw_api_key.as_ref().map(|key| key.expose()),
                    "created_at": key.created_at.map(unix),
                })
            }
            "keys.delete" => json!(client.keys().delete(text("app_id"), text("key_id")).await?),
            "oauth.register" => json!({ "client_id": client.oauth().register().await?.client_id }),
            "oauth.request_device_code" => {
                let scopes = strings(&args["scopes"]).unwrap_or_default();
                let code = client
                    .oauth()
                    .request_device_code(text("client_id"), &scopes)
                    .await?;
                json!({
                    "device_code": code.device_code.expose(), "user_code": code.user_code,
                    "verification_uri": code.verification_uri,
                    "verification_uri_complete": code.verification_uri_complete,
                    "expires_in": code.expires_in.as_secs_f64(),
                    "interval": code.interval.as_secs_f64(),
                })
            }
            "oauth.poll_token" => {
                match client
                    .oauth()
                    .poll_token(text("client_id"), text("device_code"))
                    .await?
                {
                    PollAnswer::Pending => json!("pending"),
                    PollAnswer::SlowDown => json!("slow_down"),
                    PollAnswer::Tokens(answer) => tokens(&answer),
                }
            }
            "oauth.refresh" => {
                let client_id = args["client_id"].as_str();
                tokens(
                    &client
                        .oauth()
                        .refresh(text("refresh_token"), client_id)
                        .await?,
                )
            }
            "oauth.revoke" => json!(client.oauth().revoke(text("refresh_token")).await?),
            other => panic!("this runner does not know the call {other}"),
        })
    }

    fn login(&self) -> &DeviceLogin {
        self.login.as_ref().expect("a login was started")
    }

    async fn wait(&self, events: &mut Vec<Value>) -> Result<Value> {
        loop {
            let happened = self.login().poll().await?;
            events.push(event(&happened));
            if let LoginEvent::Authorized(reached) = happened {
                return Ok(status(&reached));
            }
        }
    }
}

fn login_options(args: &Value) -> LoginOptions {
    LoginOptions {
        scopes: strings(&args["scopes"]),
        timeout: args["timeout"].as_f64().map(Duration::from_secs_f64),
        login_hint: args["login_hint"].as_str().map(str::to_owned),
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?;
    Some(
        items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64()
}

fn shown(login: &DeviceLogin) -> Value {
    json!({
        "user_code": login.user_code(), "verification_uri": login.verification_uri(),
        "verification_uri_complete": login.verification_uri_complete(),
        "expires_at": unix(login.expires_at()), "interval": login.interval().as_secs_f64(),
    })
}

fn event(event: &LoginEvent) -> Value {
    match event {
        LoginEvent::Pending { retry_in } => {
            json!({ "type": "pending", "retry_in": retry_in.as_secs_f64() })
        }
        LoginEvent::SlowDown { interval, retry_in } => json!({
            "type": "slow_down", "interval": interval.as_secs_f64(), "retry_in": retry_in.as_secs_f64(),
        }),
        LoginEvent::Offline { error, retry_in } => json!({
            "type": "offline", "error": raised(error), "retry_in": retry_in.as_secs_f64(),
        }),
        LoginEvent::Authorized(_) => json!({ "type": "authorized" }),
    }
}

fn status(status: &Status) -> Value {
    json!({
        "logged_in": status.logged_in, "scopes": status.scopes, "client_id": status.client_id,
        "organization": status.organization.as_ref().map(organization), "problem": status.problem,
        "access_token_expires_at": status.access_token_expires_at.map(unix),
        "refresh_token_expires_at": status.refresh_token_expires_at.map(unix),
        "authorization_expires_at": status.authorization_expires_at.map(unix),
    })
}

fn organization(organization: &parallel_account::Organization) -> Value {
    json!({
        "id": organization.id, "name": organization.name,
        "selected": organization.selected, "logged_in": organization.logged_in,
    })
}

fn balance(balance: &parallel_account::Balance) -> Value {
    json!({
        "org_id": balance.org_id, "credit_balance_cents": balance.credit_balance_cents,
        "pending_debit_balance_cents": balance.pending_debit_balance_cents,
        "will_invoice": balance.will_invoice,
    })
}

fn app(app: &parallel_account::App) -> Value {
    json!({
        "app_id": app.app_id, "app_name": app.app_name,
        "org_id": app.org_id, "org_name": app.org_name,
    })
}

fn tokens(tokens: &Tokens) -> Value {
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
    json!({
        "access_token": tokens.access_token.expose(), "token_type": tokens.token_type,
        "refresh_token": tokens.refresh_token.as_ref().map(|token| token.expose()),
        "scopes": tokens.scopes, "org_id": tokens.org_id, "org_name": tokens.org_name,
        "expires_in": seconds(tokens.expires_in),
        "refresh_token_expires_in": seconds(tokens.refresh_token_expires_in),
        "authorization_expires_in": seconds(tokens.authorization_expires_in),
    })
}

fn raised(error: &Error) -> Value {
    let fields: Vec<Value> = error
        .fields()
        .iter()
        .map(|field| json!({ "location": field.location, "message": field.message, "type": field.error_type }))
        .collect();
    json!({
        "code": error.code(), "message": error.message(), "status": error.status(),
        "request_id": error.request_id(), "retryable": error.retryable(),
        "retry_after": error.retry_after().map(|after| after.as_secs_f64()),
        "outcome_unknown": error.outcome_unknown(), "oauth_error": error.oauth_error(),
        "description": error.description(), "fields": fields,
    })
}
