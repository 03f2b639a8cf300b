//! A server that stops in the middle of an answer.

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

#[tokio::test]
async fn silence_ends_a_request_that_has_time_left() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).expect("a request") > 0);
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\"";
        stream.write_all(half).expect("sent");
        // Until the client goes.
        let _ = stream.read_to_end(&mut Vec::new());
    });
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
        silence: Duration::from_millis(50),
        max_retries: 0,
        deadline: None,
    };
    let caller = Arc::new(Caller {
        clock: Clock::new(1.0),
        headers: HeaderMap::new(),
        events: Events::default(),
    });
    let (error, outcome) = Transport::new(&network, &Handle::current(), caller)
        .expect("a transport")
        .send(&request, limits, Outcome::NotSent)
        .await
        .err()
        .expect("half an answer");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("fell silent"), "{error}");
    assert_eq!(outcome, Outcome::Unknown);
}
