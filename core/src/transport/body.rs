//! Bodies: wiped after use, and aware of whether a connection has taken them.

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::{
    error, fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};
use zeroize::Zeroizing;

/// What a request carries.
pub(crate) enum Body {
    None,
    Form(Bytes),
    Json(Bytes),
}

impl Body {
    /// `key=value&…` as forms are encoded.
    pub(crate) fn form(fields: &[(&str, &str)]) -> Body {
        // At most three bytes for each, so that no copy is left behind by growing.
        let longest = fields
            .iter()
            .map(|(name, value)| 3 * (name.len() + value.len()) + 2);
        let text = String::with_capacity(longest.sum());
        let mut encoder = url::form_urlencoded::Serializer::new(text);
        encoder.extend_pairs(fields);
        Body::Form(Bytes::from_owner(Zeroizing::new(
            encoder.finish().into_bytes(),
        )))
    }

    pub(crate) fn json(value: &serde_json::Value) -> Body {
        let mut text = Wiped::with_capacity(256);
        serde_json::to_writer(&mut text, value).expect("JSON values can be written to memory");
        Body::Json(Bytes::from_owner(text.0))
    }
}

/// Bytes that leave no copy behind, neither when they grow nor when they are dropped.
pub(super) struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Wiped(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    pub(super) fn append(&mut self, more: &[u8]) {
        let needed = self.0.len() + more.len();
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(2 * self.0.capacity()));
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(more);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl io::Write for Wiped {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        self.append(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const WITHDRAWN: u8 = 2;

/// Whether a connection has taken the body of one attempt. Until then no server can act on the
/// request, whatever else of it was sent. Without a body there is no telling.
pub(super) struct Handover(Option<Arc<AtomicU8>>);

impl Handover {
    pub(super) fn of(body: &Body) -> Self {
        Handover(match body {
            Body::None => None,
            Body::Form(_) | Body::Json(_) => Some(Arc::new(AtomicU8::new(WAITING))),
        })
    }

    pub(super) fn body(&self, bytes: &Bytes) -> reqwest::Body {
        reqwest::Body::wrap(Handed {
            bytes: Some(bytes.clone()),
            state: self.0.clone(),
        })
    }

    /// Whether the request may have been sent. If not, it never will be.
    pub(super) fn end(&self) -> bool {
        self.0
            .as_deref()
            .is_none_or(|state| advance(state, WITHDRAWN) == TAKEN)
    }
}

/// Moves on from waiting, once; what it is now.
fn advance(state: &AtomicU8, next: u8) -> u8 {
    match state.compare_exchange(WAITING, next, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => next,
        Err(already) => already,
    }
}

struct Handed {
    bytes: Option<Bytes>,
    state: Option<Arc<AtomicU8>>,
}

impl HttpBody for Handed {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        let state = self.state.as_deref().map(|state| advance(state, TAKEN));
        Poll::Ready(Some(match state {
            Some(WITHDRAWN) => Err(Withdrawn),
            _ => Ok(Frame::data(bytes)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

/// The call ended before any connection had taken its body.
#[derive(Debug)]
struct Withdrawn;

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call has ended")
    }
}

impl error::Error for Withdrawn {}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(body: &mut Handed) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
    }

    fn handed(handover: &Handover) -> Handed {
        Handed {
            bytes: Some(Bytes::from_static(b"x")),
            state: handover.0.clone(),
        }
    }

    #[test]
    fn a_call_that_ended_is_never_sent_afterwards() {
        let handover = Handover::of(&Body::form(&[("a", "b")]));
        assert!(!handover.end());
        let frame = poll(&mut handed(&handover));
        assert!(matches!(frame, Poll::Ready(Some(Err(Withdrawn)))));
        assert!(!handover.end());
    }

    #[test]
    fn a_body_that_was_taken_may_have_arrived() {
        let handover = Handover::of(&Body::form(&[("a", "b")]));
        let mut body = handed(&handover);
        assert!(!body.is_end_stream() && body.size_hint().exact() == Some(1));
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(body.is_end_stream() && handover.end());
        assert!(matches!(poll(&mut body), Poll::Ready(None)));
    }

    #[test]
    fn without_a_body_there_is_no_telling() {
        assert!(Handover::of(&Body::None).end());
    }

    #[test]
    fn bodies_grow_to_what_is_written() {
        let long = serde_json::json!({ "text": "é".repeat(5_000) });
        let Body::Json(bytes) = Body::json(&long) else {
            panic!("not JSON")
        };
        assert_eq!(bytes, long.to_string());
        let Body::Form(bytes) = Body::form(&[("a b", "ü&"), ("c", "")]) else {
            panic!("not a form")
        };
        assert_eq!(bytes, "a+b=%C3%BC%26&c=");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_of_a_form_stays_in_memory() {
        use crate::secret::memory::Canary;
        let canary = Canary::new();
        let token = Zeroizing::new(canary.text());
        // What follows the secret needs more room than it looks, and so much that growing moves it.
        let long = "ü".repeat(30_000);
        let form = Body::form(&[("refresh_token", &token), ("", ""), (&long, "")]);
        drop(token);
        assert_eq!(canary.copies(), 1);
        drop(form);
        assert_eq!(canary.copies(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_of_bytes_that_grow_stays_in_memory() {
        use crate::secret::memory::Canary;
        let canary = Canary::new();
        let token = Zeroizing::new(canary.text());
        let mut bytes = Wiped::with_capacity(token.len());
        bytes.append(token.as_bytes());
        drop(token);
        // So that growing moves them.
        bytes.append(&vec![b' '; 200_000]);
        assert_eq!(canary.copies(), 1);
        drop(bytes);
        assert_eq!(canary.copies(), 0);
    }
}
