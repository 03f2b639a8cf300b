//! The server's part of a scenario.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::model::Answer;
use super::{Running, judge};
use crate::Shared;
use crate::server::{ConnectionHandle, Ending};

/// No request of a client comes near this size.
const LARGEST_BODY: usize = 1 << 20;

/// A request to a scenario, without the prefix that its scenario lives under.
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) base: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) at: Instant,
}

/// `/_scenario/<id>/<base>/<path>`, still encoded.
fn address(uri: &Uri) -> Option<(u64, String, String)> {
    let rest = uri.path().strip_prefix("/_scenario/")?;
    let (id, rest) = rest.split_once('/')?;
    let (base, path) = rest.split_once('/')?;
    Some((id.parse().ok()?, base.into(), format!("/{path}")))
}

pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let found = address(&parts.uri).and_then(|(id, base, path)| {
        let running = shared.scenarios().running.get(&id).cloned()?;
        Some((running, base, path))
    });
    let Some((running, base, path)) = found else {
        return (StatusCode::GONE, "there is no such scenario").into_response();
    };
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let received = Received {
        method: parts.method,
        base,
        path,
        query: parts.uri.query().map(Into::into),
        headers: parts.headers,
        body,
        at: Instant::now(),
    };
    let Some(step) = judge::take_step(&running, &received) else {
        return (
            StatusCode::IM_A_TEAPOT,
            "the scenario expects something else",
        )
            .into_response();
    };
    give(&running, &running.scenario.server[step].answer, &connection).await
}

async fn give(running: &Running, answer: &Answer, connection: &ConnectionHandle) -> Response {
    if answer.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
    }
    // When a client starts to wait for its next request.
    running.progress().last_answer = Some(Instant::now());
    if answer.reset.is_some() {
        match connection.end(Ending::Reset).await {}
    }
    if answer.close {
        match connection.end(Ending::Raw(Bytes::new())).await {}
    }
    let response = match build(running, answer) {
        Ok(response) => response,
        Err(problem) => {
            running.progress().problems.push(problem.clone());
            return (StatusCode::IM_A_TEAPOT, problem).into_response();
        }
    };
    if answer.truncate > 0 {
        let bytes = truncated(response, answer.truncate).await;
        match connection.end(Ending::Raw(bytes)).await {}
    }
    response
}

fn build(running: &Running, answer: &Answer) -> Result<Response, String> {
    let templates = running.templates(running.now());
    let (usual_type, body) = if let Some(json) = &answer.json {
        (
            Some("application/json"),
            templates.expand(json)?.to_string().into_bytes(),
        )
    } else if let Some(text) = &answer.text {
        (
            Some("text/plain; charset=utf-8"),
            templates.text(text)?.into_bytes(),
        )
    } else if let Some(encoded) = &answer.base64 {
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|error| format!("base64: {error}"))?;
        (Some("application/json"), bytes)
    } else if let Some(repeat) = &answer.repeat {
        (
            Some("application/json"),
            repeat.text.repeat(repeat.times).into_bytes(),
        )
    } else {
        (None, Vec::new())
    };
    let mut response = Response::new(Body::from(body));
    let status = answer.status.unwrap_or(200);
    *response.status_mut() =
        StatusCode::from_u16(status).map_err(|_| format!("{status} is no status"))?;
    let headers = response.headers_mut();
    if let Some(content_type) = answer.content_type.as_deref().or(usual_type) {
        headers.insert(header::CONTENT_TYPE, value(content_type)?);
    }
    for (name, text) in &answer.headers {
        let name = HeaderName::try_from(name).map_err(|_| format!("{name} is no header"))?;
        headers.append(name, value(&templates.text(text)?)?);
    }
    Ok(response)
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::try_from(text).map_err(|_| format!("{text:?} cannot be a header's value"))
}

/// The answer on the wire, promising `missing` bytes more than it has.
async fn truncated(response: Response, missing: usize) -> Bytes {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    crate::faults::on_the_wire(&parts, &body, body.len() + missing)
}
