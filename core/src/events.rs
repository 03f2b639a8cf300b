//! What happens, told as it happens: for logs, spans and counters. Never with a secret.

use crate::Error;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Something that happened. Requests of one attempt have the same [`RequestInfo::id`].
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Event {
    /// A request is sent.
    RequestSent {
        /// Which one.
        request: Arc<RequestInfo>,
    },
    /// It was answered, with success or not.
    RequestAnswered {
        /// Which one.
        request: Arc<RequestInfo>,
        /// The HTTP status.
        status: u16,
        /// The service's ID of the request.
        request_id: Option<String>,
        /// From sending it to the last byte of the answer.
        duration: Duration,
    },
    /// It was not answered, or the call was cancelled before.
    RequestFailed {
        /// Which one.
        request: Arc<RequestInfo>,
        /// Why.
        error: Error,
        /// How long that took.
        duration: Duration,
    },
    /// It is sent again after a while.
    RequestRepeated {
        /// Which one.
        request: Arc<RequestInfo>,
        /// How long after.
        after: Duration,
    },
    /// A new pair of tokens was fetched and stored.
    TokenRenewed {
        /// Whose.
        organization: String,
    },
    /// What another process or client had fetched is used.
    TokenAdopted {
        /// Whose.
        organization: String,
    },
    /// No new pair was fetched or stored.
    RefreshFailed {
        /// Whose.
        organization: String,
        /// Why.
        error: Error,
    },
    /// A call of the store failed.
    StoreFailed {
        /// Which store.
        location: String,
        /// Why.
        error: Error,
    },
    /// A call of the store took more than a second.
    StoreSlow {
        /// Which store.
        location: String,
        /// How long.
        duration: Duration,
    },
}

/// One attempt of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct RequestInfo {
    /// Tells the attempts of a process apart.
    pub id: u64,
    /// Such as `GET`.
    pub method: String,
    /// Where it goes, without a query.
    pub url: String,
    /// 0, and one more for each repeat.
    pub attempt: u32,
}

/// Hears of events. It is called where they happen, so it must return at once; what it panics with
/// fails the call.
pub trait EventListener: Send + Sync + 'static {
    /// Whether requests are to be told at all: asked before each, so that nothing is made for
    /// nobody. Other events are rare and always told.
    fn wants_requests(&self) -> bool {
        true
    }

    /// Something happened.
    fn hear(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> EventListener for F {
    fn hear(&self, event: &Event) {
        self(event);
    }
}

/// Who is told, if anybody is. Rust's own `tracing` is told of what is rare in any case.
#[derive(Clone, Default)]
pub(crate) struct Events(Option<Arc<dyn EventListener>>);

impl Events {
    pub(crate) fn new(listener: Arc<dyn EventListener>) -> Self {
        Events(Some(listener))
    }

    /// `event` is made only for somebody.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.0 {
            listener.hear(&event());
        }
    }

    /// A request that is sent now, if somebody wants to know.
    pub(crate) fn sending(&self, method: &str, url: &url::Url, attempt: u32) -> Option<Told> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let listener = self.0.as_ref().filter(|it| it.wants_requests())?;
        let mut url = url.clone();
        url.set_query(None);
        let request = Arc::new(RequestInfo {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            method: method.to_owned(),
            url: url.into(),
            attempt,
        });
        listener.hear(&Event::RequestSent {
            request: request.clone(),
        });
        Some(Told {
            listener: listener.clone(),
            request,
            began: Instant::now(),
            unfinished: true,
        })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Events").field(&self.0.is_some()).finish()
    }
}

/// A request whose sending was told.
pub(crate) struct Told {
    listener: Arc<dyn EventListener>,
    request: Arc<RequestInfo>,
    began: Instant,
    /// Its end was not told.
    unfinished: bool,
}

impl Told {
    pub(crate) fn answered(&mut self, status: u16, request_id: Option<&str>) {
        self.unfinished = false;
        self.listener.hear(&Event::RequestAnswered {
            request: self.request.clone(),
            status,
            request_id: request_id.map(str::to_owned),
            duration: self.began.elapsed(),
        });
    }

    pub(crate) fn failed(&mut self, error: &Error) {
        self.unfinished = false;
        self.listener.hear(&Event::RequestFailed {
            request: self.request.clone(),
            error: error.clone(),
            duration: self.began.elapsed(),
        });
    }

    pub(crate) fn repeated(&self, after: Duration) {
        self.listener.hear(&Event::RequestRepeated {
            request: self.request.clone(),
            after,
        });
    }
}

/// Dropped in the middle of the request: the call was cancelled.
impl Drop for Told {
    fn drop(&mut self) {
        if self.unfinished {
            self.failed(&Error::cancelled());
        }
    }
}
