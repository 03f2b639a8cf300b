//! The one way out: a request with limits, an answer with limits, and when to try again.

mod base;
mod headers;
pub(crate) mod retry;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use base::{Base, is_secure};
#[cfg(any(test, fuzzing))]
pub(crate) use headers::retry_after;
pub(crate) use retry::Repeat;

use crate::{Error, ErrorKind, Result, Secret, clock::Clock, config::Config};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use std::{sync::Arc, time::Duration};
use url::Url;

/// Longer answers are refused, counted while they arrive.
pub(crate) const LARGEST_ANSWER: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may be silent, in calls that were given more time than that.
pub(crate) const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

/// A pool of connections. It belongs to the runtime that first uses it.
#[derive(Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    /// For plain `http` where a proxy is set for everything else: it may only go to this machine.
    local: Option<reqwest::Client>,
    clock: Clock,
}

/// Limits of a call, all options settled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) max_retries: u32,
}

/// A request, before it is sent.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) bearer: Option<Secret>,
    pub(crate) body: Body,
    pub(crate) repeat: Repeat,
}

impl Outgoing {
    /// A header's text, cleaned, in case the server repeats in it what it was sent.
    fn without_secrets(&self, text: &str, limit: usize) -> String {
        let mut secrets = Vec::new();
        if let Some(token) = &self.bearer {
            secrets.push(token.clone());
        }
        if let Body::Form(text) = &self.body {
            let fields = url::form_urlencoded::parse(text.as_bytes());
            let secret = |name: &str| matches!(name, "refresh_token" | "device_code");
            secrets.extend(
                fields
                    .filter(|(name, _)| secret(name))
                    .map(|(_, value)| Secret::from(value.into_owned())),
            );
        }
        let secrets: Vec<_> = secrets.iter().map(Secret::expose).collect();
        crate::prompt::clean(&crate::secret::redact(text, &secrets), limit)
    }
}

pub(crate) enum Body {
    None,
    Form(Arc<str>),
    Json(Arc<str>),
}

