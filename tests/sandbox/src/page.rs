//! The page on which a person approves a login: plain HTML, no script.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Body};
use serde::Deserialize;

use crate::Shared;
use crate::request::any_form;
use crate::secrets::form_token;
use crate::world::{DeviceState, World};

/// Where the page lives, below the platform's base.
pub(crate) const PATH: &str = "/device";
const STYLE_PATH: &str = "/device/style.css";

/// Nothing but our own style sheet is loaded, forms go only here, nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(PATH, get(show).post(decide))
        .route(STYLE_PATH, get(style))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    user_code: String,
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("page.css")).into_response()
}

async fn show(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let mut world = shared.world();
    if asked.user_code.trim().is_empty() {
        return page(StatusCode::OK, "Connect a device", &code_form("", None));
    }
    let Some(device) = world.device(&asked.user_code) else {
        return unknown(&asked.user_code);
    };
    let user_code = device.user_code.clone();
    match device.state {
        DeviceState::Pending => consent(&world, &user_code),
        ref state => settled(state),
    }
}

async fn decide(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(fields) = any_form(&headers, &body) else {
        return forged();
    };
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let mut world = shared.world();
    let Some(device) = world.device(field("user_code")) else {
        return unknown(field("user_code"));
    };
    let user_code = device.user_code.clone();
    if device.state != DeviceState::Pending {
        return settled(&device.state.clone());
    }
    if field("form_token") != form_token(&world.form_key, &user_code)
        || !same_origin(&headers, &shared.addresses.platform_url)
    {
        return forged();
    }
    match field("decision") {
        "approve" => {
            let org_id = field("org_id").to_owned();
            if world.organizations.get_mut(&org_id).is_none() {
                return consent(&world, &user_code);
            }
            world.approve(&user_code, org_id.clone());
            settled(&DeviceState::Approved { org_id })
        }
        "deny" => {
            if let Some(device) = world.device(&user_code) {
                device.state = DeviceState::Denied;
            }
            settled(&DeviceState::Denied)
        }
        _ => consent(&world, &user_code),
    }
}

/// Browsers say where a form was; programs need not.
fn same_origin(headers: &HeaderMap, origin: &str) -> bool {
    let port = origin.rsplit(':').next().unwrap_or_default();
    headers.get(header::ORIGIN).is_none_or(|sent| {
        sent == origin || sent.as_bytes() == format!("http://localhost:{port}").as_bytes()
    })
}

fn consent(world: &World, user_code: &str) -> Response {
    let Some(device) = world.devices.iter().find(|d| d.user_code == user_code) else {
        return unknown(user_code);
    };
    let client = world
        .clients
        .get(&device.client_id)
        .map_or("An application", String::as_str);
    let mut scopes = String::new();
    for scope in &device.scopes {
        let _ = write!(
            scopes,
            "<li><span>{}</span><code>{}</code></li>",
            meaning(scope),
            escaped(scope)
        );
    }
    let mut organizations = String::new();
    for (org_id, organization) in world.organizations.iter() {
        let _ = write!(
            organizations,
            "<option value=\"{}\">{}</option>",
            escaped(org_id),
            escaped(&organization.name)
        );
    }
    let body = format!(
        "<h1>Allow {client} to use your account?</h1>\
         <p class=\"soft\">Continue only if you started this and the code below is the one that \
         it shows you.</p>\
         <p class=\"code\" id=\"code\">{code}</p>\
         <p class=\"label\" id=\"asks\">It asks to</p>\
         <ul aria-labelledby=\"asks\">{scopes}</ul>\
         <form method=\"post\" action=\"{PATH}\">\
         <input type=\"hidden\" name=\"user_code\" value=\"{code}\">\
         <input type=\"hidden\" name=\"form_token\" value=\"{token}\">\
         <div class=\"field\"><label for=\"org\">Organization</label>\
         <select id=\"org\" name=\"org_id\">{organizations}</select></div>\
         <div class=\"buttons\">\
         <button class=\"primary\" name=\"decision\" value=\"approve\">Approve</button>\
         <button name=\"decision\" value=\"deny\">Deny</button>\
         </div></form>",
        client = escaped(client),
        code = escaped(user_code),
        token = form_token(&world.form_key, user_code),
    );
    page(StatusCode::OK, "Approve a login", &body)
}

