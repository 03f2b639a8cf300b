//! A platform and Account API that answers as it is told, and counts its connections.

#![allow(dead_code, reason = "each test uses its part")]

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{HeaderMap, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parallel_account::{AccountClient, AccountClientBuilder, MemoryStore};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    future::pending,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, sync::Notify};

/// What one request gets.
#[derive(Clone)]
pub(crate) enum Answer {
    /// This status and body, and `Retry-After` where it is not 0.
    Status(u16, Value, u64),
    /// The connection breaks after the request was read.
    Lost,
    /// Nothing, ever.
    Silence,
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Status(status, json!({"detail": "as it was told"}), 0)
}

pub(crate) fn balance() -> Answer {
    let body = json!({"org_id": "org_1", "credit_balance_cents": 4200});
    Answer::Status(200, body, 0)
}

pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// For the Account API; the balance when there are no more.
    answers: Mutex<VecDeque<Answer>>,
    /// For the token endpoint; silence when there are no more.
    renewals: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<(String, Value)>>,
    /// Of the last request.
    headers: Mutex<HeaderMap>,
    arrived: Notify,
    connections: AtomicUsize,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared::default());
        let server = Server {
            url,
            shared: shared.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(request, shared.clone()));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        server
    }

    /// What the Account API answers next.
    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut queue = self.shared.answers.lock().expect("no panic");
        queue.extend(answers);
    }

    /// What renewals are answered next.
    pub(crate) fn renewals(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut queue = self.shared.renewals.lock().expect("no panic");
        queue.extend(answers);
    }

    /// The paths and bodies of all requests so far.
    pub(crate) fn seen(&self) -> Vec<(String, Value)> {
        self.shared.seen.lock().expect("no panic").clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|(path, _)| path).collect()
    }

    /// The headers of the last request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.shared.headers.lock().expect("no panic").clone()
    }

    /// Resolves when a request has come since the last time.
    pub(crate) async fn request(&self) {
        self.shared.arrived.notified().await;
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn builder(&self) -> AccountClientBuilder {
        AccountClient::builder()
            .platform_url(&self.url)
            .account_url(&self.url)
            .time_scale(1000.0)
            .store(logged_in())
    }
}

/// A store with a login whose tokens do not say when they expire.
pub(crate) fn logged_in() -> MemoryStore {
    let login = json!({"access_token": "at-1", "refresh_token": "rt-1"});
    MemoryStore::new(Some(record(login)))
}

pub(crate) fn record(control_api: Value) -> String {
    json!({"version": 1, "client_id": "c", "selected_org_id": "org_1",
        "orgs": {"org_1": {"control_api": control_api}}})
    .to_string()
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let path = request.uri().path().to_owned();
    *shared.headers.lock().expect("no panic") = request.headers().clone();
    let body = request.into_body().collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let renewal = path.starts_with("/getServiceKeys");
    let sent = serde_json::from_slice(&body).unwrap_or(Value::Null);
    shared.seen.lock().expect("no panic").push((path, sent));
    shared.arrived.notify_one();
    let next = match renewal {
        true => shared.renewals.lock().expect("no panic").pop_front(),
        false => shared.answers.lock().expect("no panic").pop_front(),
    };
    let otherwise = match renewal {
        true => Answer::Silence,
        false => balance(),
    };
    match next.unwrap_or(otherwise) {
        Answer::Silence => pending().await,
        Answer::Lost => Err(io::Error::other("as it was told")),
        Answer::Status(status, body, retry_after) => {
            let mut answer = Response::new(Full::from(body.to_string()));
            *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
            answer
                .headers_mut()
                .insert("x-request-id", HeaderValue::from_static("req-1"));
            if retry_after > 0 {
                answer
                    .headers_mut()
                    .insert("retry-after", retry_after.into());
            }
            Ok(answer)
        }
    }
}
