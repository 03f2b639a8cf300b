//! What is delivered to JavaScript at one wake-up.
#![allow(
    unsafe_code,
    reason = "`ToNapiValue` is an unsafe trait method; it is called on the JavaScript thread by napi"
)]

use napi::bindgen_prelude::{ToNapiValue, sys};
use napi::{Result, check_status};
use napi_derive::napi;

use crate::failure::{Failure, Problem};

/// One thing to say to JavaScript.
pub(crate) enum Message {
    Settled {
        call: u32,
        outcome: std::result::Result<Box<dyn IntoJs>, Problem>,
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
}

/// A call of a store's method.
#[napi(object, object_from_js = false)]
pub struct HostCall {
    pub store: u32,
    /// `load` or `replace`.
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

impl ToNapiValue for Batch {
    unsafe fn to_napi_value(env: sys::napi_env, batch: Self) -> Result<sys::napi_value> {
        let mut array = std::ptr::null_mut();
        // SAFETY: napi calls this on the thread of `env`, in a handle scope of its own.
        unsafe {
            check_status!(sys::napi_create_array_with_length(
                env,
                batch.0.len() * 3,
                &mut array
            ))?;
            let mut at = 0;
            for message in batch.0 {
                let nothing = || <()>::to_napi_value(env, ());
                let (kind, number, payload) = match message {
                    Message::Settled { call, outcome } => match outcome {
                        Ok(value) => (VALUE, call, value.into_js(env)?),
                        Err(problem) => {
                            let failure = Failure::from(&problem);
                            (FAILURE, call, Failure::to_napi_value(env, failure)?)
                        }
                    },
                    Message::Cancelled { call } => (CANCELLED, call, nothing()?),
                    Message::Ask { question, call } => {
                        (ASK, question, HostCall::to_napi_value(env, call)?)
                    }
                    Message::Forget { kept } => (FORGET, kept, nothing()?),
                    Message::Withdraw { question } => (WITHDRAW, question, nothing()?),
                    Message::Linger { call } => (LINGER, call, nothing()?),
                    Message::Release { call } => (RELEASE, call, nothing()?),
                    Message::Idle { call, .. } => (IDLE, call, nothing()?),
                };
                for element in [
                    u32::to_napi_value(env, kind)?,
                    u32::to_napi_value(env, number)?,
                    payload,
                ] {
                    check_status!(sys::napi_set_element(env, array, at, element))?;
                    at += 1;
                }
            }
        }
        Ok(array)
    }
}
