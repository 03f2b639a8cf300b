//! A local Parallel for demos and tests: the device flow, the Account API, the part of
//! the data API that its keys are tried on, the page on which a person approves, and a
//! control surface that makes things go wrong.
//!
//! It keeps real state and is strict about what it receives, so that a client which
//! gets on with it gets on with the service.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use parallel_account_sandbox::{Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options { approve_after: Some(0.0), ..Options::default() }).await?;
//! println!("{} {}", sandbox.platform_url(), sandbox.account_url());
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! The routes of the control surface, with their fields, are in `openapi.json` beside this crate's
//! manifest, and a running sandbox answers it at `control_url` + `/openapi.json`.

mod account;
mod control;
mod data;
mod faults;
mod journal;
mod observe;
mod options;
mod organizations;
mod page;
mod platform;
mod request;
mod scenarios;
mod secrets;
mod server;
mod world;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, middleware};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use faults::{Fault, Reset};
pub use options::{HELP, Invocation, Options};
pub use secrets::fingerprint;
pub use world::SCOPES;

/// A running sandbox. Dropping it closes its socket and every connection.
#[derive(Debug)]
pub struct Sandbox {
    addresses: Addresses,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) platform_url: String,
    pub(crate) account_url: String,
    pub(crate) control_url: String,
    pub(crate) data_url: String,
}

/// What the handlers of one sandbox share.
pub(crate) struct Shared {
    pub(crate) addresses: Addresses,
    options: Options,
    world: Mutex<world::World>,
    journal: Mutex<journal::Journal>,
    faults: Mutex<faults::Faults>,
    scenarios: Mutex<scenarios::Scenarios>,
}

const NO_PANIC: &str = "no handler panics while it holds this";

impl Shared {
    pub(crate) fn world(&self) -> MutexGuard<'_, world::World> {
        self.world.lock().expect(NO_PANIC)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, journal::Journal> {
        self.journal.lock().expect(NO_PANIC)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, faults::Faults> {
        self.faults.lock().expect(NO_PANIC)
    }

    pub(crate) fn scenarios(&self) -> MutexGuard<'_, scenarios::Scenarios> {
        self.scenarios.lock().expect(NO_PANIC)
    }

    /// Back to the state of the start; scenarios are untouched.
    pub(crate) fn reset(&self) {
        *self.world() = world::World::new(self.options.clone());
        *self.journal() = journal::Journal::new();
        self.faults().clear();
    }
}

impl Sandbox {
    /// Starts one on loopback, served by the current tokio runtime.
    ///
    /// # Errors
    /// `InvalidInput` for invalid options; otherwise what binding the port
    /// answered, such as `AddrInUse`.
    pub async fn start(options: Options) -> io::Result<Self> {
        options
            .check()
            .map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
        let (listener, port) = server::listen(options.port).await?;
        let origin = format!("http://127.0.0.1:{port}");
        let addresses = Addresses {
            account_url: format!("{origin}/account"),
            control_url: format!("{origin}/_control"),
            data_url: origin.clone(),
            platform_url: origin,
        };
        let shared = Arc::new(Shared {
            addresses: addresses.clone(),
            world: Mutex::new(world::World::new(options.clone())),
            journal: Mutex::new(journal::Journal::new()),
            faults: Mutex::default(),
            scenarios: Mutex::default(),
            options,
        });
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(server::serve(listener, router(shared), stopped));
        Ok(Self {
            addresses,
            stop,
            serving,
        })
    }

    /// Base of the device flow's endpoints.
    pub fn platform_url(&self) -> &str {
        &self.addresses.platform_url
    }

    /// Base of the Account API.
    pub fn account_url(&self) -> &str {
        &self.addresses.account_url
    }

    /// Base of the data API, for the SDKs' `base_url`.
    pub fn data_url(&self) -> &str {
        &self.addresses.data_url
    }

    /// Base of the control surface.
    pub fn control_url(&self) -> &str {
        &self.addresses.control_url
    }

    /// Ends it: no new connections, requests in progress get a second to finish.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let services = Router::new()
        .merge(platform::routes())
        .merge(page::routes())
        .nest("/account", account::routes())
        .merge(data::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(
            shared.clone(),
            observe::observe,
        ));
    Router::new()
        .nest("/_control", control::routes())
        .merge(scenarios::service_routes())
        .merge(services)
        .with_state(shared)
}

async fn not_found() -> Response {
    request::json_answer(StatusCode::NOT_FOUND, &json!({ "detail": "Not Found" }))
}

async fn method_not_allowed() -> Response {
    let body = json!({ "detail": "Method Not Allowed" });
    request::json_answer(StatusCode::METHOD_NOT_ALLOWED, &body)
}
