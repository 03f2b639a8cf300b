//! What happens around every request to the services: it is noted, and meets its fault.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use serde_json::json;

use crate::Shared;
use crate::journal::Outcome;
use crate::request::json_answer;
use crate::server::ConnectionHandle;

/// No request of these services comes near this size.
const LARGEST_BODY: usize = 1 << 20;

pub(crate) async fn observe(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        let body = json!({ "detail": "the body is larger than 1 MiB" });
        return json_answer(StatusCode::PAYLOAD_TOO_LARGE, &body);
    };
    let body = body.to_bytes();
    let matched = parts
        .extensions
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    let route = route_name(&parts.method, matched, &body);
    let number = shared
        .journal()
        .received(route, &parts.method, &parts.uri, &parts.headers, &body);
    let note = |outcome| shared.journal().answered(number, outcome);
    let fault = shared.faults().take(route);
    let process = next.run(Request::from_parts(parts, Body::from(body)));
    let mut answer = match fault {
        None => process.await,
        Some(fault) => fault.around(&connection, process, note).await,
    };
    note(Outcome::Status(answer.status().as_u16()));
    let request_id = HeaderValue::try_from(format!("req_{number:012x}"));
    answer
        .headers_mut()
        .entry("x-request-id")
        .or_insert(request_id.expect("hexadecimal digits"));
    answer
}

/// What a request is called in counts, lists and faults.
fn route_name(method: &Method, matched: Option<&str>, body: &Bytes) -> &'static str {
    let Some(matched) = matched else {
        return "other";
    };
    match (method.as_str(), matched) {
        ("POST", "/getServiceKeys/register") => "register",
        ("POST", "/getServiceKeys/device/code") => "device_code",
        ("POST", "/getServiceKeys/token") => {
            let refresh = form_urlencoded::parse(body)
                .any(|(name, value)| name == "grant_type" && value == "refresh_token");
            if refresh {
                "token.refresh"
            } else {
                "token.poll"
            }
        }
        ("POST", "/getServiceKeys/token/revoke") => "revoke",
        ("GET", "/account/service/v1/balance") => "balance.get",
        ("POST", "/account/service/v1/balance/add") => "balance.add",
        ("GET", "/account/service/v1/apps") => "apps.list",
        ("POST", "/account/service/v1/apps") => "apps.create",
        ("DELETE", "/account/service/v1/apps/{app_id}") => "apps.delete",
        ("POST", "/account/service/v1/apps/{app_id}/keys") => "keys.create",
        ("DELETE", "/account/service/v1/apps/{app_id}/keys/{key_id}") => "keys.delete",
        ("POST", "/v1/search") => "search",
        ("POST", "/v1/tasks/runs") => "tasks.create",
        ("GET", "/v1/tasks/runs/{run_id}") => "tasks.retrieve",
        ("GET", "/v1/tasks/runs/{run_id}/result") => "tasks.result",
        ("GET" | "POST", crate::page::PATH) => "page",
        _ => "other",
    }
}
