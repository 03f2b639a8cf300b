//! The documented requests of the device flow, one file per step, without storage.

mod device_code;
mod poll;
mod register;
mod revoke;
mod token;

pub use device_code::DeviceCode;
pub(crate) use device_code::LONGEST_SHOWN;
pub(crate) use poll::{Next, PollMachine, PollOutcome};
pub use register::Registration;
pub(crate) use token::PollReply;
pub use token::{PollAnswer, Tokens};
#[cfg(any(test, fuzzing))]
pub(crate) use {
    device_code::read as read_device_code,
    token::{read_reply as read_poll, tokens as read_tokens},
};

use crate::{
    Error, Result, response,
    secret::WipedObject,
    transport::{Base, Body, Incoming, Limits, Outcome, Outgoing, Repeat, Transport},
};
use reqwest::{Method, header::HeaderMap};

/// The platform as one connection pool reaches it: where the steps are sent.
#[derive(Clone)]
pub(crate) struct Platform {
    pub(crate) transport: Transport,
    pub(crate) base: Base,
    pub(crate) limits: Limits,
}

impl Platform {
    async fn post(&self, path: &str, body: Body, repeat: Repeat) -> Result<Incoming> {
        let request = Outgoing {
            method: Method::POST,
            url: self.base.join(path),
            bearer: None,
            body,
            repeat,
            headers: HeaderMap::new(),
        };
        self.transport
            .send(&request, self.limits, Outcome::NotSent)
            .await
            .map_err(|(error, outcome)| outcome.settle(error, repeat))
    }
}

/// A success as a JSON object, anything else as the refusal that it is.
fn success(answer: &Incoming, doing: &str, secrets: &[&str]) -> Result<WipedObject> {
    if !(200..300).contains(&answer.status)
        || response::oauth_error(&answer.body, secrets).is_some()
    {
        return Err(response::refusal(answer, doing, secrets));
    }
    response::object(&answer.body).ok_or_else(|| nonsense(answer, doing, "it is not a JSON object"))
}

fn nonsense(answer: &Incoming, doing: &str, why: &str) -> Error {
    let error = Error::invalid_response(format!(
        "The response to {doing} is malformed: {why}. Check the base URL and any proxy."
    ));
    response::annotate(error, answer)
}
