//! What happens in the core, on its way to `diagnostics_channel` and loggers.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use napi_derive::napi;
use parallel_account::{Event, EventListener, on_warning};

use crate::batch::Message;
use crate::kept::Kept;
use crate::shared::Shared;

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
            logger: logger.map(|Listening { kept, .. }| bridge.kept(kept)),
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
