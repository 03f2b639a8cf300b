//! The Account API: balance, apps, keys.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use crate::Shared;
use crate::organizations::{App, Charge, Key, Organization};
use crate::request::{ApiRefusal, Field, account_json, json_answer};
use crate::world::World;

type Answer = Result<Response, ApiRefusal>;

const NAME: Field = Field::Text {
    least: 1,
    most: 255,
};

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/service/v1/balance", get(balance))
        .route("/service/v1/balance/add", post(add_balance))
        .route("/service/v1/apps", get(apps).post(create_app))
        .route("/service/v1/apps/{app_id}", delete(delete_app))
        .route("/service/v1/apps/{app_id}/keys", post(create_key))
        .route(
            "/service/v1/apps/{app_id}/keys/{key_id}",
            delete(delete_key),
        )
}

/// The world, the caller's organization in it, and what it is called.
struct Caller<'a> {
    world: MutexGuard<'a, World>,
    org_id: Arc<str>,
}

impl<'a> Caller<'a> {
    /// Who the bearer is, when it may do this.
    fn identify(shared: &'a Shared, headers: &HeaderMap, scope: &str) -> Result<Self, ApiRefusal> {
        let refuse = |detail: &str| ApiRefusal::new(StatusCode::UNAUTHORIZED, detail);
        let bearer = headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| refuse("Not authenticated"))?
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| refuse("The Authorization header must be a bearer token"))?;
        let world = shared.world();
        let token = world
            .access_tokens
            .get(bearer)
            .ok_or_else(|| refuse("The access token is not valid"))?;
        if Instant::now() >= token.expires {
            return Err(refuse("The access token has expired"));
        }
        if !token.scopes.iter().any(|granted| granted == scope) {
            let detail = format!("The access token lacks the scope {scope}");
            return Err(ApiRefusal::new(StatusCode::FORBIDDEN, detail));
        }
        let org_id = token.org_id.clone();
        Ok(Self { world, org_id })
    }

    fn organization(&mut self) -> &mut Organization {
        self.world
            .organizations
            .get_mut(&self.org_id)
            .expect("approving made the organization")
    }

    fn app(&mut self, app_id: &str) -> Result<&mut App, ApiRefusal> {
        self.organization()
            .app_mut(app_id)
            .ok_or_else(|| ApiRefusal::new(StatusCode::NOT_FOUND, "App not found"))
    }

    fn balance(&mut self) -> Response {
        let org_id = self.org_id.clone();
        let organization = self.organization();
        let invoiced = organization.will_invoice;
        let shown = |cents: f64| if invoiced { 0.0 } else { cents };
        let body = json!({
            "org_id": &*org_id,
            "credit_balance_cents": shown(organization.credit_balance_cents),
            "pending_debit_balance_cents": shown(organization.pending_debit_balance_cents),
            "will_invoice": invoiced,
        });
        json_answer(StatusCode::OK, &body)
    }
}

async fn balance(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer {
    Ok(Caller::identify(&shared, &headers, "balance:read")?.balance())
}

async fn add_balance(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let mut caller = Caller::identify(&shared, &headers, "balance:add")?;
    let amount = Field::Integer {
        least: 1,
        most: 10_000,
    };
    let key = Field::Text {
        least: 8,
        most: 128,
    };
    let fields = [("amount_cents", amount), ("idempotency_key", key)];
    let order = account_json(&headers, &body, &fields)?;
    let amount_cents = order["amount_cents"].as_i64().unwrap_or_default();
    let key = order["idempotency_key"].as_str().unwrap_or_default();
    let (status, detail) = match caller.organization().charge(amount_cents, key) {
        Charge::Done => return Ok(caller.balance()),
        Charge::Declined => (StatusCode::PAYMENT_REQUIRED, "Your card was declined"),
        Charge::InvoiceOnly => (
            StatusCode::FORBIDDEN,
            "This organization is billed by invoice and cannot add to a balance",
        ),
        Charge::OtherAmount => (
            StatusCode::CONFLICT,
            "The idempotency key was used with another amount",
        ),
    };
    Err(ApiRefusal::new(status, detail))
}

async fn apps(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer {
    let mut caller = Caller::identify(&shared, &headers, "apps:read")?;
    let org_id = caller.org_id.clone();
    let organization = caller.organization();
    let org_name = &organization.name;
    let apps: Vec<Value> = organization
        .apps
        .iter()
        .map(|app| {
            json!({
                "app_id": app.app_id,
                "app_name": app.app_name,
                "org_id": &*org_id,
                "org_name": org_name,
            })
        })
        .collect();
    Ok(json_answer(StatusCode::OK, &json!({ "apps": apps })))
}

async fn create_app(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let mut caller = Caller::identify(&shared, &headers, "apps:create")?;
    let order = account_json(&headers, &body, &[("app_name", NAME)])?;
    let name = order["app_name"].as_str().unwrap_or_default();
    let app_id = &caller.organization().create_app(name).app_id;
    Ok(json_answer(StatusCode::OK, &json!({ "app_id": app_id })))
}

async fn delete_app(
    State(shared): State<Arc<Shared>>,
    Path(app_id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let mut caller = Caller::identify(&shared, &headers, "apps:delete")?;
    require_uuid("app_id", &app_id)?;
    caller.app(&app_id)?;
    caller
        .organization()
        .delete_apps(|app| app.app_id == app_id);
    Ok(json_answer(StatusCode::OK, &json!({})))
}

async fn create_key(
    State(shared): State<Arc<Shared>>,
    Path(app_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let mut caller = Caller::identify(&shared, &headers, "keys:create")?;
    require_uuid("app_id", &app_id)?;
    let order = account_json(&headers, &body, &[("api_key_name", NAME)])?;
    let organization = caller.organization();
    if organization.keys_forbidden {
        let detail = "This organization does not allow API keys to be created";
        return Err(ApiRefusal::new(StatusCode::FORBIDDEN, detail));
    }
    let withheld = organization.raw_api_key_withheld;
    let app = caller.app(&app_id)?;
    let app_name = app.app_name.clone();
    let key = app.create_key(order["api_key_name"].as_str().unwrap_or_default());
    let (user_id, user_email) = Key::created_by();
    let mut body = json!({
        "api_key_id": key.api_key_id,
        "api_key_name": key.api_key_name,
        "app_id": app_id,
        "app_name": app_name,
        "created_by_user_id": user_id,
        "created_by_user_email": user_email,
        "display_value": key.display_value(),
        "created_at": key.created_at,
    });
    if !withheld {
        body["raw_api_key"] = key.raw_api_key.as_str().into();
    }
    Ok(json_answer(StatusCode::OK, &body))
}

async fn delete_key(
    State(shared): State<Arc<Shared>>,
    Path((app_id, key_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let mut caller = Caller::identify(&shared, &headers, "keys:delete")?;
    require_uuid("app_id", &app_id)?;
    caller.app(&app_id)?;
    let deleted = caller
        .organization()
        .delete_keys(|app, key| app == app_id && key.api_key_id == key_id);
    if deleted == 0 {
        return Err(ApiRefusal::new(StatusCode::NOT_FOUND, "API key not found"));
    }
    Ok(json_answer(StatusCode::OK, &json!({})))
}

fn require_uuid(name: &str, text: &str) -> Result<(), ApiRefusal> {
    let hyphens = [8, 13, 18, 23];
    let well_formed = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if hyphens.contains(&at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if well_formed {
        return Ok(());
    }
    let message = "Input should be a valid UUID";
    Err(ApiRefusal::field(&["path", name], "uuid_parsing", message))
}
