//! A server that stops in the middle of an answer.

use super::*;
use crate::config::Options;
use std::io::{Read, Write};

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
    let mut config = Options {
        platform_url: Some(url.clone()),
        account_url: Some(url.clone()),
        ..Options::default()
    }
    .check()
    .expect("good options");
    config.silence_timeout = Duration::from_millis(50);
    let request = Outgoing {
        method: Method::GET,
        url: url.parse().expect("a URL"),
        bearer: None,
        body: Body::None,
        repeat: Repeat::Always,
    };
    let error = Transport::new(&config)
        .expect("a transport")
        .send_once(&request, Duration::from_secs(3600))
        .await
        .err()
        .expect("half an answer");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("fell silent"), "{error}");
    assert!(error.outcome_unknown());
}
