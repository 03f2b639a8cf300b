//! Errors in all the shapes that servers send, as errors of this crate.

use super::{LONGEST_MESSAGE, object, text};
use crate::{Error, ErrorKind, FieldError, secret::redact, text::clean, transport::Incoming};
use serde_json::{Map, Value};

/// What a server says, cleaned and without `secrets`: taken out first, for cutting could leave
/// half of one, and again at the end, for cleaning could join one.
fn said(object: &Map<String, Value>, name: &str, secrets: &[&str]) -> Option<String> {
    text(object, name)
        .map(|text| harmless(&text, LONGEST_MESSAGE, secrets))
        .filter(|text| !text.is_empty())
}

fn harmless(text: &str, limit: usize, secrets: &[&str]) -> String {
    redact(&clean(&redact(text, secrets), limit), secrets)
}

/// The OAuth error in a body (RFC 6749 §5.2), if there is one: the code and its description.
/// `error` may be an object, and a 200 may hold one.
pub(crate) fn oauth_error(body: &[u8], secrets: &[&str]) -> Option<(String, Option<String>)> {
    let object = object(body)?;
    let (code, inner) = match object.get("error")? {
        Value::String(code) => (code.clone(), None),
        Value::Object(inner) => {
            let code = ["code", "error", "type"]
                .iter()
                .find_map(|name| text(inner, name));
            (
                code.unwrap_or_else(|| "unknown_error".into()),
                said(inner, "message", secrets),
            )
        }
        _ => return None,
    };
    let description = said(&object, "error_description", secrets).or(inner);
    Some((harmless(&code, 100, secrets), description))
}

/// The error for a refusal by the platform that no rule of the flow handles.
pub(crate) fn refusal(answer: &Incoming, doing: &str, secrets: &[&str]) -> Error {
    let error = match (oauth_error(&answer.body, secrets), answer.status) {
        (_, 429) => Error::new(
            ErrorKind::RateLimited,
            format!("Parallel answered 429 to {doing}: too many requests. Wait, then try again."),
        ),
        (_, status @ 500..) => Error::new(
            ErrorKind::Server,
            format!("Parallel answered {status} to {doing}. Try again later."),
        ),
        (Some((code, description)), _) => {
            let why = description
                .as_ref()
                .map(|text| format!(": {text}"))
                .unwrap_or_default();
            Error::new(
                ErrorKind::OAuth,
                format!("Parallel refused {doing} ({code}{why})."),
            )
            .with_oauth(code, description)
        }
        (None, status @ 300..400) => Error::invalid_response(format!(
            "Parallel answered {doing} with a redirect ({status}), which is never followed. Check the base URL and the network's login page."
        )),
        (None, status) => Error::invalid_response(format!(
            "The answer ({status}) to {doing} is not in Parallel's format. Check the base URL and any proxy."
        )),
    };
    annotate(error, answer)
}

pub(crate) fn annotate(error: Error, answer: &Incoming) -> Error {
    error
        .with_status(answer.status)
        .with_request_id(answer.request_id.clone())
        .with_retry_after(answer.retry_after)
}

/// The error for an answer of the Account API that is no success.
pub(crate) fn api_error(answer: &Incoming, doing: &str, secrets: &[&str]) -> Error {
    let body = object(&answer.body).unwrap_or_default();
    let nested = match body.get("error") {
        Some(Value::Object(nested)) => Some(nested),
        _ => None,
    };
    let fields = field_errors(&body, secrets);
    let text = readable(&fields)
        .or_else(|| said(&body, "detail", secrets))
        .or_else(|| nested.and_then(|nested| said(nested, "message", secrets)))
        .or_else(|| said(&body, "error", secrets))
        .or_else(|| said(&body, "message", secrets));
    if (300..400).contains(&answer.status) {
        return annotate(
            Error::invalid_response(format!(
                "The Account API answered {doing} with a redirect, which is never followed: it would carry the token away. Check the base URL."
            )),
            answer,
        );
    }
    let (kind, advice) = advice(answer.status);
    let message = match text {
        Some(text) => format!("{doing}: {advice} The service says: {text}"),
        None => format!("{doing}: {advice}"),
    };
    let id = nested
        .and_then(|nested| said(nested, "ref_id", secrets))
        .or_else(|| said(&body, "ref_id", secrets));
    annotate(
        Error::new(kind, capitalized(&message)).with_request_id(id),
        answer,
    )
    .with_fields(fields)
}

/// What a status of the Account API means, and what to do.
fn advice(status: u16) -> (ErrorKind, &'static str) {
    match status {
        401 => (
            ErrorKind::Unauthorized,
            "the access token was refused. Log in again.",
        ),
        402 => (
            ErrorKind::PaymentRequired,
            "the payment was declined. Check the organization's payment method.",
        ),
        403 => (
            ErrorKind::PermissionDenied,
            "permission denied. Log in with the required scope, or as a user who has access.",
        ),
        404 => (
            ErrorKind::NotFound,
            "not found. Check the ID and the organization.",
        ),
        409 => (ErrorKind::Conflict, "it conflicts with what is there."),
        429 => (
            ErrorKind::RateLimited,
            "too many requests. Wait, then try again.",
        ),
        500.. => (ErrorKind::Server, "the service failed. Try again later."),
        _ => (ErrorKind::InvalidRequest, "the request was refused."),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// `{"detail": [{"loc": […], "msg", "type"}]}`.
fn field_errors(body: &Map<String, Value>, secrets: &[&str]) -> Vec<FieldError> {
    let Some(Value::Array(details)) = body.get("detail") else {
        return Vec::new();
    };
    let field = |detail: &Value| {
        let detail = detail.as_object()?;
        let location = match detail.get("loc") {
            Some(Value::Array(parts)) => {
                let part = |part: &Value| match part {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let parts: Vec<_> = parts.iter().map(part).collect();
                harmless(&parts.join("."), 200, secrets)
            }
            _ => String::new(),
        };
        Some(FieldError {
            location,
            message: said(detail, "msg", secrets).unwrap_or_default(),
            error_type: said(detail, "type", secrets).unwrap_or_default(),
        })
    };
    details.iter().take(50).filter_map(field).collect()
}

fn readable(fields: &[FieldError]) -> Option<String> {
    let line = |field: &FieldError| match field.location.as_str() {
        "" => field.message.clone(),
        location => format!("{location}: {}", field.message),
    };
    let lines: Vec<_> = fields.iter().take(5).map(line).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_at_the_cut_leaves_no_half_behind() {
        let secret = "rt-0123456789abcdef";
        let padding = "x".repeat(LONGEST_MESSAGE - 10);
        for text in [
            format!("{padding}{secret}"),
            format!("rt-0123\u{200b}{secret}"),
        ] {
            let body = serde_json::json!({"error": "invalid_grant", "error_description": text});
            let (_, description) =
                oauth_error(body.to_string().as_bytes(), &[secret]).expect("an error");
            let description = description.expect("a description");
            assert!(!description.contains("rt-012345"), "{description}");
        }
    }
}
