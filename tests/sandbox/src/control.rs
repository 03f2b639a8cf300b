//! The control surface: what a test does to a sandbox. `openapi.json` describes its
//! routes with their fields.

mod answer;
mod organizations;
mod surface;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Router, body::Bytes};
use serde::Deserialize;
use serde_json::{Value, json};

use self::answer::{Answer, ControlError, missing, ok, read};
pub(crate) use self::surface::Surface;
use crate::faults::Fault;
use crate::request::JSON;
use crate::secrets::fingerprint;
use crate::world::{Device, DeviceState};
use crate::{Options, Shared};

/// The surface's description, as OpenAPI 3.1.
const OPENAPI: &str = include_str!("../openapi.json");

/// A scenario with a large answer is larger than what axum takes by itself.
const LARGEST_BODY: usize = 16 << 20;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    surface()
        .router
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(refuse_web_pages))
}

fn surface() -> Surface {
    let surface = Surface::new()
        .get("/health", health)
        .get("/openapi.json", openapi)
        .get("/device-codes", device_codes)
        .post("/approve", approve)
        .post("/deny", deny)
        .post("/expire-device-code", expire_device_code)
        .post("/expire-access-token", expire_access_token)
        .post("/revoke-family", revoke_family)
        .post("/options", set_options)
        .get("/requests", requests)
        .get("/counts", counts)
        .get("/faults", faults)
        .post("/faults", add_fault)
        .delete("/faults", clear_faults)
        .post("/reset", reset);
    crate::scenarios::control_routes(organizations::routes(surface))
}

/// Browsers name the page that a request comes from: none has business here.
async fn refuse_web_pages(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        let problem = "the control surface does not answer web pages".into();
        return ControlError(StatusCode::FORBIDDEN, problem).into_response();
    }
    next.run(request).await
}

async fn health() -> Answer {
    ok(&json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") }))
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, JSON)], OPENAPI)
}

async fn device_codes(State(shared): State<Arc<Shared>>) -> Answer {
    let mut world = shared.world();
    world.settle();
    let shown: Vec<Value> = world
        .devices
        .iter()
        .map(|device| {
            let left = device.expires.saturating_duration_since(Instant::now());
            json!({
                "user_code": device.user_code,
                "device_code": fingerprint(&device.device_code),
                "client_id": device.client_id,
                "client_name": world.clients.get(&device.client_id),
                "scopes": device.scopes,
                "state": device.state.name(),
                "polls": device.polls,
                "seconds_left": left.as_secs_f64(),
            })
        })
        .collect();
    ok(&json!({ "device_codes": shown }))
}

/// Which device code is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    /// Absent: the newest pending one.
    user_code: Option<String>,
    /// Seconds to wait for a pending code to appear.
    #[serde(default)]
    wait: f64,
}

