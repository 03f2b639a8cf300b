//! What is delivered to JavaScript at one wake-up.
#![allow(
    unsafe_code,
    reason = "`ToNapiValue` is an unsafe trait method; it is called on the JavaScript thread by napi"
)]

#[cfg(debug_assertions)]
use napi::Status;
use napi::bindgen_prelude::{ToNapiValue, sys};
use napi::{Result, check_status};
use napi_derive::napi;
use parallel_account::{Event, ResponseSlot};

use crate::failure::{Failure, Problem};
use crate::happened::{HappenedEvent, ResponseSeen};

/// One thing to say to JavaScript.
pub(crate) enum Message {
    Settled {
        call: u32,
        outcome: std::result::Result<Box<dyn IntoJs>, Problem>,
        /// What the answer says besides, where somebody wants it.
        slot: Option<ResponseSlot>,
    },
    Cancelled {
        call: u32,
    },
    Ask {
        question: u32,
        call: HostCall,
    },
    Forget {
        kept: u32,
    },
    /// Nobody waits for the answer any more.
    Withdraw {
        question: u32,
    },
    /// The call is settled next, but its client works on. It holds the event loop as before.
    Linger {
        call: u32,
    },
    /// The call's client works on for too long to hold the event loop.
    Release {
        call: u32,
    },
    /// Nothing of the call's client runs any more.
    Idle {
        call: u32,
        holding: bool,
    },
    /// Something happened in a client whose logger has this number; 0 for none.
    Happened {
        logger: u32,
        event: Event,
    },
    /// A warning that belongs to no client.
    Warned(String),
}

/// A call of a store's method.
#[napi(object, object_from_js = false)]
pub struct HostCall {
    pub store: u32,
    /// `load` or `replace`.
    #[napi(ts_type = "'load' | 'replace'")]
    pub method: &'static str,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// A value that becomes a JavaScript one when it is delivered.
pub(crate) trait IntoJs: Send {
    /// # Safety
    /// On the thread of `env`, in an open handle scope.
    unsafe fn into_js(self: Box<Self>, env: sys::napi_env) -> Result<sys::napi_value>;
}

impl<T: ToNapiValue + Send> IntoJs for T {
    unsafe fn into_js(self: Box<Self>, env: sys::napi_env) -> Result<sys::napi_value> {
        // SAFETY: the caller's promise is the one that `to_napi_value` needs.
        unsafe { T::to_napi_value(env, *self) }
    }
}

/// Becomes one flat array, three elements a message: cheaper than an object each.
#[derive(Default)]
pub(crate) struct Batch(pub(crate) Vec<Message>);

// The numbers that `ts/bridge.ts` switches on.
const VALUE: u32 = 0;
const FAILURE: u32 = 1;
const CANCELLED: u32 = 2;
const ASK: u32 = 3;
const FORGET: u32 = 4;
const WITHDRAW: u32 = 5;
const LINGER: u32 = 6;
const IDLE: u32 = 7;
/// Which JavaScript passes over.
const RELEASE: u32 = 8;
const SEEN: u32 = 9;
const HAPPENED: u32 = 10;
const WARNED: u32 = 11;

impl ToNapiValue for Batch {
    unsafe fn to_napi_value(env: sys::napi_env, batch: Self) -> Result<sys::napi_value> {
        let mut array = Flat::new(env)?;
        for message in batch.0 {
            // SAFETY: napi calls this on the thread of `env`, in a handle scope of its own.
            unsafe { array.add(message)? };
        }
        Ok(array.array)
    }
}

/// The array while it is made.
struct Flat {
    env: sys::napi_env,
    array: sys::napi_value,
    next: u32,
}

impl Flat {
    fn new(env: sys::napi_env) -> Result<Self> {
        let mut array = std::ptr::null_mut();
        // SAFETY: as for `to_napi_value`.
        check_status!(unsafe { sys::napi_create_array(env, &mut array) })?;
        let next = 0;
        Ok(Self { env, array, next })
    }

    /// # Safety
    /// As for `to_napi_value`.
    unsafe fn add(&mut self, message: Message) -> Result<()> {
        unsafe {
            match message {
                Message::Settled {
                    call,
                    outcome,
                    slot,
                } => {
                    if let Some(response) = slot.and_then(|slot| slot.take()) {
                        self.put(SEEN, call, ResponseSeen::from(response))?;
                    }
                    self.settle(call, outcome)
                }
                Message::Cancelled { call } => self.put(CANCELLED, call, ()),
                Message::Ask { question, call } => self.put(ASK, question, call),
                Message::Forget { kept } => self.put(FORGET, kept, ()),
                Message::Withdraw { question } => self.put(WITHDRAW, question, ()),
                Message::Linger { call } => self.put(LINGER, call, ()),
                Message::Release { call } => self.put(RELEASE, call, ()),
                Message::Idle { call, .. } => self.put(IDLE, call, ()),
                Message::Happened { logger, event } => {
                    self.put(HAPPENED, logger, HappenedEvent::from(event))
                }
                Message::Warned(text) => self.put(WARNED, 0, text),
            }
        }
    }

    /// A value that does not become a JavaScript one fails its own call, and no other of the batch.
    unsafe fn settle(
        &mut self,
        call: u32,
        outcome: std::result::Result<Box<dyn IntoJs>, Problem>,
    ) -> Result<()> {
        unsafe {
            match outcome {
                Ok(value) => match value.into_js(self.env) {
                    Ok(value) => self.push(VALUE, call, value),
                    Err(error) => {
                        self.forget_exception();
                        self.put(FAILURE, call, Failure::unconvertible(&error))
                    }
                },
                Err(problem) => self.put(FAILURE, call, Failure::from(&problem)),
            }
        }
    }

    unsafe fn put(&mut self, kind: u32, number: u32, payload: impl ToNapiValue) -> Result<()> {
        unsafe {
            let payload = ToNapiValue::to_napi_value(self.env, payload)?;
            self.push(kind, number, payload)
        }
    }

    unsafe fn push(&mut self, kind: u32, number: u32, payload: sys::napi_value) -> Result<()> {
        unsafe {
            let kind = u32::to_napi_value(self.env, kind)?;
            let number = u32::to_napi_value(self.env, number)?;
            for element in [kind, number, payload] {
                check_status!(sys::napi_set_element(
                    self.env, self.array, self.next, element
                ))?;
                self.next += 1;
            }
        }
        Ok(())
    }

    /// One that is pending would fail whatever is asked of the engine next.
    unsafe fn forget_exception(&self) {
        let mut exception = std::ptr::null_mut();
        // It fails where none is pending.
        let _ = unsafe { sys::napi_get_and_clear_last_exception(self.env, &mut exception) };
    }
}

/// What does not become a JavaScript value.
#[cfg(debug_assertions)]
pub(crate) struct Nonsense;

#[cfg(debug_assertions)]
impl ToNapiValue for Nonsense {
    unsafe fn to_napi_value(env: sys::napi_env, _: Self) -> Result<sys::napi_value> {
        // SAFETY: as for every value.
        let _ = unsafe { sys::napi_throw_error(env, std::ptr::null(), c"canary-value".as_ptr()) };
        Err(napi::Error::new(Status::PendingException, "canary-value"))
    }
}
