//! Reading what a client sent, strictly, and refusing it in the words of the service.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";

/// The header in which the data API takes its key.
pub(crate) const API_KEY: &str = "x-api-key";

/// A JSON answer.
pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let text = body.to_string();
    (status, [(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// A refusal by the platform (RFC 6749 §5.2).
#[derive(Debug)]
pub(crate) struct OAuthRefusal {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl OAuthRefusal {
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        // 401 is for a client that is not known (RFC 6749 §5.2), all else is 400.
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        let description = description.into();
        Self {
            status,
            error,
            description,
        }
    }

    pub(crate) fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

impl IntoResponse for OAuthRefusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        json_answer(self.status, &body)
    }
}

/// Whether the body is of this media type, whatever its parameters.
pub(crate) fn has_content_type(headers: &HeaderMap, expected: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|sent| is_media_type(sent, expected))
}

/// Whether a content type names this media type.
pub(crate) fn is_media_type(sent: &str, expected: &str) -> bool {
    let essence = sent.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(expected)
}

fn require_content_type(headers: &HeaderMap, expected: &str) -> Result<(), OAuthRefusal> {
    if has_content_type(headers, expected) {
        return Ok(());
    }
    Err(OAuthRefusal {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        error: "invalid_request",
        description: format!("the body must be {expected}"),
    })
}

/// The fields of a form: all of `required`, some of `optional`, no other, none twice.
pub(crate) fn form(
    headers: &HeaderMap,
    body: &[u8],
    required: &[&str],
    optional: &[&str],
) -> Result<HashMap<String, String>, OAuthRefusal> {
    let fields = any_form(headers, body)?;
    check_fields(&fields, required, optional)?;
    Ok(fields)
}

/// The fields of a form, whatever they are called, none twice.
pub(crate) fn any_form(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<HashMap<String, String>, OAuthRefusal> {
    require_content_type(headers, FORM)?;
    let mut fields = HashMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        if let Some((name, _)) = fields
            .insert(name.clone().into_owned(), value.into_owned())
            .map(|_| (name, ()))
        {
            return Err(OAuthRefusal::request(format!("{name} is sent twice")));
        }
    }
    Ok(fields)
}

/// Holds a form against the fields that it must and may have.
pub(crate) fn check_fields(
    fields: &HashMap<String, String>,
    required: &[&str],
    optional: &[&str],
) -> Result<(), OAuthRefusal> {
    for name in required {
        if fields.get(*name).is_none_or(String::is_empty) {
            return Err(OAuthRefusal::request(format!("{name} is missing")));
        }
    }
    for name in fields.keys().map(String::as_str) {
        if !required.contains(&name) && !optional.contains(&name) {
            return Err(OAuthRefusal::request(format!("{name} is not a field here")));
        }
    }
    Ok(())
}

/// A JSON object for the platform.
pub(crate) fn platform_json(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, OAuthRefusal> {
    require_content_type(headers, JSON)?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(OAuthRefusal::request("the body must be a JSON object")),
    }
}

/// A refusal by the Account API: `{"detail": …}`.
#[derive(Debug)]
pub(crate) struct ApiRefusal {
    pub(crate) status: StatusCode,
    pub(crate) detail: Value,
}

impl ApiRefusal {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        let detail = detail.into();
        Self { status, detail }
    }

    pub(crate) fn field(location: &[&str], kind: &str, message: &str) -> Self {
        let detail = json!([{ "type": kind, "loc": location, "msg": message }]);
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
}

impl IntoResponse for ApiRefusal {
    fn into_response(self) -> Response {
        let mut answer = json_answer(self.status, &json!({ "detail": self.detail }));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            answer
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// The kind of value that a field of an Account API body must have.
pub(crate) enum Field {
    Integer { least: i64, most: i64 },
    Text { least: usize, most: usize },
}

/// A JSON object for the Account API that has exactly these fields.
pub(crate) fn account_json(
    headers: &HeaderMap,
    body: &[u8],
    fields: &[(&str, Field)],
) -> Result<Map<String, Value>, ApiRefusal> {
    if !has_content_type(headers, JSON) {
        let detail = "the body must be application/json";
        return Err(ApiRefusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let Ok(parsed) = serde_json::from_slice::<Value>(body) else {
        return Err(ApiRefusal::field(
            &["body"],
            "json_invalid",
            "JSON decode error",
        ));
    };
    let Value::Object(object) = parsed else {
        let message = "Input should be a valid dictionary";
        return Err(ApiRefusal::field(&["body"], "model_type", message));
    };
    let mut problems = Vec::new();
    for (name, field) in fields {
        if let Some((kind, message)) = field.problem(object.get(*name)) {
            problems.push(json!({ "type": kind, "loc": ["body", name], "msg": message }));
        }
    }
    for name in object.keys() {
        if !fields.iter().any(|(known, _)| known == name) {
            let message = "Extra inputs are not permitted";
            problems
                .push(json!({ "type": "extra_forbidden", "loc": ["body", name], "msg": message }));
        }
    }
    if problems.is_empty() {
        return Ok(object);
    }
    Err(ApiRefusal::new(StatusCode::UNPROCESSABLE_ENTITY, problems))
}

impl Field {
    fn problem(&self, value: Option<&Value>) -> Option<(&'static str, String)> {
        let Some(value) = value else {
            return Some(("missing", "Field required".into()));
        };
        match *self {
            Self::Integer { least, most } => match value.as_i64() {
                None => Some(("int_type", "Input should be a valid integer".into())),
                Some(number) if number < least => Some((
                    "greater_than_equal",
                    format!("Input should be greater than or equal to {least}"),
                )),
                Some(number) if number > most => Some((
                    "less_than_equal",
                    format!("Input should be less than or equal to {most}"),
                )),
                Some(_) => None,
            },
            Self::Text { least, most } => match value.as_str().map(|text| text.chars().count()) {
                None => Some(("string_type", "Input should be a valid string".into())),
                Some(length) if length < least => Some((
                    "string_too_short",
                    format!("String should have at least {least} characters"),
                )),
                Some(length) if length > most => Some((
                    "string_too_long",
                    format!("String should have at most {most} characters"),
                )),
                Some(_) => None,
            },
        }
    }
}
