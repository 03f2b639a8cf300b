//! What a program can see of its calls: events, and what answers say besides their bodies.

use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use parallel_account::{
    ErrorKind, Event, EventListener, RequestInfo, ResponseInfo, ResponseSlot, on_warning,
};

use crate::error::Problem;

/// One attempt of a request.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FfiRequest {
    /// Tells the attempts of a process apart.
    pub id: u64,
    /// Such as `GET`.
    pub method: String,
    /// Without a query.
    pub url: String,
    /// 0, and one more for each repeat.
    pub attempt: u32,
}

impl From<&RequestInfo> for FfiRequest {
    fn from(request: &RequestInfo) -> Self {
        let RequestInfo {
            id,
            method,
            url,
            attempt,
        } = request;
        FfiRequest {
            id: *id,
            method: method.clone(),
            url: url.clone(),
            attempt: *attempt,
        }
    }
}

/// See `core::Event`. Durations are seconds.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum FfiEvent {
    /// A request is sent.
    RequestSent {
        /// Which one.
        request: FfiRequest,
        /// Whether its answer may bring tokens.
        is_for_tokens: bool,
    },
    /// It was answered.
    RequestAnswered {
        /// Which one.
        request: FfiRequest,
        /// HTTP status.
        status: u16,
        /// The service's ID of the request.
        request_id: Option<String>,
        /// How long that took.
        duration: f64,
    },
    /// It was not answered.
    RequestFailed {
        /// Which one.
        request: FfiRequest,
        /// Why; nothing if its call was cancelled.
        problem: Option<Problem>,
        /// How long that took.
        duration: f64,
    },
    /// It is sent again.
    RequestRepeated {
        /// Which one.
        request: FfiRequest,
        /// How long after.
        after: f64,
    },
    /// A new pair was fetched and stored.
    TokenRenewed {
        /// Whose.
        organization: String,
    },
    /// Another's pair is used.
    TokenAdopted {
        /// Whose.
        organization: String,
    },
    /// No new pair was fetched or stored.
    RefreshFailed {
        /// Whose.
        organization: String,
        /// Why.
        problem: Problem,
    },
    /// A call of the store failed.
    StoreFailed {
        /// Which store.
        location: String,
        /// Why.
        problem: Problem,
    },
    /// A call of the store took more than a second.
    StoreSlow {
        /// Which store.
        location: String,
        /// How long.
        duration: f64,
    },
    /// What belongs to no client.
    Warning {
        /// One line.
        message: String,
    },
}

impl From<&Event> for FfiEvent {
    #[expect(clippy::too_many_lines, reason = "a flat match of all events")]
    fn from(event: &Event) -> Self {
        match event {
            Event::RequestSent { request } => FfiEvent::RequestSent {
                request: request.as_ref().into(),
                is_for_tokens: request.url.ends_with(TOKEN_PATH),
            },
            Event::RequestAnswered {
                request,
                status,
                request_id,
                duration,
            } => FfiEvent::RequestAnswered {
                request: request.as_ref().into(),
                status: *status,
                request_id: request_id.clone(),
                duration: duration.as_secs_f64(),
            },
            Event::RequestFailed {
                request,
                error,
                duration,
            } => FfiEvent::RequestFailed {
                request: request.as_ref().into(),
                problem: (error.kind() != ErrorKind::Cancelled).then(|| error.into()),
                duration: duration.as_secs_f64(),
            },
            Event::RequestRepeated { request, after } => FfiEvent::RequestRepeated {
                request: request.as_ref().into(),
                after: after.as_secs_f64(),
            },
            Event::TokenRenewed { organization } => FfiEvent::TokenRenewed {
                organization: organization.clone(),
            },
            Event::TokenAdopted { organization } => FfiEvent::TokenAdopted {
                organization: organization.clone(),
            },
            Event::RefreshFailed {
                organization,
                error,
            } => FfiEvent::RefreshFailed {
                organization: organization.clone(),
                problem: error.into(),
            },
            Event::StoreFailed { location, error } => FfiEvent::StoreFailed {
                location: location.clone(),
                problem: error.into(),
            },
            Event::StoreSlow { location, duration } => FfiEvent::StoreSlow {
                location: location.clone(),
                duration: duration.as_secs_f64(),
            },
        }
    }
}

