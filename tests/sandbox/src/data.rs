//! The part of the data API that shows what a key is worth: a search and a task run.
//! It takes the keys that the Account API made and no others.

use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Shared;
use crate::request::{API_KEY, JSON, has_content_type, json_answer};
use crate::secrets::uuid;
use crate::world::{TaskRun, World};

type Answer = Result<Response, DataRefusal>;

const SEARCH_FIELDS: [&str; 7] = [
    "advanced_settings",
    "client_model",
    "max_chars_total",
    "mode",
    "objective",
    "search_queries",
    "session_id",
];

const TASK_FIELDS: [&str; 11] = [
    "advanced_settings",
    "enable_events",
    "input",
    "mcp_servers",
    "memory_scope_key",
    "metadata",
    "previous_interaction_id",
    "processor",
    "source_policy",
    "task_spec",
    "webhook",
];

/// How long a result is waited for when the request does not say: as the service, 10 min.
const RESULT_PATIENCE: f64 = 600.0;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/search", post(search))
        .route("/v1/tasks/runs", post(create_task))
        .route("/v1/tasks/runs/{run_id}", get(retrieve_task))
        .route("/v1/tasks/runs/{run_id}/result", get(task_result))
}

/// A refusal in the shape that the SDKs know as `ErrorResponse`.
struct DataRefusal(StatusCode, String);

impl IntoResponse for DataRefusal {
    fn into_response(self) -> Response {
        let error = json!({ "ref_id": uuid(), "message": self.1, "detail": null });
        json_answer(self.0, &json!({ "type": "error", "error": error }))
    }
}

fn refuse<T>(status: StatusCode, message: impl Into<String>) -> Result<T, DataRefusal> {
    Err(DataRefusal(status, message.into()))
}

/// The world, and the organization that the key belongs to.
fn identify<'a>(
    shared: &'a Shared,
    headers: &HeaderMap,
) -> Result<(MutexGuard<'a, World>, String), DataRefusal> {
    let Some(key) = headers.get(API_KEY) else {
        return refuse(StatusCode::UNAUTHORIZED, "The x-api-key header is missing");
    };
    let world = shared.world();
    let owner = key
        .to_str()
        .ok()
        .and_then(|key| world.organizations.owner_of_key(key))
        .map(str::to_owned);
    match owner {
        Some(org_id) => Ok((world, org_id)),
        None => refuse(StatusCode::UNAUTHORIZED, "The API key is not valid"),
    }
}

/// A JSON object that has no other fields than these.
fn object(
    headers: &HeaderMap,
    body: &[u8],
    known: &[&str],
) -> Result<Map<String, Value>, DataRefusal> {
    if !has_content_type(headers, JSON) {
        let message = "the body must be application/json";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the body must be a JSON object",
        );
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{name} is not a field here"),
        ),
        None => Ok(fields),
    }
}

async fn search(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let _ = identify(&shared, &headers)?;
    let asked = object(&headers, &body, &SEARCH_FIELDS)?;
    let queries = asked.get("search_queries").and_then(Value::as_array);
    let queries: Option<Vec<&str>> =
        queries.and_then(|queries| queries.iter().map(Value::as_str).collect());
    let Some(queries) = queries.filter(|queries| !queries.is_empty()) else {
        let message = "search_queries must be a list of one string or more";
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, message);
    };
    let session_id = match asked.get("session_id").and_then(Value::as_str) {
        Some(given) => given.to_owned(),
        None => format!("session_{}", uuid()),
    };
    let results: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(at, query)| {
            json!({
                "url": format!("https://sandbox.example/{}", at + 1),
                "title": query,
                "publish_date": null,
                "excerpts": [format!("What the sandbox found for \"{query}\".")],
            })
        })
        .collect();
    let body = json!({
        "search_id": format!("search_{}", uuid()),
        "session_id": session_id,
        "results": results,
    });
    Ok(json_answer(StatusCode::OK, &body))
}

async fn create_task(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let (mut world, org_id) = identify(&shared, &headers)?;
    let asked = object(&headers, &body, &TASK_FIELDS)?;
    let input = match asked.get("input") {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(object @ Value::Object(_)) => object.to_string(),
        _ => {
            let message = "input must be text or an object";
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, message);
        }
    };
    let Some(processor) = asked.get("processor").and_then(Value::as_str) else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "processor must be text");
    };
    let run_id = format!("trun_{}", uuid());
    let run = TaskRun {
        org_id,
        input,
        processor: processor.into(),
        done: Instant::now() + Duration::from_secs_f64(world.options.task_duration),
    };
    let mut shown = show(&run_id, &run);
    shown["status"] = "queued".into();
    world.task_runs.insert(run_id, run);
    Ok(json_answer(StatusCode::ACCEPTED, &shown))
}

fn show(run_id: &str, run: &TaskRun) -> Value {
    let done = Instant::now() >= run.done;
    json!({
        "run_id": run_id,
        "interaction_id": run_id,
        "status": if done { "completed" } else { "running" },
        "is_active": !done,
        "processor": run.processor,
        "metadata": {},
        "warnings": null,
        "error": null,
        "created_at": null,
        "modified_at": null,
    })
}

/// The run, if it belongs to the key's organization.
fn find<'w>(world: &'w World, org_id: &str, run_id: &str) -> Result<&'w TaskRun, DataRefusal> {
    match world.task_runs.get(run_id) {
        Some(run) if run.org_id == org_id => Ok(run),
        _ => refuse(StatusCode::NOT_FOUND, "The task run was not found"),
    }
}

async fn retrieve_task(
    State(shared): State<Arc<Shared>>,
    Path(run_id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let (world, org_id) = identify(&shared, &headers)?;
    let run = find(&world, &org_id, &run_id)?;
    Ok(json_answer(StatusCode::OK, &show(&run_id, run)))
}

#[derive(Deserialize)]
struct Patience {
    /// Seconds to wait for the result.
    timeout: Option<f64>,
}

/// Waits for the run to complete; 408 when it takes longer than the caller waits, upon
/// which the SDKs ask again.
async fn task_result(
    State(shared): State<Arc<Shared>>,
    Path(run_id): Path<String>,
    Query(patience): Query<Patience>,
    headers: HeaderMap,
) -> Answer {
    let left = {
        let (world, org_id) = identify(&shared, &headers)?;
        let run = find(&world, &org_id, &run_id)?;
        run.done.saturating_duration_since(Instant::now())
    };
    let patience = patience.timeout.unwrap_or(RESULT_PATIENCE);
    let patience = Duration::try_from_secs_f64(patience).unwrap_or_default();
    tokio::time::sleep(left.min(patience)).await;
    if left > patience {
        let message = "The task run is still running";
        return refuse(StatusCode::REQUEST_TIMEOUT, message);
    }
    // Much can happen meanwhile: the key may be deleted, the sandbox reset.
    let (world, org_id) = identify(&shared, &headers)?;
    let run = find(&world, &org_id, &run_id)?;
    let body = json!({
        "run": show(&run_id, run),
        "output": {
            "type": "text",
            "content": format!("What the sandbox makes of: {}", run.input),
            "basis": [],
        },
    });
    Ok(json_answer(StatusCode::OK, &body))
}
