//! What of a client goes along with each of its requests.

use crate::{Error, Result, clock::Clock, events::Events};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// By which clock its requests are sent, with which headers, and who hears of it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) clock: Clock,
    pub(crate) headers: HeaderMap,
    pub(crate) events: Events,
}

/// What this library sets itself: a second value would be sent beside it, or change who is asked
/// for what.
const OURS: [&str; 14] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// # Errors
/// `config` for a name or a value that is none, or that this library sets itself.
pub(crate) fn headers<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let shown = crate::text::clean(name, 100);
        let name = HeaderName::try_from(name).map_err(|_| {
            Error::config(format!(
                "headers: {shown:?} is no name of a header. Give one such as \"traceparent\"."
            ))
        })?;
        // Who sets it means to be charged once.
        if name == "idempotency-key" {
            return Err(Error::config(format!(
                "headers: {shown} has no effect. Give the key to the call that adds to the balance, as its idempotency key."
            )));
        }
        if OURS.contains(&name.as_str()) {
            return Err(Error::config(format!(
                "headers: {shown} is set by this library. Leave it out; user_agent adds to the User-Agent."
            )));
        }
        let mut value = HeaderValue::try_from(value).map_err(|_| {
            Error::config(format!(
                "headers: the value of {shown} cannot be sent. Give printable text in one line."
            ))
        })?;
        // It may be a secret, and HTTP/2 would keep it in a table.
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// Puts `added` in the place of what `headers` has of the same names.
pub(crate) fn replace(headers: &mut HeaderMap, added: &HeaderMap) {
    for name in added.keys() {
        headers.remove(name);
    }
    for (name, value) in added {
        headers.append(name, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let refused = |name, value| headers([(name, value)]).expect_err("refused").to_string();
        assert!(refused("a b", "x").contains("no name"));
        assert!(refused("", "x").contains("no name"));
        assert!(refused("Authorization", "x").contains("set by this library"));
        assert!(refused("Idempotency-Key", "x").contains("as its idempotency key"));
        let error = refused("x-a", "canary\r\nx-b: 1");
        assert!(
            error.contains("x-a") && !error.contains("canary"),
            "{error}"
        );
        let sent = headers([("traceparent", "00-a"), ("X-Two", "1"), ("x-two", "2")]);
        assert_eq!(sent.expect("good").len(), 3);
    }
}
