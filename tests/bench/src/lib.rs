//! What the server answers: bytes in, bytes out, no sockets.
//!
//! It knows two requests only, `GET` of the balance and `POST` for tokens, and answers them with
//! prepared bytes, so that a bench measures its clients.

use httparse::{EMPTY_HEADER, Request, Status};

/// The bearer that the server accepts.
pub const ACCESS_TOKEN: &str = "at_bench_3f9c1e7a5b2d4860";

/// The base of the Account API.
pub const ACCOUNT_BASE: &str = "/account";

const BALANCE: &str = "/account/service/v1/balance";
/// The platform's own path, and the plain one that other clients are configured with.
const TOKENS: [&str; 2] = ["/getServiceKeys/token", "/token"];
const COUNT: &str = "/requests";

const LONGEST_REQUEST: usize = 64 * 1024;

/// Answers requests, and counts them.
pub struct Service {
    requests: u64,
    authorization: String,
    balance: Vec<u8>,
    tokens: Vec<u8>,
}

/// What became of the bytes that arrived.
#[derive(Debug, PartialEq)]
pub struct Progress {
    /// So many belong to requests that are answered now.
    pub consumed: usize,
    /// Nothing more is to be read: close once the answers are written.
    pub close: bool,
}

impl Default for Service {
    fn default() -> Self {
        Service {
            requests: 0,
            authorization: format!("Bearer {ACCESS_TOKEN}"),
            balance: answer(
                "200 OK",
                r#"{"org_id":"org_bench","credit_balance_cents":12345.5,"pending_debit_balance_cents":0.0,"will_invoice":false}"#,
            ),
            tokens: answer(
                "200 OK",
                &format!(
                    r#"{{"access_token":"{ACCESS_TOKEN}","refresh_token":"rt_bench_0","token_type":"bearer","expires_in":3600}}"#
                ),
            ),
        }
    }
}

impl Service {
    /// Answers every whole request at the front of `input` into `output`, in order.
    pub fn answer(&mut self, input: &[u8], output: &mut Vec<u8>) -> Progress {
        let mut consumed = 0;
        while consumed < input.len() {
            match self.one(&input[consumed..], output) {
                Some(Progress { consumed: n, close }) => {
                    consumed += n;
                    if close {
                        return Progress { consumed, close };
                    }
                }
                None => break,
            }
        }
        let close = input.len() - consumed > LONGEST_REQUEST;
        Progress { consumed, close }
    }

    /// One request; `None` while it has not arrived whole.
    fn one(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<Progress> {
        let refuse = |output: &mut Vec<u8>, status: &str| {
            output.extend(answer(status, r#"{"detail":"not understood"}"#));
            Some(Progress {
                consumed: input.len(),
                close: true,
            })
        };
        let mut headers = [EMPTY_HEADER; 48];
        let mut request = Request::new(&mut headers);
        let head = match request.parse(input) {
            Ok(Status::Complete(head)) => head,
            Ok(Status::Partial) => return None,
            Err(_) => return refuse(output, "400 Bad Request"),
        };
        let mut length = 0;
        let mut close = request.version == Some(0);
        let mut authorized = false;
        for header in request.headers.iter() {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("authorization") {
                authorized = header.value == self.authorization.as_bytes();
            } else if is("connection") {
                close |= header.value.eq_ignore_ascii_case(b"close");
            } else if is("content-length") {
                let digits = std::str::from_utf8(header.value).ok();
                match digits.and_then(|digits| digits.trim().parse::<usize>().ok()) {
                    Some(n) if n <= LONGEST_REQUEST => length = n,
                    _ => return refuse(output, "413 Content Too Large"),
                }
            } else if is("transfer-encoding") {
                return refuse(output, "411 Length Required");
            }
        }
        if input.len() < head + length {
            return None;
        }
        let path = request.path.unwrap_or_default();
        self.respond(request.method.unwrap_or_default(), path, authorized, output);
        Some(Progress {
            consumed: head + length,
            close,
        })
    }

    fn respond(&mut self, method: &str, path: &str, authorized: bool, output: &mut Vec<u8>) {
        let before = self.requests;
        self.requests += 1;
        match method {
            "GET" if path == BALANCE && authorized => output.extend(&self.balance),
            "GET" if path == BALANCE => {
                output.extend(answer(
                    "401 Unauthorized",
                    r#"{"detail":"Not authenticated"}"#,
                ));
            }
            "POST" if TOKENS.contains(&path) => output.extend(&self.tokens),
            "GET" if path == COUNT => {
                self.requests = before;
                let count = format!(r#"{{"requests":{before}}}"#);
                output.extend(answer("200 OK", &count));
            }
            _ => output.extend(answer("404 Not Found", r#"{"detail":"Not Found"}"#)),
        }
    }
}

fn answer(status: &str, json: &str) -> Vec<u8> {
    let length = json.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(token: &str) -> Vec<u8> {
        format!("GET {BALANCE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
            .into_bytes()
    }

    fn statuses(output: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(output);
        let lines = text.split("HTTP/1.1 ").skip(1);
        lines.map(|line| line[..3].to_owned()).collect()
    }

    #[test]
    fn requests_that_come_together_are_answered_in_order() {
        let mut input = get(ACCESS_TOKEN);
        input.extend(get("another"));
        input.extend(b"POST /token HTTP/1.1\r\ncontent-length: 3\r\n\r\na=b");
        input.extend(b"GET /requests HTTP/1.1\r\n\r\n");
        input.extend(b"GET /there");
        let mut output = Vec::new();
        let progress = Service::default().answer(&input, &mut output);
        let consumed = input.len() - "GET /there".len();
        assert_eq!(
            progress,
            Progress {
                consumed,
                close: false
            }
        );
        assert_eq!(statuses(&output), ["200", "401", "200", "200"]);
        assert!(output.ends_with(br#"{"requests":3}"#));
    }

    #[test]
    fn a_request_is_answered_when_its_last_byte_is_there() {
        let whole = [
            get(ACCESS_TOKEN),
            b"POST /token HTTP/1.1\r\nContent-Length: 7\r\n\r\nabc=def".to_vec(),
        ];
        for request in whole {
            let mut service = Service::default();
            let mut output = Vec::new();
            for end in 0..request.len() {
                assert_eq!(service.answer(&request[..end], &mut output).consumed, 0);
                assert!(output.is_empty());
            }
            assert_eq!(
                service.answer(&request, &mut output).consumed,
                request.len()
            );
            assert_eq!(statuses(&output), ["200"]);
        }
    }

    #[test]
    fn a_connection_ends_where_the_client_wants_or_nothing_is_understood() {
        let ends = [
            "GET /requests HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET /requests HTTP/1.0\r\n\r\n",
            "POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST /token HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
            "no HTTP at all\r\n\r\n",
        ];
        for end in ends {
            let mut output = Vec::new();
            let progress = Service::default().answer(end.as_bytes(), &mut output);
            assert!(progress.close, "{end}");
            assert_eq!(statuses(&output).len(), 1, "{end}");
        }
        let endless = "x: y\r\n".repeat(LONGEST_REQUEST);
        let input = format!("GET / HTTP/1.1\r\n{}", &endless[..LONGEST_REQUEST]);
        let progress = Service::default().answer(input.as_bytes(), &mut Vec::new());
        assert!(progress.close);
    }
}
