//! What an answer says besides its body.

use crate::transport::Incoming;
use reqwest::header::{HeaderMap, SET_COOKIE};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The status and the headers of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct ResponseInfo {
    /// The HTTP status.
    pub status: u16,
    /// The service's ID of the request, to quote to Parallel's support.
    pub request_id: Option<String>,
    /// Names in lower case, in the order in which they came; `Set-Cookie` is left out.
    pub headers: Vec<(String, String)>,
}

pub(super) fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().filter(|(name, _)| *name != SET_COOKIE);
    shown
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        })
        .collect()
}

/// Takes what the last answer to a call said besides its body; see
/// [`CallOptions::response`](crate::CallOptions::response).
#[derive(Clone, Default)]
pub struct ResponseSlot(Arc<Mutex<Option<Seen>>>);

/// What came, not yet made into texts: many slots are never asked.
struct Seen {
    status: u16,
    request_id: Option<String>,
    headers: Arc<HeaderMap>,
}

impl ResponseSlot {
    /// The last answer, if one came since the slot was made or emptied. Empties it.
    pub fn take(&self) -> Option<ResponseInfo> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        seen.map(|seen| ResponseInfo {
            status: seen.status,
            request_id: seen.request_id,
            headers: shown(&seen.headers),
        })
    }

    /// The ID of the request that the last answer was for. Leaves the slot as it is.
    pub fn request_id(&self) -> Option<String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref()?.request_id.clone()
    }

    pub(super) fn put(&self, answer: &Incoming) {
        let seen = Seen {
            status: answer.status,
            request_id: answer.request_id.clone(),
            headers: answer.headers.clone(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }
}

impl fmt::Debug for ResponseSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseSlot")
    }
}
