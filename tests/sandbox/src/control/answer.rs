//! Reading what a test sent, and answering it.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::request::json_answer;

pub(super) type Answer = Result<Response, ControlError>;

pub(super) struct ControlError(pub(super) StatusCode, pub(super) String);

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        json_answer(self.0, &json!({ "error": self.1 }))
    }
}

pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ControlError> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text)
        .map_err(|error| ControlError(StatusCode::BAD_REQUEST, error.to_string()))
}

pub(super) fn ok(body: &Value) -> Answer {
    Ok(json_answer(StatusCode::OK, body))
}

pub(super) fn missing(problem: impl Into<String>) -> ControlError {
    ControlError(StatusCode::NOT_FOUND, problem.into())
}
