//! Sockets: accepting, serving, and ending a connection in unusual ways.
//!
//! Every connection is served by hyper itself instead of `axum::serve`, because a
//! fault has to reach the socket: to reset it, or to write bytes that no HTTP
//! library would.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tower_service::Service;

/// How long a stop waits for requests in progress.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// How a handler wants its connection to end instead of answering.
#[derive(Debug)]
pub(crate) enum Ending {
    /// A TCP reset.
    Reset,
    /// These bytes exactly (none: a silent close), then a close.
    Raw(Bytes),
}

/// A handler's hold on the connection that its request came by.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionHandle(Arc<ConnectionState>);

#[derive(Debug, Default)]
struct ConnectionState {
    ending: Mutex<Option<Ending>>,
    wake: Notify,
}

impl ConnectionHandle {
    /// Ends the connection. Never returns: the connection's task drops the handler.
    pub(crate) async fn end(&self, ending: Ending) -> Infallible {
        *self.0.ending.lock().expect("no panic while held") = Some(ending);
        self.0.wake.notify_one();
        std::future::pending().await
    }

    async fn ended(&self) -> Ending {
        loop {
            self.0.wake.notified().await;
            if let Some(ending) = self.0.ending.lock().expect("no panic while held").take() {
                return ending;
            }
        }
    }
}

/// Listens on loopback.
pub(crate) async fn listen(port: u16) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Serves until `stop` turns true, then lets requests in progress finish.
/// Dropping the future closes every connection at once.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept (too many open files) concerns one peer or passes.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                connections.spawn(serve_connection(stream, router.clone(), stop.clone()));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(STOP_PATIENCE, all_done).await;
}

async fn serve_connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let handle = ConnectionHandle::default();
    let for_requests = handle.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(for_requests.clone());
        router.clone().call(request)
    });
    let mut connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut stopping = false;
    let ending = loop {
        tokio::select! {
            _ = &mut connection => return,
            ending = handle.ended() => break ending,
            _ = stop.changed(), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let mut stream = connection.into_parts().io.into_inner();
    match ending {
        Ending::Reset => {
            let _ = stream.set_zero_linger();
        }
        Ending::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    }
}
