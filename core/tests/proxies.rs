//! Real proxies, by the option and by the environment's variables.

mod secure;

use secure::{Secure, balance, builder};
use std::{
    env,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

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

/// A SOCKS proxy (RFC 1928, RFC 1929) that wants the password `word`.
async fn socks(refuse: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let tunnels = Arc::new(AtomicUsize::new(0));
    let count = tunnels.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(socks_tunnel(stream, refuse, count.clone()));
        }
    });
    (port, tunnels)
}

async fn socks_tunnel(
    mut client: TcpStream,
    refuse: bool,
    tunnels: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let methods = [client.read_u8().await?, client.read_u8().await?][1];
    client.read_exact(&mut vec![0; methods.into()]).await?;
    client.write_all(&[5, 2]).await?;
    assert_eq!(client.read_u8().await?, 1);
    let mut words = Vec::new();
    for _ in 0..2 {
        let mut word = vec![0; client.read_u8().await?.into()];
        client.read_exact(&mut word).await?;
        words.push(word);
    }
    assert_eq!(words, [b"me".to_vec(), b"word".to_vec()]);
    client.write_all(&[1, u8::from(refuse)]).await?;
    if refuse {
        return Ok(());
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    let host = match request[3] {
        3 => {
            let mut name = vec![0; client.read_u8().await?.into()];
            client.read_exact(&mut name).await?;
            String::from_utf8(name).expect("a name")
        }
        _ => std::net::Ipv4Addr::from(client.read_u32().await?).to_string(),
    };
    let mut server = TcpStream::connect((host, client.read_u16().await?)).await?;
    tunnels.fetch_add(1, Ordering::SeqCst);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

#[tokio::test]
async fn socks_proxies_work_and_keep_their_password() {
    let secure = Secure::start().await;
    let (port, tunnels) = socks(false).await;
    let through = |scheme: &str, port: u16| {
        let url = format!("{scheme}://me:word@127.0.0.1:{port}");
        secure.trusted().proxy(url)
    };
    let got = balance(through("socks5h", port)).await;
    assert_eq!(got.expect("an answer"), 4200.0);
    assert_eq!(tunnels.load(Ordering::SeqCst), 1);

    let (port, _) = socks(true).await;
    let error = balance(through("socks5h", port))
        .await
        .expect_err("refused");
    assert_eq!(error.code(), "connection");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("word"), "{shown}");
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
async fn the_option_counts_for_plain_http_as_well() {
    let proxy = Proxy::start(true).await;
    let through = builder("http://127.0.0.1:1")
        .platform_url("https://platform.example")
        .proxy(proxy.url());
    balance(through).await.expect_err("refused");
    let heads = proxy.heads();
    assert!(heads[0].starts_with("GET http://127.0.0.1:1/"), "{heads:?}");
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
        Err(error) if error.code() == "config" => println!("\nchild: {error}"),
        Err(error) => println!("\nchild: {}", error.code()),
    }
}

async fn as_child(url: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().expect("a path"));
    command
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, url);
    for name in ["NO_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
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

#[tokio::test]
async fn proxies_of_the_environment_are_checked_where_they_count() {
    let secure = Secure::start().await;
    let url = secure.url();
    let trust = ("SSL_CERT_FILE", secure.certificate.to_str().expect("text"));
    for bad in [
        "nonsense",
        "ftp://127.0.0.1:1",
        "http://",
        "http://me:word@127.0.0.1:x",
        "two words",
    ] {
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let said = as_child(&url, &[trust, (name, bad)]).await;
            assert!(said.starts_with(&format!("{name}: ")), "{said}");
            assert!(said.contains("http://proxy.example:8080"), "{said}");
            assert!(!said.contains("word@"), "{said}");
        }
        let but_not = [trust, ("HTTPS_PROXY", bad), ("NO_PROXY", "localhost")];
        assert_eq!(as_child(&url, &but_not).await, "4200");
    }
    // Nothing goes to this machine by plain http through a proxy.
    let said = as_child("http://127.0.0.1:1", &[("HTTPS_PROXY", "nonsense")]).await;
    assert_eq!(said, "connection");
    let unasked = Proxy::start(true).await;
    let through = format!("http://127.0.0.1:{}", unasked.port);
    for name in ["http_proxy", "ALL_PROXY"] {
        let said = as_child("http://127.0.0.1:1", &[(name, &through)]).await;
        assert_eq!(said, "connection");
    }
    assert!(unasked.heads().is_empty());

    let (port, tunnels) = socks(false).await;
    let through = format!("socks5h://me:word@127.0.0.1:{port}");
    let said = as_child(&url, &[trust, ("HTTPS_PROXY", &through)]).await;
    assert_eq!(said, "4200");
    assert_eq!(tunnels.load(Ordering::SeqCst), 1);
    let bare = Proxy::start(false).await;
    let said = as_child(
        &url,
        &[trust, ("HTTPS_PROXY", &format!("127.0.0.1:{}", bare.port))],
    )
    .await;
    assert_eq!(said, "4200");
    assert_eq!(bare.heads().len(), 1);
}
