//! Real TLS, HTTP/2 and a real proxy, by options and by the environment's variables.

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
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, rustls};

/// An Account API behind TLS with a certificate that nobody has signed.
struct Secure {
    port: u16,
    certificate: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Secure {
    async fn start() -> Secure {
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

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    fn builder(&self) -> AccountClientBuilder {
        builder(&self.url())
    }

    fn trusted(&self) -> AccountClientBuilder {
        self.builder().ca_bundle(&self.certificate)
    }

    fn seen(&self) -> Vec<String> {
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

fn builder(url: &str) -> AccountClientBuilder {
    let login = json!({"version": 1, "client_id": "c", "selected_org_id": "org_1",
        "orgs": {"org_1": {"control_api": {"access_token": "at-canary"}}}});
    AccountClient::builder()
        .platform_url(url)
        .account_url(url)
        .max_retries(0)
        .store(MemoryStore::new(Some(login.to_string())))
}

async fn balance(builder: AccountClientBuilder) -> Result<f64, Error> {
    let client = builder.build()?;
    Ok(client.balance().get().await?.credit_balance_cents)
}

/// A proxy as companies have them; it keeps the head of each request that it saw.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(refuse: bool) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Proxy {
            port: listener.local_addr().expect("bound").port(),
            heads: Arc::default(),
        };
        let heads = proxy.heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tunnel(stream, heads.clone(), refuse));
            }
        });
        proxy
    }

    /// With a name and a password, which it does not look at.
    fn url(&self) -> String {
        format!("http://me:word@127.0.0.1:{}", self.port)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

async fn tunnel(stream: TcpStream, heads: Arc<Mutex<Vec<String>>>, refuse: bool) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().expect("no panic").push(head);
    if refuse {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        let _ = stream.write_all(refusal).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let _ = copy_bidirectional(&mut stream, &mut server).await;
}

#[tokio::test]
async fn a_bundle_is_trusted_and_http_2_spoken() {
    let secure = Secure::start().await;
    assert_eq!(balance(secure.trusted()).await.expect("an answer"), 4200.0);
    assert_eq!(secure.seen(), ["HTTP/2.0 GET /service/v1/balance"]);
}

#[tokio::test]
async fn an_unknown_certificate_gets_no_token() {
    let secure = Secure::start().await;
    let error = balance(secure.builder()).await.expect_err("untrusted");
    assert_eq!(error.code(), "tls");
    assert!(error.message().contains("ca_bundle"), "{error}");
    assert!(!error.outcome_unknown());
    assert!(secure.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_sees_where_to_and_nothing_else() {
    let secure = Secure::start().await;
    let proxy = Proxy::start(false).await;
    let through = secure.trusted().proxy(proxy.url());
    assert_eq!(balance(through).await.expect("an answer"), 4200.0);
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    let connect = format!("CONNECT localhost:{} HTTP/1.1\r\n", secure.port);
    assert!(heads[0].starts_with(&connect), "{}", heads[0]);
    // base64 of "me:word" (RFC 7617 §2).
    assert!(heads[0].contains("Basic bWU6d29yZA=="), "{}", heads[0]);
    assert!(!heads[0].contains("at-canary"), "{}", heads[0]);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_an_error_without_its_password() {
    let secure = Secure::start().await;
    let proxy = Proxy::start(true).await;
    let through = secure.trusted().proxy(proxy.url());
    let error = balance(through).await.expect_err("refused");
    assert_eq!(error.code(), "connection");
    assert!(error.message().contains("proxy"), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("word") && !shown.contains("bWU6"),
        "{shown}"
    );
    assert!(secure.seen().is_empty());
}

const CHILD: &str = "PARALLEL_ACCOUNT_TEST_URL";

/// What the next test runs as a process of its own, as the environment belongs to a whole one.
#[tokio::test]
async fn child() {
    let Ok(url) = env::var(CHILD) else { return };
    match balance(builder(&url)).await {
        Ok(cents) => println!("\nchild: {cents}"),
        Err(error) => println!("\nchild: {}", error.code()),
    }
}

async fn as_child(url: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().expect("a path"));
    command
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, url);
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    command.envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().expect("started"))
        .await
        .expect("no panic");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("child: "));
    line.unwrap_or(&text).to_owned()
}

#[tokio::test]
async fn the_environment_names_certificates_and_proxies() {
    let secure = Secure::start().await;
    let proxy = Proxy::start(false).await;
    let url = secure.url();
    let trust = ("SSL_CERT_FILE", secure.certificate.to_str().expect("text"));
    assert_eq!(as_child(&url, &[]).await, "tls");
    assert_eq!(as_child(&url, &[trust]).await, "4200");
    assert!(proxy.heads().is_empty());

    let through = format!("http://127.0.0.1:{}", proxy.port);
    let through = ("HTTPS_PROXY", through.as_str());
    assert_eq!(as_child(&url, &[trust, through]).await, "4200");
    assert_eq!(proxy.heads().len(), 1);
    let but_not = ("NO_PROXY", "localhost");
    assert_eq!(as_child(&url, &[trust, through, but_not]).await, "4200");
    assert_eq!(proxy.heads().len(), 1);
}
