//! Scripted servers: one scenario says what a server answers, which requests it must
//! see, and what a client must make of it. Any number run side by side.
//!
//! The format is described in `tests/scenarios/README.md`.

mod judge;
mod model;
mod serve;
mod template;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use serde_json::{Value, json};

use crate::Shared;
use crate::control::Surface;
use crate::request::json_answer;
use model::Scenario;
use template::Templates;

/// Scenarios that were started and have no verdict yet.
#[derive(Default)]
pub(crate) struct Scenarios {
    next: u64,
    running: HashMap<u64, Arc<Running>>,
}

/// A scenario in progress.
struct Running {
    scenario: Scenario,
    platform_url: String,
    account_url: String,
    /// Texts that no error message may contain.
    secrets: Vec<String>,
    started: Instant,
    wall: SystemTime,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The step that is next, and how often it has been taken.
    step: usize,
    taken: u32,
    last_answer: Option<Instant>,
    captures: HashMap<String, String>,
    problems: Vec<String>,
}

impl Running {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().expect("no panic while held")
    }

    /// Unix seconds on the clock of the scenario's client, as near as a server knows.
    fn now(&self) -> f64 {
        let since = self.started.elapsed().mul_f64(self.scenario.time_scale);
        unix_seconds(self.wall) + since.as_secs_f64()
    }

    fn templates(&self, now: f64) -> Templates<'_> {
        Templates {
            platform_url: &self.platform_url,
            account_url: &self.account_url,
            now,
        }
    }
}

fn unix_seconds(time: SystemTime) -> f64 {
    let since: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs_f64()
}

/// Below the control surface.
pub(crate) fn control_routes(surface: Surface) -> Surface {
    surface
        .post("/scenarios", start)
        .post("/scenarios/{id}/verdict", verdict)
}

/// Where the clients of scenarios send their requests.
pub(crate) fn service_routes() -> Router<Arc<Shared>> {
    Router::new().route("/_scenario/{*rest}", any(serve::serve))
}

async fn start(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match start_scenario(&shared, &body) {
        Ok(started) => json_answer(StatusCode::OK, &started),
        Err(problem) => json_answer(StatusCode::BAD_REQUEST, &json!({ "error": problem })),
    }
}

fn start_scenario(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let scenario = Scenario::parse(body)?;
    let mut scenarios = shared.scenarios();
    let id = scenarios.next;
    scenarios.next += 1;
    let origin = &shared.addresses.platform_url;
    let running = Running {
        platform_url: format!("{origin}/_scenario/{id}/platform"),
        account_url: format!("{origin}/_scenario/{id}/account"),
        secrets: scenario.secrets(),
        started: Instant::now(),
        wall: SystemTime::now(),
        progress: Mutex::default(),
        scenario,
    };
    let templates = running.templates(unix_seconds(running.wall));
    let scenario = &running.scenario;
    let calls: Vec<Value> = scenario
        .client
        .iter()
        .map(|call| {
            Ok(json!({
                "call": call.call,
                "args": templates.expand(&call.args)?,
                "options": call.options,
                "response": call.response.is_some(),
            }))
        })
        .collect::<Result<_, String>>()?;
    let started = json!({
        "id": id,
        "name": scenario.name,
        "platform_url": running.platform_url,
        "account_url": running.account_url,
        "verdict_url": format!("{}/scenarios/{id}/verdict", shared.addresses.control_url),
        "time_scale": scenario.time_scale,
        "options": templates.expand(&scenario.options)?,
        "store": stored_text(&templates.expand(&scenario.store)?),
        "client": calls,
    });
    scenarios.running.insert(id, Arc::new(running));
    Ok(started)
}

/// The text of a stored record: of its JSON, or `{"text": …}` for one that is broken.
fn stored_text(store: &Value) -> Option<String> {
    match (store, store["text"].as_str()) {
        (Value::Null, _) => None,
        (_, Some(text)) => Some(text.to_owned()),
        (record, None) => Some(record.to_string()),
    }
}

async fn verdict(State(shared): State<Arc<Shared>>, Path(id): Path<u64>, body: Bytes) -> Response {
    let Some(running) = shared.scenarios().running.remove(&id) else {
        let body = json!({ "error": "no such scenario, or it has its verdict" });
        return json_answer(StatusCode::NOT_FOUND, &body);
    };
    let problems = match serde_json::from_slice::<Value>(&body) {
        Ok(report) => judge::verdict(&running, &report),
        Err(error) => vec![format!("the report is no JSON: {error}")],
    };
    let body = json!({
        "name": running.scenario.name,
        "ok": problems.is_empty(),
        "problems": problems,
    });
    json_answer(StatusCode::OK, &body)
}
