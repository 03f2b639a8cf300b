//! The one way out: a request with limits, an answer with limits, and when to try again.

mod base;
mod body;
mod caller;
mod failure;
mod headers;
mod limits;
mod network;
mod outcome;
mod proxy;
mod retry;
mod roots;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use base::{Base, Fixed, is_secure};
pub(crate) use body::Body;
pub(crate) use caller::{Caller, headers, replace};
#[cfg(any(test, fuzzing))]
pub(crate) use headers::retry_after;
pub(crate) use limits::{Limits, SILENCE};
pub(crate) use network::{Network, NetworkOptions, Plain};
pub(crate) use outcome::{Outcome, Repeat};
pub(crate) use proxy::Proxy;
pub(crate) use roots::{Roots, Trust};

use crate::{Error, ErrorKind, Result, Secret, events::Told};
use body::{Handover, Wiped};
use limits::{Attempt, Stop};
use network::{CONNECT_TIMEOUT, Pool};
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use std::{sync::Arc, time::Duration};
use tokio::runtime::Handle;
use url::Url;
use zeroize::Zeroizing;

/// Longer answers are refused, counted while they arrive.
pub(crate) const LARGEST_ANSWER: usize = 1 << 20;

/// The connections of one runtime, as one client uses them.
#[derive(Clone)]
pub(crate) struct Transport {
    pool: Arc<Pool>,
    caller: Arc<Caller>,
}

/// A request, before it is sent.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) bearer: Option<Secret>,
    pub(crate) body: Body,
    pub(crate) repeat: Repeat,
    /// Besides the client's own.
    pub(crate) headers: HeaderMap,
}

impl Outgoing {
    /// A header's text, cleaned, in case the server repeats in it what it was sent.
    fn without_secrets(&self, text: &str, limit: usize) -> String {
        let mut secrets = Vec::new();
        if let Some(token) = &self.bearer {
            secrets.push(token.clone());
        }
        if let Body::Form(text) = &self.body {
            let fields = url::form_urlencoded::parse(text);
            let secret = |name: &str| matches!(name, "refresh_token" | "device_code");
            secrets.extend(
                fields
                    .filter(|(name, _)| secret(name))
                    .map(|(_, value)| Secret::from(value.into_owned())),
            );
        }
        let secrets: Vec<_> = secrets.iter().map(Secret::expose).collect();
        crate::text::clean(&crate::secret::redact(text, &secrets), limit)
    }

    /// Takes the access token out of headers in which the server repeats it.
    fn clean(&self, headers: &mut HeaderMap) {
        let Some(token) = self.bearer.as_ref().map(Secret::expose) else {
            return;
        };
        for value in headers.values_mut().filter(|it| it.len() >= token.len()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            if text.contains(token) {
                let text = crate::secret::redact(&text, &[token]);
                *value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
            }
        }
    }
}

/// An answer, whatever its status.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// Of this attempt and those before it.
    pub(crate) outcome: Outcome,
}

/// Why no answer came, and what the server may have done. [`Outcome::settle`] makes the caller's
/// error of both.
pub(crate) type Failure = (Error, Outcome);

impl Transport {
    /// For calls that run on `runtime`.
    pub(crate) fn new(
        network: &Arc<Network>,
        runtime: &Handle,
        caller: Arc<Caller>,
    ) -> Result<Self> {
        let pool = network.pool(runtime)?;
        Ok(Transport { pool, caller })
    }

    /// Sends, and sends again where [`retry::again_after`] says so. `before`: what earlier
    /// attempts of the same call came to.
    pub(crate) async fn send(
        &self,
        request: &Outgoing,
        limits: Limits,
        before: Outcome,
    ) -> Result<Incoming, Failure> {
        let mut number = 0;
        let mut outcome = before;
        loop {
            let mut told = self.told(request, number);
            let mut result = self.send_once(request, limits).await;
            if let Some(told) = &mut told {
                match &result {
                    Ok(answer) => told.answered(answer.status, answer.request_id.as_deref()),
                    Err((error, _)) => told.failed(error),
                }
            }
            let attempt = match &result {
                Ok(answer) => retry::Attempt {
                    status: Some(answer.status),
                    outcome: answer.outcome,
                    retry_after: answer.retry_after,
                    number,
                },
                Err((_, outcome)) => retry::Attempt {
                    status: None,
                    outcome: *outcome,
                    retry_after: None,
                    number,
                },
            };
            outcome = outcome.then(attempt.outcome);
            if let Ok(answer) = &mut result {
                answer.outcome = outcome;
            }
            let again = match &result {
                Err((error, _)) if !is_network(error) => None,
                _ => {
                    retry::again_after(request.repeat, attempt, limits.max_retries, fastrand::f64())
                }
            };
            let Some(wait) = again.filter(|wait| limits.outlasts(self.caller.clock.real(*wait)))
            else {
                return result.map_err(|(error, _)| (error, outcome));
            };
            tracing::debug!(method = %request.method, path = request.url.path(), number, ?wait, "sending again");
            if let Some(told) = &told {
                told.repeated(self.caller.clock.real(wait));
            }
            self.caller.clock.sleep(wait).await;
            number += 1;
        }
    }

