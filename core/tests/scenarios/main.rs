//! Plays the client's part of every scenario in `tests/scenarios`; the sandbox plays the server's
//! and judges both. Arguments pick scenarios by parts of their names.

#[path = "../support/scenario_files.rs"]
mod files;
mod normal_form;
mod player;

use normal_form::raised;
use parallel_account::{AccountClient, Error, MemoryStore};
use parallel_account_sandbox::{Options, Sandbox};
use player::Player;
use serde_json::{Value, json};
use std::{fs, process::ExitCode, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet};

/// Scenarios spend their time waiting; more at once than this, and slow machines wait for nothing
/// but themselves.
const AT_ONCE: usize = 64;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|part| !part.starts_with('-'))
        .collect();
    // For the runner's own client, which reqwest would not make without, even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::start(Options::default())
        .await
        .expect("a free port");
    let url = format!("{}/scenarios", sandbox.control_url());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for (name, path) in files::scenarios() {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
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
            let mut player = Player::new(client);
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
        .scopes(player::strings(&options["scopes"]).unwrap_or_default())
        .first_poll_at_once(options["first_poll_at_once"] == true);
    if let Some(seconds) = options["timeout"].as_f64() {
        builder = builder.timeout(Duration::from_secs_f64(seconds));
    }
    if let Some(seconds) = options["deadline"].as_f64() {
        builder = builder.deadline(Duration::from_secs_f64(seconds));
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
    for (name, value) in player::headers(options) {
        builder = builder.header(name, value);
    }
    builder.build()
}
