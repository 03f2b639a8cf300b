//! Real TLS and HTTP/2: whom a client trusts, and connections that die without a word.

mod secure;

use secure::{Secure, balance, builder};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{copy_bidirectional, sink},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Between a client and a server, as balancers are: it can drop what it acknowledges.
struct Balancer {
    port: u16,
    dropping: watch::Sender<bool>,
    connections: Arc<AtomicUsize>,
}

impl Balancer {
    async fn start(server: u16) -> Balancer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let balancer = Balancer {
            port: listener.local_addr().expect("bound").port(),
            dropping: watch::Sender::new(false),
            connections: Arc::default(),
        };
        let (dropping, connections) = (balancer.dropping.clone(), balancer.connections.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let mut dropping = dropping.subscribe();
                dropping.mark_unchanged();
                tokio::spawn(async move {
                    let server = ("127.0.0.1", server);
                    let mut server = TcpStream::connect(server).await.expect("the server");
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = dropping.changed() => {
                            let _ = tokio::io::copy(&mut client, &mut sink()).await;
                        }
                    }
                });
            }
        });
        balancer
    }

    /// All connections that there are die without a word; new ones work.
    fn drop_silently(&self) {
        self.dropping.send_replace(true);
    }
}

#[tokio::test]
async fn a_connection_that_died_silently_is_replaced_within_the_call() {
    let secure = Secure::start().await;
    let balancer = Balancer::start(secure.port).await;
    let client = builder(&format!("https://localhost:{}", balancer.port))
        .ca_bundle(&secure.certificate)
        .max_retries(2)
        .build()
        .expect("good options");
    client.balance().get().await.expect("a balance");
    assert_eq!(secure.seen(), ["HTTP/2.0 GET /service/v1/balance"]);
    balancer.drop_silently();
    let asked = Instant::now();
    // Its own time-out is 30 s.
    let got = client
        .balance()
        .get()
        .await
        .expect("the same call continues");
    println!("recovered after {:.1} s", asked.elapsed().as_secs_f64());
    assert_eq!(got.credit_balance_cents, 4200.0);
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert_eq!(balancer.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_creation_on_a_connection_that_died_silently_is_unknown() {
    let secure = Secure::start().await;
    let balancer = Balancer::start(secure.port).await;
    let client = builder(&format!("https://localhost:{}", balancer.port))
        .ca_bundle(&secure.certificate)
        .max_retries(2)
        .build()
        .expect("good options");
    client.balance().get().await.expect("a balance");
    balancer.drop_silently();
    let error = client.apps().create("app").await.expect_err("no answer");
    assert_eq!(error.code(), "timeout");
    assert!(error.message().contains("stopped responding"), "{error}");
    assert!(error.outcome_unknown() && !error.retryable(), "{error}");
    client.balance().get().await.expect("a new connection");
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

/// Such as `NODE_EXTRA_CA_CERTS`, which belongs to the whole program.
#[tokio::test]
async fn a_file_named_by_a_variable_adds_to_the_roots_and_stops_nobody() {
    let secure = Secure::start().await;
    let added = secure.builder().more_roots("EXTRA", &secure.certificate);
    assert_eq!(balance(added).await.expect("an answer"), 4200.0);
    let missing = secure.trusted().more_roots("EXTRA", "/nowhere");
    assert_eq!(balance(missing).await.expect("an answer"), 4200.0);
}
