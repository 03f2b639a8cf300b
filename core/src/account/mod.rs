//! The Account API: what a logged-in user's programs may do.

mod apps;
mod arguments;
mod balance;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod keys;
mod request;
mod slot;

pub use apps::App;
pub(crate) use arguments::{label, segment, uuid};
pub use balance::Balance;
pub(crate) use balance::Charge;
#[cfg(any(test, fuzzing))]
pub(crate) use fuzz::read_errors;
pub use keys::ApiKey;
pub use request::ApiResponse;
pub use slot::{ResponseInfo, ResponseSlot};

use crate::{
    Error, Result, Secret, response,
    secret::WipedObject,
    session::Session,
    transport::{
        Base, Body, Failure, Fixed, Incoming, Limits, Outcome, Outgoing, Repeat, Transport,
    },
};
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;
use std::{future::Future, pin::Pin, sync::Arc};
use url::Url;

/// The Account API as one connection pool reaches it.
pub(crate) struct Account<'a> {
    pub(crate) bearer: Bearer<'a>,
    pub(crate) transport: Transport,
    pub(crate) base: &'a Base,
    pub(crate) places: &'a Places,
    pub(crate) limits: Limits,
    pub(crate) headers: HeaderMap,
    pub(crate) response: Option<ResponseSlot>,
}

/// Whose access token is sent.
#[derive(Clone, Copy)]
pub(crate) enum Bearer<'a> {
    /// A session's, which is renewed as need be.
    Of(&'a Arc<Session>),
    /// This one alone.
    Only(&'a Secret),
}

/// Where the calls go that are made again and again.
#[derive(Default)]
pub(crate) struct Places {
    balance: Fixed,
    apps: Fixed,
}

/// A call: what it does in words, for messages, and what is sent.
struct Call {
    doing: &'static str,
    method: Method,
    url: Url,
    body: Option<Value>,
    repeat: Repeat,
}

impl Account<'_> {
    /// Sends with a valid token; a 401 renews it and repeats the call once.
    ///
    /// Boxed, so that it is compiled here and once, as fast as this crate, and not within whatever
    /// calls of whichever binding.
    fn call(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Incoming>> + Send + '_>> {
        Box::pin(async move {
            let Call { doing, repeat, .. } = call;
            self.exchange(call)
                .await
                .map_err(|(error, outcome)| named(outcome.settle(error, repeat), doing))
        })
    }

    /// What went wrong comes with what all attempts together may have done.
    async fn exchange(&self, call: Call) -> Result<Incoming, Failure> {
        let mut sent = vec![self.token(None, Outcome::NotSent).await?];
        let mut request = Outgoing {
            method: call.method,
            url: call.url,
            bearer: Some(sent[0].clone()),
            body: call.body.as_ref().map_or(Body::None, Body::json),
            repeat: call.repeat,
            headers: self.headers.clone(),
        };
        let send = async |request: &Outgoing, before| {
            self.transport.send(request, self.limits, before).await
        };
        let mut answer = send(&request, Outcome::NotSent).await?;
        if answer.status == 401 {
            let newer = self.token(sent.last(), answer.outcome).await?;
            if !sent.contains(&newer) {
                request.bearer = Some(newer.clone());
                sent.push(newer);
                answer = send(&request, answer.outcome).await?;
            }
        }
        if let Some(slot) = &self.response {
            slot.put(&answer);
        }
        // A gateway's answer says nothing of the token.
        if answer.status != 401
            && answer.status < 500
            && let Bearer::Of(session) = self.bearer
        {
            session.note_accepted();
        }
        match answer.status {
            200..300 => Ok(answer),
            // The first answer was lost, and the thing is gone: that was us.
            404 if answer.outcome == Outcome::Unknown && request.method == Method::DELETE => {
                Ok(answer)
            }
            _ => {
                let secrets: Vec<_> = sent.iter().map(Secret::expose).collect();
                let error = response::api_error(&answer, call.doing, &secrets);
                Err((error, answer.outcome))
            }
        }
    }

    async fn token(&self, rejected: Option<&Secret>, before: Outcome) -> Result<Secret, Failure> {
        match self.bearer {
            Bearer::Only(token) => Ok(token.clone()),
            Bearer::Of(session) => self
                .limits
                .bound("an access token", session.access_token(rejected))
                .await
                .map_err(|error| (error, before)),
        }
    }

    async fn object(&self, call: Call) -> Result<Object> {
        let doing = call.doing;
        let repeat = call.repeat;
        Object::of(self.call(call).await?, doing, repeat)
    }
}

fn named(error: Error, doing: &str) -> Error {
    match error.outcome_unknown() {
        true => error.with_context(format_args!(
            "It is unknown whether {doing} succeeded. Check before you retry."
        )),
        false => error,
    }
}

fn nonsense(answer: &Incoming, doing: &str, why: &str) -> Error {
    let error = Error::invalid_response(format!(
        "The response to {doing} is malformed: {why}. Check the base URL and any proxy."
    ));
    response::annotate(error, answer)
}

/// A success, ready to be read field by field.
struct Object {
    fields: WipedObject,
    doing: &'static str,
    answer: Incoming,
    repeat: Repeat,
}

impl Object {
    fn of(answer: Incoming, doing: &'static str, repeat: Repeat) -> Result<Object> {
        match response::object(&answer.body) {
            Some(fields) => Ok(Object {
                fields,
                doing,
                answer,
                repeat,
            }),
            None => {
                let error = nonsense(&answer, doing, "it is no JSON object");
                Err(answer.outcome.settle(error, repeat))
            }
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        response::text(&self.fields, name)
    }

    fn required(&self, name: &str) -> Result<String> {
        self.text(name)
            .ok_or_else(|| self.nonsense(&format!("it has no {name}")))
    }

    fn nonsense(&self, why: &str) -> Error {
        let error = nonsense(&self.answer, self.doing, why);
        self.answer.outcome.settle(error, self.repeat)
    }
}