fn meaning(scope: &str) -> &'static str {
    match scope {
        "keys:read" => "See API keys",
        "keys:create" => "Create API keys",
        "keys:delete" => "Delete API keys",
        "apps:read" => "See apps",
        "apps:create" => "Create apps",
        "apps:delete" => "Delete apps",
        "balance:read" => "See the balance",
        "balance:add" => "Add to the balance",
        _ => "Something else",
    }
}

fn settled(state: &DeviceState) -> Response {
    let (status, class, title, text) = match state {
        DeviceState::Approved { .. } => (
            StatusCode::OK,
            "good",
            "Approved",
            "You can close this page and return to your application.",
        ),
        DeviceState::Denied => (
            StatusCode::OK,
            "bad",
            "Denied",
            "The application was refused and gets no access. You can close this page.",
        ),
        DeviceState::Expired => (
            StatusCode::GONE,
            "bad",
            "This code has expired",
            "Start the login again in your application to get a new code.",
        ),
        DeviceState::Used | DeviceState::Pending => (
            StatusCode::GONE,
            "bad",
            "This code has been used",
            "Each code works once. If you are not logged in, start the login again.",
        ),
    };
    let body = format!(
        "<div role=\"status\"><h1 class=\"{class}\">{title}</h1><p>{text}</p></div>{}",
        if status == StatusCode::OK {
            ""
        } else {
            ANOTHER
        }
    );
    page(status, title, &body)
}

const ANOTHER: &str = "<p><a href=\"/device\">Enter another code</a></p>";

fn unknown(typed: &str) -> Response {
    let problem = "This code is not known. Compare it with the one that your application shows.";
    let body = code_form(typed, Some(problem));
    page(StatusCode::NOT_FOUND, "Unknown code", &body)
}

fn forged() -> Response {
    let body = format!(
        "<div role=\"status\"><h1 class=\"bad\">Nothing was decided</h1>\
         <p>This form did not come from the page of this login, or the page is too old.</p></div>\
         {ANOTHER}"
    );
    page(StatusCode::FORBIDDEN, "Nothing was decided", &body)
}

fn code_form(typed: &str, problem: Option<&str>) -> String {
    let (alert, state) = match problem {
        Some(problem) => (
            format!("<p class=\"bad\" role=\"alert\" id=\"problem\">{problem}</p>"),
            "aria-invalid=\"true\" aria-describedby=\"problem\"",
        ),
        None => (String::new(), ""),
    };
    format!(
        "<h1>Connect a device</h1>\
         <p class=\"soft\">Type the code that your application shows.</p>{alert}\
         <form method=\"get\" action=\"{PATH}\">\
         <div class=\"field\"><label for=\"user_code\">Code</label>\
         <input type=\"text\" id=\"user_code\" name=\"user_code\" value=\"{}\" {state} \
         placeholder=\"XXXX-XXXX\" maxlength=\"40\" autocomplete=\"off\" autocapitalize=\"characters\" \
         spellcheck=\"false\" required autofocus></div>\
         <div class=\"buttons\"><button class=\"primary\">Continue</button></div></form>",
        escaped(typed)
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · Parallel sandbox</title>\
         <link rel=\"stylesheet\" href=\"{STYLE_PATH}\"></head><body><main>\
         <p class=\"brand\"><svg width=\"22\" height=\"22\" viewBox=\"0 0 22 22\" aria-hidden=\"true\">\
         <path d=\"M4 19 10 3M12 19 18 3\" stroke=\"currentColor\" stroke-width=\"3\" \
         stroke-linecap=\"round\"/></svg>Parallel sandbox</p>{body}\
         <footer>A local stand-in for tests: nothing here reaches a real account.</footer>\
         </main></body></html>"
    );
    let mut answer = Response::new(Body::from(html));
    *answer.status_mut() = status;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}