    fn told(&self, request: &Outgoing, number: u32) -> Option<Told> {
        let events = &self.caller.events;
        events.sending(request.method.as_str(), &request.url, number)
    }

    /// One request.
    async fn send_once(&self, request: &Outgoing, limits: Limits) -> Result<Incoming, Failure> {
        let handover = Handover::of(&request.body);
        let attempt = limits.next_attempt();
        if attempt.time.is_zero() {
            return Err(out_of_time(request, &attempt, false));
        }
        let exchange = Exchange {
            request,
            handover: &handover,
            attempt: &attempt,
            caller: &self.caller,
        };
        match exchange.over(&self.pool).await {
            // The connection's own limit ended at the same time: the same words for either.
            Err((error, outcome))
                if error.kind() == ErrorKind::Timeout && attempt.time <= CONNECT_TIMEOUT =>
            {
                Err((out_of_time(request, &attempt, handover.end()).0, outcome))
            }
            result => result,
        }
    }
}

/// One attempt under way.
struct Exchange<'a> {
    request: &'a Outgoing,
    handover: &'a Handover,
    attempt: &'a Attempt,
    caller: &'a Caller,
}

impl Exchange<'_> {
    async fn over(&self, pool: &Pool) -> Result<Incoming, Failure> {
        let url = &self.request.url;
        let outgoing = self.prepared().map_err(|error| (error, Outcome::NotSent))?;
        let http = pool.client_for(url);
        let answered = self.attempt.next(http.execute(outgoing)).await;
        let answered = answered.map_err(|stop| self.stopped(stop))?;
        let response = answered.map_err(|error| {
            let before_sending = error.is_connect() || error.is_builder();
            let sent = self.handover.end() && !before_sending;
            let error = failure::of(error, url, sent);
            (error, may_have_acted(sent))
        })?;
        self.read(response).await
    }

    fn prepared(&self) -> Result<reqwest::Request> {
        let request = self.request;
        let mut outgoing = reqwest::Request::new(request.method.clone(), request.url.clone());
        let headers = outgoing.headers_mut();
        replace(headers, &self.caller.headers);
        replace(headers, &request.headers);
        if let Some(token) = &request.bearer {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let body = match &request.body {
            Body::None => None,
            Body::Form(bytes) => Some(("application/x-www-form-urlencoded", bytes)),
            Body::Json(bytes) => Some(("application/json", bytes)),
        };
        if let Some((content_type, bytes)) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            *outgoing.body_mut() = Some(self.handover.body(bytes));
        }
        Ok(outgoing)
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Incoming, Failure> {
        let status = response.status().as_u16();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let request_id = header("x-request-id").map(|id| self.request.without_secrets(id, 200));
        let retry_after = header("retry-after")
            .and_then(|value| headers::retry_after(value, self.caller.clock.now().wall));
        let mut headers = std::mem::take(response.headers_mut());
        self.request.clean(&mut headers);
        let outcome = Outcome::of_status(status);
        let Some(body) = self.body(&mut response).await? else {
            let error = Error::invalid_response(format!(
                "{} answered with more than 1 MiB, which no documented call does. Check the base URL.",
                failure::host(&self.request.url)
            ));
            let error = error.with_status(status).with_request_id(request_id);
            return Err((error, outcome));
        };
        Ok(Incoming {
            status,
            request_id,
            retry_after,
            headers: headers.into(),
            body: body.into_inner(),
            outcome,
        })
    }

    /// `None` where it is too long.
    async fn body(&self, response: &mut reqwest::Response) -> Result<Option<Wiped>, Failure> {
        let status = response.status().as_u16();
        let announced = response.content_length().unwrap_or(0);
        if announced > LARGEST_ANSWER as u64 {
            return Ok(None);
        }
        let mut body = Wiped::with_capacity(announced as usize);
        loop {
            let more = self.attempt.next(response.chunk()).await;
            let more = more.map_err(|stop| {
                let (error, outcome) = self.stopped(stop);
                (error.with_status(status), outcome)
            })?;
            let Some(chunk) = more.map_err(|error| {
                let error = failure::of(error, &self.request.url, true).with_status(status);
                (error, Outcome::Unknown)
            })?
            else {
                return Ok(Some(body));
            };
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Ok(None);
            }
            body.append(&chunk);
        }
    }

    fn stopped(&self, stop: Stop) -> Failure {
        let sent = self.handover.end();
        match stop {
            Stop::OutOfTime => out_of_time(self.request, self.attempt, sent),
            Stop::Silent => (failure::silent(&self.request.url), may_have_acted(sent)),
        }
    }
}

fn out_of_time(request: &Outgoing, attempt: &Attempt, sent: bool) -> Failure {
    let seconds = attempt.time.as_secs_f64();
    let error = failure::out_of_time(&request.url, seconds, attempt.by_deadline, sent);
    (error, may_have_acted(sent))
}

fn may_have_acted(sent: bool) -> Outcome {
    match sent {
        true => Outcome::Unknown,
        false => Outcome::NotSent,
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
        Error::login_required("The stored access token cannot be sent: it holds characters that no token has. Log in again.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// No usable answer came from the network: time may mend it.
pub(crate) fn is_network(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout)
}
