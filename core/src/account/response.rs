//! What an answer says besides its body.

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
    /// The service's id of the request, to quote to Parallel's support.
    pub request_id: Option<String>,
    /// Names in lower case, in the order in which they came; `Set-Cookie` is left out.
    pub headers: Vec<(String, String)>,
}

impl ResponseInfo {
    pub(super) fn new(status: u16, request_id: Option<String>, headers: &HeaderMap) -> Self {
        ResponseInfo {
            status,
            request_id,
            headers: shown(headers),
        }
    }
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
pub struct ResponseSlot(Arc<Mutex<Option<ResponseInfo>>>);

impl ResponseSlot {
    /// The last answer, if one came since the slot was made or emptied. Empties it.
    pub fn take(&self) -> Option<ResponseInfo> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn put(&self, response: ResponseInfo) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
    }
}

impl fmt::Debug for ResponseSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseSlot")
    }
}
