//! Certificates that a user named one by one, and what is said of those that are not trusted.

use parallel_account::{AccountClient, AccountClientBuilder, Error, MemoryStore};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use serde_json::json;
use std::{env, fs, path::PathBuf, process::Command, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

/// As `openssl req -x509` makes it: its own authority.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// An Account API behind TLS with a self-signed certificate.
struct Server {
    port: u16,
    /// The certificate as a file.
    certificate: PathBuf,
}

impl Server {
    async fn start(params: CertificateParams) -> Server {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let file = env::temp_dir().join(format!(
            "parallel-account-pinned-{}-{:016x}.pem",
            std::process::id(),
            fastrand::u64(..)
        ));
        fs::write(&file, certificate.pem()).expect("written");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .expect("a key of this certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us leaves here.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer(stream).await;
                    }
                });
            }
        });
        Server {
            port,
            certificate: file,
        }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    fn trusted(&self) -> AccountClientBuilder {
        builder(&self.url()).ca_bundle(&self.certificate)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.certificate);
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let body = json!({"org_id": "org_1", "credit_balance_cents": 4200}).to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let _ = stream.write_all((head + &body).as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// A port that says `bytes` to whoever speaks first.
async fn port_that_says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 1024];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            // Until the client goes, so that nothing is reset before it is read.
            while stream.read(&mut hello).await.is_ok_and(|read| read > 0) {}
        }
    });
    format!("https://localhost:{port}")
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

async fn refused(builder: AccountClientBuilder, says: &str) {
    let error = balance(builder).await.expect_err("untrusted");
    assert_eq!(error.code(), "tls", "{error}");
    let message = error.message();
    assert!(message.contains(says), "{message}");
    assert!(message.contains("ca_bundle"), "what to do: {message}");
    assert!(!error.outcome_unknown());
    for debug in ["CaUsedAsEndEntity", "Other", "Context", "Error", "{", "("] {
        assert!(
            !message.replace("(TLS alert", "").contains(debug),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_named_certificate_is_trusted_although_it_is_an_authoritys() {
    let server = Server::start(authority()).await;
    assert_eq!(balance(server.trusted()).await.expect("an answer"), 4200.0);
    refused(
        builder(&server.url()),
        "an authority's certificate as its own",
    )
    .await;
}

#[tokio::test]
async fn one_that_is_no_authoritys_is_trusted_as_ever() {
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let server = Server::start(params).await;
    assert_eq!(balance(server.trusted()).await.expect("an answer"), 4200.0);
    refused(
        builder(&server.url()),
        "signed by nobody whom this machine trusts",
    )
    .await;
}

#[tokio::test]
async fn its_time_counts() {
    for (from, to, says) in [
        (2019, 2020, "expired on 2020-01-01"),
        (2190, 2191, "not valid before 2190-01-01"),
    ] {
        let mut params = authority();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let server = Server::start(params).await;
        refused(server.trusted(), says).await;
    }
}

#[tokio::test]
async fn its_names_count() {
    let mut params = authority();
    params.subject_alt_names.clear();
    let server = Server::start(params.clone()).await;
    refused(server.trusted(), "names no host").await;
    let other = CertificateParams::new(["other.example".to_owned()]).expect("a name");
    params.subject_alt_names = other.subject_alt_names;
    let server = Server::start(params).await;
    refused(server.trusted(), "is for other.example, not for localhost").await;
}

#[tokio::test]
async fn another_of_the_same_name_is_not_the_named_one() {
    let named = Server::start(authority()).await;
    let other = Server::start(authority()).await;
    let crossed = builder(&other.url()).ca_bundle(&named.certificate);
    refused(crossed, "an authority's certificate as its own").await;
}

#[tokio::test]
async fn what_speaks_no_tls_and_what_refuses_is_told_apart() {
    let plain = port_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    refused(builder(&plain), "does not speak TLS").await;
    // handshake_failure and unrecognized_name (RFC 8446 §6).
    let picky = port_that_says(b"\x15\x03\x03\x00\x02\x02\x28").await;
    refused(builder(&picky), "refused the handshake (TLS alert 40)").await;
    let unknown = port_that_says(b"\x15\x03\x03\x00\x02\x02\x70").await;
    refused(builder(&unknown), "does not know this host").await;
}

const CHILD: &str = "PARALLEL_ACCOUNT_TEST_PINNED";

/// What the next test runs as a process of its own, as the environment belongs to a whole one.
#[tokio::test]
async fn child() {
    let Ok(url) = env::var(CHILD) else { return };
    match balance(builder(&url)).await {
        Ok(cents) => println!("\nchild: {cents}"),
        Err(error) => println!("\nchild: {error}"),
    }
}

#[tokio::test]
async fn the_environment_names_one_as_well() {
    let server = Server::start(authority()).await;
    let mut command = Command::new(env::current_exe().expect("a path"));
    command
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, server.url())
        .env("SSL_CERT_FILE", &server.certificate);
    let output = tokio::task::spawn_blocking(move || command.output().expect("started"))
        .await
        .expect("no panic");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("child: 4200"), "{text}");
}

#[test]
fn a_bundle_that_cannot_be_one_is_refused_when_the_client_is_made() {
    let folder = env::temp_dir().join(format!(
        "parallel-account-bundle-{:016x}",
        fastrand::u64(..)
    ));
    fs::create_dir(&folder).expect("made");
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).expect("written");
        name.to_owned()
    };
    let marker = |word: &str| format!("-----{word} CERTIFICATE-----\n");
    let mut bad = vec![
        ("missing".to_owned(), "cannot be read"),
        (".".to_owned(), "not a regular file"),
        (write("empty", ""), "contains no certificate"),
        (
            write("text", "certificates, please"),
            "contains no certificate",
        ),
        (write("cut", &marker("BEGIN")), "cut off"),
        (
            write("noise", &format!("{}?\n{}", marker("BEGIN"), marker("END"))),
            "not valid PEM",
        ),
        (
            write(
                "nonsense",
                &format!("{}AAAA\n{}", marker("BEGIN"), marker("END")),
            ),
            "cannot be used",
        ),
    ];
    let long = fs::File::create(folder.join("long")).expect("made");
    long.set_len(1 << 30).expect("sparse");
    bad.push(("long".to_owned(), "larger than 16 MiB"));
    if cfg!(unix) {
        let made = Command::new("mkfifo").arg(folder.join("fifo")).status();
        assert!(made.expect("started").success());
        bad.push(("fifo".to_owned(), "not a regular file"));
        bad.push(("/dev/zero".to_owned(), "not a regular file"));
    }
    for (name, says) in bad {
        let client = builder("https://localhost:1").ca_bundle(folder.join(&name));
        let error = client.build().expect_err(&name);
        assert_eq!(error.code(), "config", "{name}: {error}");
        assert!(error.message().starts_with("ca_bundle "), "{error}");
        assert!(error.message().contains(says), "{name}: {error}");
        assert!(error.message().contains("Name a file of PEM"), "{error}");
    }
    fs::remove_dir_all(folder).expect("removed");
}
