//! An Account API that is reached by TLS and speaks HTTP/2.

#![allow(dead_code, reason = "each test uses its part")]

use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use parallel_account::{AccountClient, AccountClientBuilder, Error, MemoryStore};
use serde_json::json;
use std::{
    convert::Infallible,
    env, fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

/// An Account API behind TLS with a certificate that nobody has signed.
pub(crate) struct Secure {
    pub(crate) port: u16,
    pub(crate) certificate: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Secure {
    pub(crate) async fn start() -> Secure {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let certificate = env::temp_dir().join(format!(
            "parallel-account-network-{}-{number}.pem",
            std::process::id()
        ));
        fs::write(&certificate, made.cert.pem()).expect("written");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("a key of this certificate");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let secure = Secure {
            port: listener.local_addr().expect("bound").port(),
            certificate,
            seen: Arc::default(),
        };
        let seen = secure.seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), seen.clone());
                tokio::spawn(async move {
                    // A client that does not trust us leaves here.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(move |request| answer(request, seen.clone()));
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        secure
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn builder(&self) -> AccountClientBuilder {
        builder(&self.url())
    }

    pub(crate) fn trusted(&self) -> AccountClientBuilder {
        self.builder().ca_bundle(&self.certificate)
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.certificate);
    }
}

async fn answer(
    request: Request<hyper::body::Incoming>,
    seen: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let line = format!(
        "{:?} {} {}",
        request.version(),
        request.method(),
        request.uri().path()
    );
    seen.lock().expect("no panic").push(line);
    let balance = json!({"org_id": "org_1", "credit_balance_cents": 4200,
        "pending_debit_balance_cents": 0, "will_invoice": false});
    Ok(Response::new(Full::from(balance.to_string())))
}

pub(crate) fn builder(url: &str) -> AccountClientBuilder {
    let login = json!({"version": 1, "client_id": "c", "selected_org_id": "org_1",
        "orgs": {"org_1": {"control_api": {"access_token": "at-canary"}}}});
    AccountClient::builder()
        .platform_url(url)
        .account_url(url)
        .max_retries(0)
        .store(MemoryStore::new(Some(login.to_string())))
}

pub(crate) async fn balance(builder: AccountClientBuilder) -> Result<f64, Error> {
    let client = builder.build()?;
    Ok(client.balance().get().await?.credit_balance_cents)
}
