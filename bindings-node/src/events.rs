//! What happens in the core, on its way to `diagnostics_channel` and loggers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use napi_derive::napi;
use parallel_account::{Event, EventListener, on_warning};

use crate::batch::Message;
use crate::bridge::{Kept, Shared};
use crate::failure::Failure;
use crate::models::milliseconds;

/// Requests, their ends and their repeats.
pub(crate) const REQUESTS: u32 = 1;
/// Refreshes, what is wrong with stores, warnings.
pub(crate) const RARE: u32 = 2;

/// What of a client's events its logger takes.
#[napi(object, object_to_js = false)]
pub struct Listening {
    /// The number that the logger is known by.
    pub kept: u32,
    /// Whether requests are for it, too.
    pub requests: bool,
}

/// Hears of one client's events. Nothing is sent across while nobody listens.
pub(crate) struct Listener {
    bridge: Arc<Shared>,
    logger: Option<Kept>,
    wants: u32,
}

impl Listener {
    pub(crate) fn new(bridge: &Arc<Shared>, logger: Option<Listening>) -> Self {
        let wants = match &logger {
            None => 0,
            Some(Listening { requests: true, .. }) => REQUESTS | RARE,
            Some(_) => RARE,
        };
        Self {
            bridge: Arc::clone(bridge),
            wants,
            logger: logger.map(|Listening { kept, .. }| Kept {
                bridge: Arc::clone(bridge),
                number: kept,
            }),
        }
    }

    fn wants(&self, what: u32) -> bool {
        (self.wants | self.bridge.listening.load(Ordering::Relaxed)) & what != 0
    }
}

impl EventListener for Listener {
    fn wants_requests(&self) -> bool {
        self.wants(REQUESTS)
    }

    fn hear(&self, event: &Event) {
        let what = match event {
            Event::RequestSent { .. }
            | Event::RequestAnswered { .. }
            | Event::RequestFailed { .. }
            | Event::RequestRepeated { .. } => REQUESTS,
            Event::TokenRenewed { .. }
            | Event::TokenAdopted { .. }
            | Event::RefreshFailed { .. }
            | Event::StoreFailed { .. }
            | Event::StoreSlow { .. } => RARE,
        };
        if self.wants(what) {
            self.bridge.push(Message::Happened {
                logger: self.logger.as_ref().map_or(0, |kept| kept.number),
                event: event.clone(),
            });
        }
    }
}

/// What channels of a JavaScript thread have subscribers, or loggers want of warnings.
#[derive(Default)]
pub(crate) struct Wanted(AtomicU32);

impl Wanted {
    pub(crate) fn set(&self, what: u32) {
        self.0.store(what, Ordering::Relaxed);
    }

    fn load(&self, ordering: Ordering) -> u32 {
        self.0.load(ordering)
    }
}

/// Has warnings that belong to no client told to this JavaScript thread as well.
pub(crate) fn tell_warnings(bridge: &Arc<Shared>) {
    static BRIDGES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());
    static ONCE: Once = Once::new();
    let bridges = || BRIDGES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut known = bridges();
    known.retain(|bridge| bridge.strong_count() > 0);
    known.push(Arc::downgrade(bridge));
    drop(known);
    ONCE.call_once(|| {
        on_warning(move |text| {
            let listening: Vec<_> = bridges().iter().filter_map(Weak::upgrade).collect();
            for bridge in listening {
                if bridge.listening.load(Ordering::Relaxed) & RARE != 0 {
                    bridge.push(Message::Warned(text.to_owned()));
                }
            }
        });
    });
}

/// See `Happened` in `ts/events.ts`.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct HappenedEvent {
    pub kind: &'static str,
    /// Of the request.
    pub id: Option<f64>,
    pub method: Option<String>,
    pub url: Option<String>,
    pub attempt: Option<u32>,
    pub status: Option<u16>,
    pub request_id: Option<String>,
    pub duration: Option<f64>,
    pub after: Option<f64>,
    pub organization: Option<String>,
    pub location: Option<String>,
    pub error: Option<Failure>,
}

impl From<Event> for HappenedEvent {
    fn from(event: Event) -> Self {
        let of = |kind, request: &parallel_account::RequestInfo| Self {
            kind,
            #[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers")]
            id: Some(request.id as f64),
            method: Some(request.method.clone()),
            url: Some(request.url.clone()),
            attempt: Some(request.attempt),
            ..Self::default()
        };
        let refresh = |kind, organization| Self {
            kind,
            organization: Some(organization),
            ..Self::default()
        };
        match event {
            Event::RequestSent { request } => of("request:start", &request),
            Event::RequestAnswered {
                request,
                status,
                request_id,
                duration,
            } => Self {
                status: Some(status),
                request_id,
                duration: Some(milliseconds(duration)),
                ..of("request:end", &request)
            },
            Event::RequestFailed {
                request,
                error,
                duration,
            } => Self {
                duration: Some(milliseconds(duration)),
                error: Some(Failure::from(&error)),
                ..of("request:error", &request)
            },
            Event::RequestRepeated { request, after } => Self {
                after: Some(milliseconds(after)),
                ..of("retry", &request)
            },
            Event::TokenRenewed { organization } => refresh("renewed", organization),
            Event::TokenAdopted { organization } => refresh("adopted", organization),
            Event::RefreshFailed {
                organization,
                error,
            } => Self {
                error: Some(Failure::from(&error)),
                ..refresh("failed", organization)
            },
            Event::StoreFailed { location, error } => Self {
                kind: "store",
                location: Some(location),
                error: Some(Failure::from(&error)),
                ..Self::default()
            },
            Event::StoreSlow { location, duration } => Self {
                kind: "store",
                location: Some(location),
                duration: Some(milliseconds(duration)),
                ..Self::default()
            },
        }
    }
}

/// What an answer says besides its body.
#[napi(object, object_from_js = false)]
pub struct ResponseSeen {
    pub status: u16,
    pub request_id: Option<String>,
    /// Names and values by turns.
    pub headers: Vec<String>,
}

impl From<parallel_account::ResponseInfo> for ResponseSeen {
    fn from(response: parallel_account::ResponseInfo) -> Self {
        let parallel_account::ResponseInfo {
            status,
            request_id,
            headers,
        } = response;
        Self {
            status,
            request_id,
            headers: headers.into_iter().flat_map(<[String; 2]>::from).collect(),
        }
    }
}