/// An answer, whatever its status.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
    /// Whether an earlier attempt's answer may have been lost.
    pub(crate) repeated_blindly: bool,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let only_loopback = config.platform.is_http() && config.account.is_http();
        let mut defaults = HeaderMap::new();
        defaults.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let client = || -> Result<_> {
            Ok(reqwest::Client::builder()
                .user_agent(&config.user_agent)
                .default_headers(defaults.clone())
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                // Shorter than the whole, so that what was not sent is known to be so.
                .connect_timeout(CONNECT_TIMEOUT.min(config.timeout.mul_f64(0.75)))
                .read_timeout(config.silence_timeout)
                .tcp_nodelay(true)
                .tls_backend_preconfigured(tls::config(
                    config.ca_bundle.as_deref(),
                    only_loopback,
                )?))
        };
        let made = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| {
                Error::config(format!("The HTTP client could not be made: {error}."))
            })
        };
        let mut http = client()?;
        if let Some(url) = &config.proxy {
            // The URL may hold a password, so the cause is not shown.
            let proxy = reqwest::Proxy::all(url).map_err(|_| {
                Error::config(
                    "proxy: this is not a proxy URL. Give one such as http://proxy.example:8080.",
                )
            })?;
            http = http.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()));
        } else if only_loopback {
            http = http.no_proxy();
        }
        // The environment's proxy would read the token, and look for its own port of that number.
        let mixed = config.platform.is_http() != config.account.is_http();
        let local = match mixed && config.proxy.is_none() {
            true => Some(made(client()?.no_proxy())?),
            false => None,
        };
        Ok(Transport {
            http: made(http)?,
            local,
            clock: config.clock.clone(),
        })
    }

    /// Sends, and sends again where [`retry::again_after`] says so.
    pub(crate) async fn send(&self, request: &Outgoing, limits: Limits) -> Result<Incoming> {
        let mut number = 0;
        let mut repeated_blindly = false;
        loop {
            let result = self.send_once(request, limits.timeout).await;
            let attempt = match &result {
                Ok(answer) if answer.status < 400 => {
                    return result.map(|answer| Incoming {
                        repeated_blindly,
                        ..answer
                    });
                }
                Ok(answer) => retry::Attempt {
                    status: Some(answer.status),
                    sent: true,
                    retry_after: answer.retry_after,
                    number,
                },
                Err(error) if is_network(error) => retry::Attempt {
                    status: None,
                    sent: error.outcome_unknown(),
                    retry_after: None,
                    number,
                },
                Err(_) => {
                    return result
                        .map_err(|error| settled(error, request.repeat, repeated_blindly));
                }
            };
            let again =
                retry::again_after(request.repeat, attempt, limits.max_retries, fastrand::f64());
            let Some(wait) = again else {
                return match result {
                    Ok(answer) => Ok(Incoming {
                        repeated_blindly,
                        ..answer
                    }),
                    Err(error) => Err(settled(error, request.repeat, repeated_blindly)),
                };
            };
            // These two say that nothing was done.
            repeated_blindly |= attempt.sent && !matches!(attempt.status, Some(408 | 429));
            tracing::debug!(method = %request.method, path = request.url.path(), number, ?wait, "sending again");
            self.clock.sleep(wait).await;
            number += 1;
        }
    }

    /// One request. Network failures say by `outcome_unknown` whether it may have been sent.
    pub(crate) async fn send_once(
        &self,
        request: &Outgoing,
        timeout: Duration,
    ) -> Result<Incoming> {
        if timeout.is_zero() {
            return Err(Error::config("timeout must be longer than nothing."));
        }
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "{} did not answer within {} s. Check the network, or allow more time by the timeout option.",
                    host(&request.url),
                    timeout.as_secs_f64()
                ),
            )
            .with_outcome_unknown(true)),
        }
    }

    async fn exchange(&self, request: &Outgoing) -> Result<Incoming> {
        let mut outgoing = reqwest::Request::new(request.method.clone(), request.url.clone());
        let headers = outgoing.headers_mut();
        if let Some(token) = &request.bearer {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let (content_type, body) = match &request.body {
            Body::None => (None, None),
            Body::Form(text) => (Some("application/x-www-form-urlencoded"), Some(text)),
            Body::Json(text) => (Some("application/json"), Some(text)),
        };
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        *outgoing.body_mut() = body.map(|text| reqwest::Body::from(text.as_bytes().to_vec()));

        let http = match &self.local {
            Some(local) if request.url.scheme() == "http" => local,
            _ => &self.http,
        };
        let mut response = http
            .execute(outgoing)
            .await
            .map_err(|error| network_error(error, &request.url))?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let request_id = header("x-request-id").map(|id| request.without_secrets(id, 200));
        let retry_after = header("retry-after")
            .and_then(|value| headers::retry_after(value, self.clock.now().wall));
        let too_long = || {
            Error::invalid_response(format!(
                "{} answered with more than 1 MiB, which no documented call does. Check the base URL.",
                host(&request.url)
            ))
            .with_status(status)
            .with_request_id(request_id.clone())
            .with_outcome_unknown(matches!(status, 200..300 | 500..))
        };
        let announced = response.content_length().unwrap_or(0);
        if announced > LARGEST_ANSWER as u64 {
            return Err(too_long());
        }
        let mut body = Vec::with_capacity(announced as usize);
        while let Some(chunk) = response.chunk().await.map_err(|error| {
            network_error(error, &request.url)
                .with_status(status)
                .with_outcome_unknown(true)
        })? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Incoming {
            status,
            request_id,
            retry_after,
            body,
            repeated_blindly: false,
        })
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
        Error::login_required("The stored access token cannot be sent: it holds characters that no token has. Log in again.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What all attempts together leave open. A repeat of some does nothing twice, so there is
/// nothing to look up first.
fn settled(error: Error, repeat: Repeat, repeated_blindly: bool) -> Error {
    let unknown = (error.outcome_unknown() || repeated_blindly) && repeat != Repeat::Always;
    error.with_outcome_unknown(unknown)
}

/// No usable answer came from the network: time may mend it.
pub(crate) fn is_network(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout)
}

fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "the server".to_owned(),
    }
}

fn network_error(error: reqwest::Error, url: &Url) -> Error {
    // The URL may hold an id; the host, named in the message, is enough.
    let error = error.without_url();
    let before_sending = error.is_connect() || error.is_builder();
    let host = host(url);
    let (kind, message) = if let Some(why) = tls::failure(&error) {
        (
            ErrorKind::Tls,
            format!(
                "No secure connection to {host} could be made: {why}. If a company proxy re-signs traffic, name its certificates by ca_bundle or SSL_CERT_FILE."
            ),
        )
    } else if error.is_timeout() && before_sending {
        (
            ErrorKind::Timeout,
            format!(
                "{host} did not accept a connection in time. Check the network and the base URL, then try again."
            ),
        )
    } else if error.is_timeout() {
        (
            ErrorKind::Timeout,
            format!("{host} fell silent before the whole answer came. Check the network."),
        )
    } else if before_sending {
        (
            ErrorKind::Connection,
            format!(
                "{host} could not be reached ({}). Check the network and the base URL, then try again.",
                innermost(&error)
            ),
        )
    } else {
        (
            ErrorKind::Connection,
            format!(
                "The connection to {host} broke before the whole answer came ({}). Check the network.",
                innermost(&error)
            ),
        )
    };
    Error::new(kind, message)
        .with_outcome_unknown(!before_sending)
        .with_source(error)
}

fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// `key=value&…` as forms are encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> Body {
    let mut encoder = url::form_urlencoded::Serializer::new(String::new());
    encoder.extend_pairs(fields);
    Body::Form(encoder.finish().into())
}
