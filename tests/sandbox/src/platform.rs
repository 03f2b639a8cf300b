//! The platform: registration, device codes, tokens, revocation.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use axum::{Router, body::Bytes};
use serde_json::{Map, Value, json};

use crate::request::{OAuthRefusal, any_form, check_fields, form, json_answer, platform_json};
use crate::world::{Issued, SCOPES, whole_seconds};
use crate::{Shared, page};

const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

const PLATFORM_FIELDS: [&str; 6] = [
    "machine",
    "os_name",
    "processor",
    "release",
    "system",
    "version",
];

type Answer = Result<Response, OAuthRefusal>;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/getServiceKeys/register", post(register))
        .route("/getServiceKeys/device/code", post(device_code))
        .route("/getServiceKeys/token", post(token))
        .route("/getServiceKeys/token/revoke", post(revoke))
}

async fn register(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let metadata = platform_json(&headers, &body)?;
    let client_name = checked_metadata(&metadata)
        .map_err(|description| OAuthRefusal::new("invalid_client_metadata", description))?;
    let client_id = shared.world().register(client_name);
    Ok(uncached(
        StatusCode::CREATED,
        &json!({ "client_id": client_id }),
    ))
}

/// The client's name, when the rest is as documented: a platform field that is not
/// known is left out, never sent empty.
fn checked_metadata(metadata: &Map<String, Value>) -> Result<&str, String> {
    for name in metadata.keys() {
        if !["client_name", "platform"].contains(&name.as_str()) {
            return Err(format!("{name} is not a field here"));
        }
    }
    let platform = match metadata.get("platform") {
        Some(Value::Object(platform)) => platform,
        Some(_) => return Err("platform must be an object".into()),
        None => return Err("platform is missing".into()),
    };
    for (name, value) in platform {
        if !PLATFORM_FIELDS.contains(&name.as_str()) {
            return Err(format!("platform.{name} is not a field here"));
        }
        if value.as_str().is_none_or(str::is_empty) {
            return Err(format!("platform.{name} must be text that is not empty"));
        }
    }
    metadata
        .get("client_name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| "client_name must be text that is not empty".into())
}

async fn device_code(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let fields = form(&headers, &body, &["client_id", "scope"], &[])?;
    let mut world = shared.world();
    require_client(world.clients.contains_key(&fields["client_id"]))?;
    let scopes: Vec<String> = fields["scope"].split(' ').map(Into::into).collect();
    if let Some(scope) = scopes
        .iter()
        .find(|scope| !SCOPES.contains(&scope.as_str()))
    {
        return Err(OAuthRefusal::new(
            "invalid_scope",
            format!("\"{scope}\" is not a scope"),
        ));
    }
    let device = world.start_device(fields["client_id"].clone(), scopes);
    let page = format!("{}{}", shared.addresses.platform_url, page::PATH);
    let body = json!({
        "device_code": device.device_code,
        "user_code": device.user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={}", device.user_code),
        "expires_in": whole_seconds(device.expires.saturating_duration_since(Instant::now())),
        "interval": whole_seconds(device.interval),
    });
    Ok(uncached(StatusCode::OK, &body))
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let fields = any_form(&headers, &body)?;
    let mut world = shared.world();
    let issued = match fields.get("grant_type").map(String::as_str) {
        Some(DEVICE_CODE_GRANT) => {
            check_fields(&fields, &["grant_type", "client_id", "device_code"], &[])?;
            require_client(world.clients.contains_key(&fields["client_id"]))?;
            world.poll(&fields["client_id"], &fields["device_code"])
        }
        Some("refresh_token") => {
            check_fields(&fields, &["grant_type", "refresh_token"], &["client_id"])?;
            let client = fields.get("client_id");
            require_client(client.is_none_or(|id| world.clients.contains_key(id)))?;
            world.refresh(&fields["refresh_token"], client.map(String::as_str))
        }
        Some(_) => {
            let description = "this grant type is not offered here";
            return Err(OAuthRefusal::new("unsupported_grant_type", description));
        }
        None => return Err(OAuthRefusal::request("grant_type is missing")),
    };
    match issued {
        Ok(issued) => Ok(uncached(StatusCode::OK, &token_answer(&issued))),
        Err((error, description)) => Err(OAuthRefusal::new(error, description)),
    }
}

async fn revoke(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let fields = form(&headers, &body, &["refresh_token"], &[])?;
    shared.world().revoke(&fields["refresh_token"]);
    Ok(uncached(StatusCode::OK, &json!({})))
}

fn require_client(known: bool) -> Result<(), OAuthRefusal> {
    if known {
        return Ok(());
    }
    Err(OAuthRefusal::new("invalid_client", "Unknown client_id"))
}

fn token_answer(issued: &Issued) -> Value {
    json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "refresh_token_expires_in": issued.refresh_token_expires_in,
        "authorization_expires_in": issued.authorization_expires_in,
        "scope": issued.scope,
        "org_id": &*issued.org_id,
        "org_name": issued.org_name,
    })
}

/// Answers that hold secrets are kept by nobody (RFC 6749 §5.1).
fn uncached(status: StatusCode, body: &Value) -> Response {
    let mut answer = json_answer(status, body);
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
