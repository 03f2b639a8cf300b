//! Results and errors in the form that every language reports them in.

use parallel_account::{
    ApiKey, App, Balance, DeviceLogin, Error, LoginEvent, Organization, Status, Tokens,
};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64()
}

pub(crate) fn shown(login: &DeviceLogin) -> Value {
    json!({
        "user_code": login.user_code(), "verification_uri": login.verification_uri(),
        "verification_uri_complete": login.verification_uri_complete(),
        "expires_at": unix(login.expires_at()), "interval": login.interval().as_secs_f64(),
    })
}

pub(crate) fn event(event: &LoginEvent) -> Value {
    match event {
        LoginEvent::Pending { retry_in } => {
            json!({ "type": "pending", "retry_in": retry_in.as_secs_f64() })
        }
        LoginEvent::SlowDown { interval, retry_in } => json!({
            "type": "slow_down", "interval": interval.as_secs_f64(), "retry_in": retry_in.as_secs_f64(),
        }),
        LoginEvent::Offline { error, retry_in } => json!({
            "type": "offline", "error": raised(error), "retry_in": retry_in.as_secs_f64(),
        }),
        LoginEvent::Authorized(_) => json!({ "type": "authorized" }),
        #[allow(
            unreachable_patterns,
            reason = "the bindings' feature makes them all known"
        )]
        other => panic!("this runner does not know the event {other:?}"),
    }
}

pub(crate) fn status(status: &Status) -> Value {
    json!({
        "logged_in": status.logged_in, "scopes": status.scopes, "client_id": status.client_id,
        "organization": status.organization.as_ref().map(organization), "problem": status.problem,
        "access_token_expires_at": status.access_token_expires_at.map(unix),
        "refresh_token_expires_at": status.refresh_token_expires_at.map(unix),
        "authorization_expires_at": status.authorization_expires_at.map(unix),
    })
}

pub(crate) fn organization(organization: &Organization) -> Value {
    json!({
        "id": organization.id, "name": organization.name,
        "selected": organization.selected, "logged_in": organization.logged_in,
    })
}

pub(crate) fn balance(balance: &Balance) -> Value {
    json!({
        "org_id": balance.org_id, "credit_balance_cents": balance.credit_balance_cents,
        "pending_debit_balance_cents": balance.pending_debit_balance_cents,
        "will_invoice": balance.will_invoice,
    })
}

pub(crate) fn app(app: &App) -> Value {
    json!({
        "app_id": app.app_id, "app_name": app.app_name,
        "org_id": app.org_id, "org_name": app.org_name,
    })
}

pub(crate) fn key(key: &ApiKey) -> Value {
    json!({
        "api_key_id": key.api_key_id, "api_key_name": key.api_key_name,
        "app_id": key.app_id, "app_name": key.app_name,
        "created_by_user_id": key.created_by_user_id,
        "created_by_user_email": key.created_by_user_email,
        "display_value": key.display_value,
        "raw_api_key": key.raw_api_key.as_ref().map(|key| key.expose()),
        "created_at": key.created_at.map(unix),
    })
}

pub(crate) fn tokens(tokens: &Tokens) -> Value {
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
    json!({
        "access_token": tokens.access_token.expose(), "token_type": tokens.token_type,
        "refresh_token": tokens.refresh_token.as_ref().map(|token| token.expose()),
        "scopes": tokens.scopes, "org_id": tokens.org_id, "org_name": tokens.org_name,
        "expires_in": seconds(tokens.expires_in),
        "refresh_token_expires_in": seconds(tokens.refresh_token_expires_in),
        "authorization_expires_in": seconds(tokens.authorization_expires_in),
    })
}

pub(crate) fn raised(error: &Error) -> Value {
    let fields: Vec<Value> = error
        .fields()
        .iter()
        .map(|field| json!({ "location": field.location, "message": field.message, "type": field.error_type }))
        .collect();
    json!({
        "code": error.code(), "message": error.message(), "status": error.status(),
        "request_id": error.request_id(), "retryable": error.retryable(),
        "retry_after": error.retry_after().map(|after| after.as_secs_f64()),
        "outcome_unknown": error.outcome_unknown(), "oauth_error": error.oauth_error(),
        "idempotency_key": error.idempotency_key(),
        "description": error.description(), "fields": fields,
    })
}
