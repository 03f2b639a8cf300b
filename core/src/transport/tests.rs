//! A server that stops in the middle of an answer, or does not stop.

use super::*;
use crate::{clock::Clock, events::Events};
use std::io::{Read, Write};

fn options() -> NetworkOptions {
    NetworkOptions {
        user_agent: "test".into(),
        proxy: None,
        trust: Trust::new(None, None),
        plain: Plain::BothBases,
    }
}

/// A server that answers one request with these bytes, and then closes the connection if it is
/// to `end`.
fn answering(bytes: Vec<u8>, end: bool) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).expect("a request") > 0);
        // A client that has read enough goes.
        let _ = stream.write_all(&bytes);
        if !end {
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    url
}

async fn get(url: &str, silence: Duration) -> Result<Incoming, Failure> {
    let network = Arc::new(Network::new(options(), &Roots::default()).expect("good options"));
    let request = Outgoing {
        method: Method::GET,
        url: url.parse().expect("a URL"),
        bearer: None,
        body: Body::None,
        repeat: Repeat::Never,
        headers: HeaderMap::new(),
    };
    let limits = Limits {
        timeout: Duration::from_secs(3600),
        silence,
        max_retries: 0,
        deadline: None,
    };
    let caller = Arc::new(Caller {
        clock: Clock::new(1.0),
        headers: HeaderMap::new(),
        events: Events::default(),
    });
    Transport::new(&network, &Handle::current(), caller)
        .expect("a transport")
        .send(&request, limits, Outcome::NotSent)
        .await
}

#[tokio::test]
async fn silence_ends_a_request_that_has_time_left() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\"";
    let url = answering(half.to_vec(), false);
    let answer = get(&url, Duration::from_millis(50)).await;
    let (error, outcome) = answer.err().expect("half an answer");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("stopped responding"), "{error}");
    assert_eq!(outcome, Outcome::Unknown);
}

#[tokio::test]
async fn an_answer_may_be_one_mebibyte_long_and_no_longer() {
    for (more, fits) in [(0, true), (1, false), (LARGEST_ANSWER, false)] {
        let length = LARGEST_ANSWER + more;
        let announced = format!("content-length: {length}\r\n");
        for header in [announced.as_str(), ""] {
            let mut answer = format!("HTTP/1.1 200 OK\r\n{header}\r\n").into_bytes();
            answer.resize(answer.len() + length, b' ');
            match get(&answering(answer, true), SILENCE).await {
                Ok(answer) => assert!(fits && answer.body.len() == length, "{length}"),
                Err((error, _)) => {
                    assert!(!fits, "{length}: {error}");
                    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
                    assert!(error.message().contains("1 MiB"), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn connections_that_nobody_uses_leave_no_task() {
    let network = Arc::new(Network::new(options(), &Roots::default()).expect("good options"));
    let runtime = Handle::current();
    drop(network.pool(&runtime).expect("a pool"));
    assert_eq!(runtime.metrics().num_alive_tasks(), 1);
    drop(network);
    tokio::task::yield_now().await;
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
}
