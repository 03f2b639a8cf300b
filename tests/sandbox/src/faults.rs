//! Things that go wrong on request.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::{Outcome, names};
use crate::server::{ConnectionHandle, Ending};

/// What happens to the next requests of a route.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// A route's name (`token.refresh`), the part before its dot (`token`), or `*`.
    pub route: String,
    /// How many requests it hits.
    #[serde(default = "once")]
    pub times: u64,
    /// How many requests of the route pass before it.
    #[serde(default)]
    pub skip: u64,
    /// Answer with this status instead of processing the request.
    #[serde(default)]
    pub status: Option<u16>,
    /// Headers of that answer.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body of that answer: text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// Milliseconds before the request is looked at.
    #[serde(default)]
    pub delay_ms: u64,
    /// Milliseconds between processing the request and answering it.
    #[serde(default)]
    pub delay_answer_ms: u64,
    /// Reset the connection before or after processing the request.
    #[serde(default)]
    pub reset: Option<Reset>,
    /// Process the request, then close the connection without an answer.
    #[serde(default)]
    pub drop_answer_after_processing: bool,
    /// Process the request, then send half of the answer and close.
    #[serde(default)]
    pub truncate: bool,
}

/// When a connection is reset.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reset {
    /// The request has no effect.
    Before,
    /// The request has its effect, the answer is lost.
    After,
}

fn once() -> u64 {
    1
}

/// A fault that can be carried out.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    fault: Fault,
    /// The head of the answer, where the request is not processed.
    head: Option<(StatusCode, HeaderMap)>,
}

/// The faults that are due, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Planned>);

impl Faults {
    /// Adds one.
    ///
    /// # Errors
    /// A sentence when it could never be carried out.
    pub(crate) fn add(&mut self, fault: Fault) -> Result<(), String> {
        let answer = |status| {
            StatusCode::from_u16(status)
                .ok()
                .filter(|status| status.as_u16() >= 200)
                .ok_or_else(|| format!("{status} is no status to answer with"))
        };
        let status = fault.status.map(answer).transpose()?;
        let mut headers = HeaderMap::new();
        for (name, value) in &fault.headers {
            let name =
                HeaderName::try_from(name).map_err(|_| format!("{name:?} is no header name"))?;
            let value = HeaderValue::try_from(value)
                .map_err(|_| format!("{value:?} is no header value"))?;
            headers.append(name, value);
        }
        let head = status.map(|status| (status, headers));
        self.0.push(Planned { fault, head });
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn all(&self) -> Vec<&Fault> {
        self.0.iter().map(|planned| &planned.fault).collect()
    }

    /// The fault for a request of this route.
    pub(crate) fn take(&mut self, route: &str) -> Option<Planned> {
        let hit = |planned: &Planned| names(&planned.fault.route, route);
        let index = self.0.iter().position(hit)?;
        let planned = &mut self.0[index];
        if planned.fault.skip > 0 {
            planned.fault.skip -= 1;
            return None;
        }
        let taken = planned.clone();
        let fault = &mut planned.fault;
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.0.remove(index);
        }
        Some(taken)
    }
}

impl Planned {
    /// Carries the fault out around the processing of a request. `note` hears what
    /// becomes of the answer before a connection ends.
    pub(crate) async fn around(
        &self,
        connection: &ConnectionHandle,
        process: impl Future<Output = Response>,
        note: impl Fn(Outcome),
    ) -> Response {
        let fault = &self.fault;
        sleep(fault.delay_ms).await;
        if fault.reset == Some(Reset::Before) {
            note(Outcome::Fault("reset before"));
            match connection.end(Ending::Reset).await {}
        }
        let answer = match &self.head {
            Some((status, headers)) => self.scripted(*status, headers.clone()),
            None => process.await,
        };
        sleep(fault.delay_answer_ms).await;
        if fault.reset == Some(Reset::After) {
            note(Outcome::Fault("reset after"));
            match connection.end(Ending::Reset).await {}
        }
        if fault.drop_answer_after_processing {
            note(Outcome::Fault("answer dropped"));
            match connection.end(Ending::Raw(Bytes::new())).await {}
        }
        if fault.truncate {
            note(Outcome::Fault("answer truncated"));
            let bytes = truncated(answer).await;
            match connection.end(Ending::Raw(bytes)).await {}
        }
        answer
    }

    fn scripted(&self, status: StatusCode, headers: HeaderMap) -> Response {
        let body = match &self.fault.body {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        answer
    }
}

async fn sleep(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// An answer on the wire that promises twice the body that it has.
async fn truncated(answer: Response) -> Bytes {
    let (parts, body) = answer.into_parts();
    let body = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => Bytes::new(),
    };
    on_the_wire(&parts, &body[..body.len() / 2], body.len().max(1))
}

/// An HTTP/1.1 answer whose promised length need not be that of its body.
pub(crate) fn on_the_wire(parts: &Parts, body: &[u8], promised: usize) -> Bytes {
    let mut wire = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
    for (name, value) in &parts.headers {
        wire.extend_from_slice(name.as_str().as_bytes());
        wire.extend_from_slice(b": ");
        wire.extend_from_slice(value.as_bytes());
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(format!("content-length: {promised}\r\n\r\n").as_bytes());
    wire.extend_from_slice(body);
    wire.into()
}