impl Pending {
    /// Changes it as soon as it is there.
    async fn apply<T>(
        &self,
        shared: &Shared,
        change: impl Fn(&mut crate::world::World, &str) -> T,
    ) -> Result<T, ControlError> {
        let wait = Duration::try_from_secs_f64(self.wait).unwrap_or_default();
        let deadline = Instant::now() + wait.min(Duration::from_secs(600));
        loop {
            {
                let mut world = shared.world();
                match self.find(&mut world) {
                    Ok(user_code) => return Ok(change(&mut world, &user_code)),
                    Err(problem) if Instant::now() >= deadline => return Err(problem),
                    Err(_) => {}
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn find(&self, world: &mut crate::world::World) -> Result<String, ControlError> {
        world.settle();
        let pending = |device: &Device| device.state == DeviceState::Pending;
        let Some(typed) = &self.user_code else {
            let newest = world.devices.iter().rev().find(|device| pending(device));
            return newest
                .map(|device| device.user_code.clone())
                .ok_or_else(|| missing("no device code is pending"));
        };
        let device = world
            .device(typed)
            .ok_or_else(|| missing(format!("{typed} is not known")))?;
        if pending(device) {
            return Ok(device.user_code.clone());
        }
        let problem = format!("{typed} is {}", device.state.name());
        Err(ControlError(StatusCode::CONFLICT, problem))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    user_code: Option<String>,
    org_id: Option<String>,
    org_name: Option<String>,
    /// Grant only these.
    scopes: Option<Vec<String>>,
    #[serde(default)]
    wait: f64,
}

async fn approve(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let Approval {
        user_code,
        org_id,
        org_name,
        scopes,
        wait,
    } = read(&body)?;
    let user_code = Pending { user_code, wait }
        .apply(&shared, |world, user_code| {
            let org_id = org_id
                .clone()
                .unwrap_or_else(|| world.options.org_id.clone());
            if let (Some(scopes), Some(device)) = (&scopes, world.device(user_code)) {
                device.scopes.clone_from(scopes);
            }
            world.approve(user_code, org_id.clone());
            if let Some(name) = &org_name {
                let starting = world.options.starting_balance_cents;
                world
                    .organizations
                    .ensure(&org_id, starting)
                    .name
                    .clone_from(name);
            }
            user_code.to_owned()
        })
        .await?;
    ok(&json!({ "user_code": user_code, "state": "approved" }))
}

async fn deny(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    set_state(&shared, &body, DeviceState::Denied).await
}

async fn expire_device_code(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    set_state(&shared, &body, DeviceState::Expired).await
}

async fn set_state(shared: &Shared, body: &Bytes, state: DeviceState) -> Answer {
    let pending: Pending = read(body)?;
    let user_code = pending
        .apply(shared, |world, user_code| {
            if let Some(device) = world.device(user_code) {
                device.state = state.clone();
            }
            user_code.to_owned()
        })
        .await?;
    ok(&json!({ "user_code": user_code, "state": state.name() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    /// The token, or its fingerprint. Absent: all.
    token: Option<String>,
}

impl Token {
    fn means(&self, token: &str) -> bool {
        self.token
            .as_ref()
            .is_none_or(|wanted| wanted == token || *wanted == fingerprint(token))
    }
}

async fn expire_access_token(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let wanted: Token = read(&body)?;
    let now = Instant::now();
    let mut expired = 0;
    for (token, known) in &mut shared.world().access_tokens {
        if wanted.means(token) && known.expires > now {
            known.expires = now;
            expired += 1;
        }
    }
    ok(&json!({ "expired": expired }))
}

async fn revoke_family(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let wanted: Token = read(&body)?;
    let mut world = shared.world();
    let meant: Vec<usize> = world
        .refresh_tokens
        .iter()
        .filter(|(token, _)| wanted.means(token))
        .map(|(_, known)| known.family)
        .collect();
    let mut revoked = 0;
    for family in meant {
        let family = &mut world.families[family];
        revoked += u32::from(!std::mem::replace(&mut family.revoked, true));
    }
    ok(&json!({ "revoked": revoked }))
}

/// Changes options while the sandbox runs; they apply to what is made from now on.
async fn set_options(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let change: serde_json::Map<String, Value> = read(&body)?;
    let mut world = shared.world();
    let bad = |problem: String| ControlError(StatusCode::BAD_REQUEST, problem);
    let mut whole = serde_json::to_value(&world.options).map_err(|e| bad(e.to_string()))?;
    for (name, value) in change {
        if name == "port" {
            return Err(bad("the port stays as it is".into()));
        }
        whole[name] = value;
    }
    let options: Options = serde_json::from_value(whole).map_err(|e| bad(e.to_string()))?;
    options.check().map_err(bad)?;
    world.options = options;
    ok(&json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    route: Option<String>,
    #[serde(default)]
    since: u64,
}

async fn requests(
    State(shared): State<Arc<Shared>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Answer {
    let Query(wanted) =
        wanted.map_err(|problem| ControlError(StatusCode::BAD_REQUEST, problem.body_text()))?;
    ok(&shared.journal().show(wanted.route.as_deref(), wanted.since))
}

async fn counts(State(shared): State<Arc<Shared>>) -> Answer {
    let routes = json!(shared.journal().counts());
    let world = shared.world();
    let revoked = world
        .families
        .iter()
        .filter(|family| family.revoked)
        .count();
    ok(&json!({
        "routes": routes,
        "families": world.families.len(),
        "families_revoked": revoked,
        "refresh_token_reuses": world.reuses,
    }))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Answer {
    ok(&json!({ "faults": shared.faults().all() }))
}

async fn add_fault(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let fault: Fault = read(&body)?;
    shared
        .faults()
        .add(fault)
        .map_err(|problem| ControlError(StatusCode::BAD_REQUEST, problem))?;
    ok(&json!({ "due": shared.faults().all().len() }))
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> Answer {
    shared.faults().clear();
    ok(&json!({}))
}

async fn reset(State(shared): State<Arc<Shared>>) -> Answer {
    shared.reset();
    ok(&json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Both ways: what is not described, and what is described and not there.
    #[test]
    fn openapi_has_these_routes_and_no_other() {
        let routes: BTreeSet<(String, String)> = surface()
            .routes
            .into_iter()
            .map(|(method, path)| (method.as_str().to_lowercase(), path.to_owned()))
            .collect();
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().cloned();
                methods.map(move |method| (method, path.clone()))
            })
            .collect();
        assert_eq!(routes, described);
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
