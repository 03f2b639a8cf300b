//! The Account API: what a logged-in user's programs may do.

mod apps;
mod balance;
mod keys;
mod request;

pub use apps::{App, Apps, CreatedApp};
pub use balance::{Balance, BalanceApi};
pub use keys::{ApiKey, Keys};
pub use request::ApiResponse;

use crate::{
    Error, Result, Secret, answer,
    secret::WipedObject,
    session::Session,
    transport::{Base, Body, Incoming, Limits, Outgoing, Repeat, Transport},
};
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// The Account API as one connection pool reaches it.
pub(crate) struct Account<'a> {
    pub(crate) session: &'a Arc<Session>,
    pub(crate) transport: &'a Transport,
    pub(crate) base: &'a Base,
    pub(crate) limits: Limits,
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
    async fn call(&self, call: Call) -> Result<Incoming> {
        let body = match call.body {
            Some(json) => Body::Json(json.to_string().into()),
            None => Body::None,
        };
        let mut sent = vec![self.session.access_token(None).await?];
        let mut request = Outgoing {
            method: call.method,
            url: call.url,
            bearer: Some(sent[0].clone()),
            body,
            repeat: call.repeat,
        };
        let mut answer = self
            .transport
            .send(&request, self.limits)
            .await
            .map_err(|error| named(error, call.doing))?;
        if answer.status == 401 {
            let lost = answer.repeated_blindly;
            let newer = self.session.access_token(sent.last()).await?;
            if !sent.contains(&newer) {
                request.bearer = Some(newer.clone());
                sent.push(newer);
                answer = self
                    .transport
                    .send(&request, self.limits)
                    .await
                    .map_err(|error| named(error, call.doing))?;
                answer.repeated_blindly |= lost;
            }
        }
        match answer.status {
            200..300 => Ok(answer),
            // The first answer was lost, and the thing is gone: that was us.
            404 if answer.repeated_blindly && request.method == Method::DELETE => Ok(answer),
            status => {
                let secrets: Vec<_> = sent.iter().map(Secret::expose).collect();
                let error = answer::api_error(&answer, call.doing, &secrets);
                let open =
                    status >= 500 || (answer.repeated_blindly && matches!(status, 401 | 408 | 429));
                let open = open && call.repeat != Repeat::Always;
                Err(named(error.with_outcome_unknown(open), call.doing))
            }
        }
    }

    async fn object(&self, call: Call) -> Result<Object> {
        let doing = call.doing;
        let creates = call.repeat != Repeat::Always;
        Object::of(self.call(call).await?, doing, creates)
    }
}

fn named(error: Error, doing: &str) -> Error {
    match error.outcome_unknown() {
        true => {
            let hint =
                format!("{doing}: whether it was done is unknown; look before you repeat it. ");
            error.prefixed(&answer::capitalised(&hint))
        }
        false => error,
    }
}

fn nonsense(answer: &Incoming, doing: &str, why: &str) -> Error {
    let error = Error::invalid_response(format!(
        "The answer to {doing} makes no sense: {why}. Check the base URL and any proxy."
    ));
    answer::annotate(error, answer)
}

/// A success, ready to be read field by field.
struct Object {
    fields: WipedObject,
    doing: &'static str,
    answer: Incoming,
    creates: bool,
}

impl Object {
    /// `creates`: were it nonsense, something may have been made that nobody knows of.
    fn of(answer: Incoming, doing: &'static str, creates: bool) -> Result<Object> {
        match answer::object(&answer.body) {
            Some(fields) => Ok(Object {
                fields,
                doing,
                answer,
                creates,
            }),
            None => {
                Err(nonsense(&answer, doing, "it is no JSON object").with_outcome_unknown(creates))
            }
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        answer::text(&self.fields, name)
    }

    fn required(&self, name: &str) -> Result<String> {
        self.text(name)
            .ok_or_else(|| self.nonsense(&format!("it has no {name}")))
    }

    fn nonsense(&self, why: &str) -> Error {
        nonsense(&self.answer, self.doing, why).with_outcome_unknown(self.creates)
    }
}

/// Ids go into paths, so they are checked before anything is sent.
fn uuid<'a>(id: &'a str, name: &str) -> Result<&'a str> {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let good = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| {
            if dash(at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if good {
        return Ok(id);
    }
    Err(Error::invalid_request(format!(
        "{name} must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000. List the apps to see theirs."
    )))
}

/// One path segment, percent-encoded.
fn segment(id: &str, name: &str) -> Result<String> {
    if id.is_empty() || id == "." || id == ".." || id.len() > 256 {
        return Err(Error::invalid_request(format!(
            "{name} must be an id of 1 to 256 bytes."
        )));
    }
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    Ok(id
        .bytes()
        .map(|byte| {
            if keep(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect())
}

/// A name that a person will read.
fn label<'a>(text: &'a str, name: &str) -> Result<&'a str> {
    if text.trim().is_empty() {
        return Err(Error::invalid_request(format!("{name} must not be empty.")));
    }
    Ok(text)
}

fn secret(text: Option<String>) -> Option<Secret> {
    text.map(Secret::from)
}

#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(answer: Incoming) {
    use crate::fuzzing::check;
    match Object::of(answer, "a call", true) {
        Ok(object) => {
            check(balance::read(&object));
            check(apps::read(&object));
            check(keys::read(&object, "an app", "a name"));
        }
        Err(error) => crate::fuzzing::check_error(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked_and_encoded() {
        assert!(uuid("123e4567-e89b-12d3-a456-426614174000", "app_id").is_ok());
        for bad in [
            "",
            "x",
            "123e4567-e89b-12d3-a456-42661417400/",
            "123e4567e89b12d3a4564266141740000000",
            "123e4567-e89b-12d3-a456-42661417400\u{e9}",
        ] {
            assert!(uuid(bad, "app_id").is_err(), "{bad}");
        }
        assert_eq!(
            segment("a/b ?#é", "id").expect("encodable"),
            "a%2Fb%20%3F%23%C3%A9"
        );
        assert!(segment("..", "id").is_err() && segment("", "id").is_err());
    }
}