/// Hears of events, in Swift. It must return at once.
#[uniffi::export(with_foreign)]
pub trait ForeignListener: Send + Sync {
    /// Something happened.
    fn hear(&self, event: FfiEvent);
}

/// A Swift listener as the core sees it.
pub(crate) struct Listener {
    listener: Arc<dyn ForeignListener>,
    wants_all: bool,
    wants_token_requests: bool,
}

/// Where tokens come from: WIRE.md, steps 4 and 5.
const TOKEN_PATH: &str = "/getServiceKeys/token";

impl Listener {
    pub(crate) fn new(
        listener: Arc<dyn ForeignListener>,
        wants_all: bool,
        wants_token_requests: bool,
    ) -> Self {
        if wants_all {
            tell_warnings(&listener);
        }
        Listener {
            listener,
            wants_all,
            wants_token_requests,
        }
    }

    fn wants(&self, event: &Event) -> bool {
        match event {
            Event::RequestSent { request } => {
                self.wants_all || (self.wants_token_requests && request.url.ends_with(TOKEN_PATH))
            }
            Event::RequestAnswered { .. }
            | Event::RequestFailed { .. }
            | Event::RequestRepeated { .. } => self.wants_all,
            Event::TokenRenewed { .. }
            | Event::TokenAdopted { .. }
            | Event::RefreshFailed { .. }
            | Event::StoreFailed { .. }
            | Event::StoreSlow { .. } => true,
        }
    }
}

impl EventListener for Listener {
    fn wants_requests(&self) -> bool {
        self.wants_all || self.wants_token_requests
    }

    fn hear(&self, event: &Event) {
        if self.wants(event) {
            self.listener.hear(event.into());
        }
    }
}

/// Has warnings that belong to no client told to this listener as well, while it lives.
fn tell_warnings(listener: &Arc<dyn ForeignListener>) {
    static LISTENERS: Mutex<Vec<Weak<dyn ForeignListener>>> = Mutex::new(Vec::new());
    static ONCE: Once = Once::new();
    let listeners = || LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut known = listeners();
    known.retain(|listener| listener.strong_count() > 0);
    known.push(Arc::downgrade(listener));
    drop(known);
    ONCE.call_once(|| {
        on_warning(move |text| {
            let alive: Vec<_> = listeners().iter().filter_map(Weak::upgrade).collect();
            for listener in alive {
                listener.hear(FfiEvent::Warning {
                    message: text.to_owned(),
                });
            }
        });
    });
}

/// A header of a request or an answer.
#[derive(Clone, uniffi::Record)]
pub struct FfiHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl FfiHeader {
    pub(crate) fn of((name, value): (String, String)) -> Self {
        FfiHeader { name, value }
    }

    pub(crate) fn pair(self) -> (String, String) {
        (self.name, self.value)
    }
}

/// See `core::ResponseInfo`.
#[derive(Clone, uniffi::Record)]
pub struct FfiResponse {
    /// HTTP status.
    pub status: u16,
    /// The service's ID of the request.
    pub request_id: Option<String>,
    /// Names in lower case.
    pub headers: Vec<FfiHeader>,
}

/// See `core::ResponseSlot`.
#[derive(uniffi::Object)]
pub struct FfiResponseSlot {
    slot: ResponseSlot,
}

impl FfiResponseSlot {
    pub(crate) fn core(&self) -> ResponseSlot {
        self.slot.clone()
    }
}

#[uniffi::export]
impl FfiResponseSlot {
    /// Empty.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::new(FfiResponseSlot {
            slot: ResponseSlot::default(),
        })
    }

    /// What the last answer said, if one came.
    pub fn take(&self) -> Option<FfiResponse> {
        let ResponseInfo {
            status,
            request_id,
            headers,
        } = self.slot.take()?;
        Some(FfiResponse {
            status,
            request_id,
            headers: headers.into_iter().map(FfiHeader::of).collect(),
        })
    }
}
