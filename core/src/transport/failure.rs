//! Why no answer came, in words.

use super::{network::CONNECT_TIMEOUT, tls};
use crate::{Error, ErrorKind};
use std::{
    error::Error as StdError,
    io,
    net::{Ipv4Addr, UdpSocket},
};
use url::Url;

type Cause = dyn StdError + 'static;

/// What `error` tells the caller. `sent`: whether the request may have reached a server.
pub(super) fn of(error: reqwest::Error, url: &Url, sent: bool) -> Error {
    // The URL may hold an ID; the host, named in the message, is enough.
    let error = error.without_url();
    let host = host(url);
    let (kind, message) = if let Some(why) = no_descriptors(&error) {
        (
            ErrorKind::Connection,
            format!(
                "No connection to {host} could be opened: this process or the system has no file descriptors left ({why}). Close clients and files that are no longer used, or raise the limit (ulimit -n)."
            ),
        )
    } else if let Some(why) = tls::failure(&error) {
        (
            ErrorKind::Tls,
            format!(
                "No secure connection to {host} could be made: {why}. If a company proxy re-signs traffic, name its certificates by ca_bundle or SSL_CERT_FILE."
            ),
        )
    } else if error.is_timeout() && !sent {
        (
            ErrorKind::Timeout,
            unreached(&host, CONNECT_TIMEOUT.as_secs_f64()),
        )
    } else if error.is_timeout() {
        return silent(url).with_source(error);
    } else if !sent {
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
                "The connection to {host} broke before the response was complete ({}). Check the network.",
                innermost(&error)
            ),
        )
    };
    Error::new(kind, message).with_source(error)
}

/// The server stopped sending, or its network did.
pub(super) fn silent(url: &Url) -> Error {
    let host = host(url);
    Error::new(
        ErrorKind::Timeout,
        format!("{host} stopped responding before the response was complete. Check the network."),
    )
}

/// The attempt ran out of time. `by_deadline`: the whole call's.
pub(super) fn out_of_time(url: &Url, seconds: f64, by_deadline: bool, sent: bool) -> Error {
    let host = host(url);
    let message = match (by_deadline, sent) {
        (true, _) => {
            let what = match sent {
                true => "did not answer",
                false => "could not be reached, and nothing was sent,",
            };
            format!(
                "{host} {what} before the call's deadline. Check the network, or allow more time by the deadline option."
            )
        }
        (false, true) => format!(
            "{host} did not answer within {seconds} s. Check the network, or allow more time by the timeout option."
        ),
        (false, false) => unreached(&host, seconds),
    };
    Error::new(ErrorKind::Timeout, message)
}

/// The same words whichever of two equal limits ends first, the connection's or the attempt's.
fn unreached(host: &str, seconds: f64) -> String {
    let advice = match seconds < CONNECT_TIMEOUT.as_secs_f64() {
        true => "Check the network, or allow more time by the timeout option.",
        false => "Check the network and the base URL, then try again.",
    };
    format!("{host} could not be reached, and nothing was sent, within {seconds} s. {advice}")
}

pub(super) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "the server".to_owned(),
    }
}

/// What the system said when it gave no descriptor, to a socket or to the resolver.
fn no_descriptors(error: &reqwest::Error) -> Option<String> {
    let mut resolving = false;
    for cause in causes(error) {
        if let Some(error) = cause.downcast_ref::<io::Error>()
            && is_exhaustion(error)
        {
            return Some(error.to_string());
        }
        resolving |= cause.to_string().contains("lookup address");
    }
    // The system's resolver forgets why it failed.
    let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    match (resolving, probe) {
        (true, Err(error)) if is_exhaustion(&error) => Some(error.to_string()),
        _ => None,
    }
}

/// `EMFILE` and `ENFILE`, or `WSAEMFILE`.
fn is_exhaustion(error: &io::Error) -> bool {
    match error.raw_os_error() {
        Some(code) if cfg!(windows) => code == 10024,
        Some(code) => matches!(code, 23 | 24),
        None => false,
    }
}

/// The error and everything below it. `io::Error::source` skips the error that it wraps, and one
/// may wrap another.
fn causes<'a>(error: &'a Cause) -> impl Iterator<Item = &'a Cause> {
    let below = |&error: &&'a Cause| match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped as &Cause),
        None => error.source(),
    };
    std::iter::successors(Some(error), below)
}

fn innermost(error: &reqwest::Error) -> String {
    let last = causes(error).last();
    last.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_depends_on_which_limit_ended_the_attempt() {
        let url = Url::parse("https://a.example:8443/x").expect("a URL");
        for (seconds, by_deadline, sent, says) in [
            (9.5, false, false, "allow more time by the timeout option"),
            (10.0, false, false, "Check the network and the base URL"),
            (60.0, false, false, "Check the network and the base URL"),
            (60.0, false, true, "allow more time by the timeout option"),
            (60.0, true, false, "nothing was sent, before the call's"),
            (60.0, true, true, "did not answer before the call's"),
        ] {
            let error = out_of_time(&url, seconds, by_deadline, sent);
            assert!(error.message().starts_with("a.example:8443 "), "{error}");
            assert!(error.message().contains(says), "{error}");
        }
    }
}
