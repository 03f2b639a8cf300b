//! What a test sees and changes of organizations, their apps and their keys.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, ControlError, missing, ok, read};
use super::surface::Surface;
use crate::Shared;
use crate::secrets::fingerprint;

pub(super) fn routes(surface: Surface) -> Surface {
    surface
        .get("/organizations", organizations)
        .post("/organizations", set_organization)
        .post("/apps", create_app)
        .post("/delete-app", delete_app)
        .get("/keys", keys)
        .post("/delete-key", delete_key)
}

async fn organizations(State(shared): State<Arc<Shared>>) -> Answer {
    let world = shared.world();
    let shown: Vec<Value> = world
        .organizations
        .iter()
        .map(|(org_id, organization)| {
            let apps: Vec<Value> = organization
                .apps
                .iter()
                .map(|app| {
                    json!({
                        "app_id": app.app_id,
                        "app_name": app.app_name,
                        "keys": app.keys.iter().map(|key| &key.api_key_id).collect::<Vec<_>>(),
                    })
                })
                .collect();
            json!({
                "org_id": org_id,
                "org_name": organization.name,
                "credit_balance_cents": organization.credit_balance_cents,
                "pending_debit_balance_cents": organization.pending_debit_balance_cents,
                "will_invoice": organization.will_invoice,
                "card_declined": organization.card_declined,
                "keys_forbidden": organization.keys_forbidden,
                "raw_api_key_withheld": organization.raw_api_key_withheld,
                "charges": organization.charges.len(),
                "apps": apps,
            })
        })
        .collect();
    ok(&json!({ "organizations": shown }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationChange {
    /// Absent: the first organization.
    org_id: Option<String>,
    org_name: Option<String>,
    credit_balance_cents: Option<f64>,
    pending_debit_balance_cents: Option<f64>,
    will_invoice: Option<bool>,
    card_declined: Option<bool>,
    /// Refuse to create keys, as for an organization without permission.
    keys_forbidden: Option<bool>,
    /// Leave `raw_api_key` out of the answers to "create key".
    raw_api_key_withheld: Option<bool>,
}

async fn set_organization(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let change: OrganizationChange = read(&body)?;
    let mut world = shared.world();
    let starting = world.options.starting_balance_cents;
    let org_id = change
        .org_id
        .unwrap_or_else(|| world.options.org_id.clone());
    let organization = world.organizations.ensure(&org_id, starting);
    if let Some(name) = change.org_name {
        organization.name = name;
    }
    if let Some(cents) = change.credit_balance_cents {
        organization.credit_balance_cents = cents;
    }
    if let Some(cents) = change.pending_debit_balance_cents {
        organization.pending_debit_balance_cents = cents;
    }
    if let Some(invoiced) = change.will_invoice {
        organization.will_invoice = invoiced;
    }
    if let Some(declined) = change.card_declined {
        organization.card_declined = declined;
    }
    if let Some(forbidden) = change.keys_forbidden {
        organization.keys_forbidden = forbidden;
    }
    if let Some(withheld) = change.raw_api_key_withheld {
        organization.raw_api_key_withheld = withheld;
    }
    ok(&json!({ "org_id": org_id }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApp {
    /// Absent: the first organization.
    org_id: Option<String>,
    app_name: String,
}

/// Makes an app, also where one of that name exists.
async fn create_app(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let wanted: NewApp = read(&body)?;
    let mut world = shared.world();
    let org_id = wanted
        .org_id
        .unwrap_or_else(|| world.options.org_id.clone());
    let starting = world.options.starting_balance_cents;
    let app = world
        .organizations
        .ensure(&org_id, starting)
        .create_app(&wanted.app_name);
    ok(&json!({ "app_id": app.app_id, "app_name": app.app_name }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldApp {
    app_id: Option<String>,
    /// Every app of that name.
    app_name: Option<String>,
}

async fn delete_app(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let old: OldApp = read(&body)?;
    if old.app_id.is_none() == old.app_name.is_none() {
        let problem = "name the app by app_id or by app_name".into();
        return Err(ControlError(StatusCode::BAD_REQUEST, problem));
    }
    let mut deleted = 0;
    for organization in shared.world().organizations.iter_mut() {
        deleted += organization.delete_apps(|app| {
            old.app_id.as_ref() == Some(&app.app_id) || old.app_name.as_ref() == Some(&app.app_name)
        });
    }
    match deleted {
        0 => Err(missing("there is no such app")),
        _ => ok(&json!({ "deleted": deleted })),
    }
}

/// The keys that are alive, and how many ever were.
async fn keys(State(shared): State<Arc<Shared>>) -> Answer {
    let world = shared.world();
    let (mut alive, mut deleted) = (Vec::new(), 0);
    for (org_id, organization) in world.organizations.iter() {
        deleted += organization.keys_deleted;
        for (app, key) in organization.keys() {
            alive.push(json!({
                "api_key_id": key.api_key_id,
                "api_key_name": key.api_key_name,
                "app_id": app.app_id,
                "app_name": app.app_name,
                "org_id": org_id,
                "raw_api_key": fingerprint(&key.raw_api_key),
            }));
        }
    }
    let made = alive.len() as u64 + deleted;
    ok(&json!({ "keys": alive, "made": made, "deleted": deleted }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldKey {
    /// The key, its fingerprint or its ID. Absent: all.
    key: Option<String>,
}

async fn delete_key(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let old: OldKey = read(&body)?;
    let mut deleted = 0;
    for organization in shared.world().organizations.iter_mut() {
        deleted += organization.delete_keys(|_, key| {
            old.key.as_ref().is_none_or(|wanted| {
                *wanted == key.api_key_id
                    || *wanted == key.raw_api_key
                    || *wanted == fingerprint(&key.raw_api_key)
            })
        });
    }
    ok(&json!({ "deleted": deleted }))
}
