//! Fields of JSON that may be mislabeled and may hold secrets.

use super::LONGEST_MESSAGE;
use crate::{secret::WipedObject, text::clean};
use serde_json::{Map, Value};
use std::time::Duration;
use zeroize::Zeroizing;

/// The body as JSON, whatever its content type says; a BOM and bytes that are no UTF-8 are
/// tolerated. `None` where it is no JSON.
pub(crate) fn json(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text).ok(),
        Err(_) => {
            let text = Zeroizing::new(String::from_utf8_lossy(body).into_owned());
            serde_json::from_str(&text).ok()
        }
    }
}

/// A JSON object, or nothing. It may hold tokens, so it does not stay in memory.
pub(crate) fn object(body: &[u8]) -> Option<WipedObject> {
    match json(body) {
        Some(Value::Object(object)) => Some(WipedObject(object)),
        _ => None,
    }
}

/// A string field. Missing and `null` are `None`.
pub(crate) fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object
        .get(name)?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// A string field, cleaned for a terminal.
pub(crate) fn shown(object: &Map<String, Value>, name: &str) -> Option<String> {
    text(object, name)
        .map(|text| clean(&text, LONGEST_MESSAGE))
        .filter(|text| !text.is_empty())
}

/// A number of seconds, also where it is sent as a string.
pub(crate) fn seconds(object: &Map<String, Value>, name: &str) -> Seconds {
    let number = match object.get(name) {
        None | Some(Value::Null) => return Seconds::Missing,
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match number {
        Some(number) if number.is_finite() && number >= 0.0 => {
            // A thousand years is as good as forever, and safe to add to any date.
            Seconds::Given(Duration::from_secs_f64(number.min(3.2e10)))
        }
        _ => Seconds::Nonsense,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Seconds {
    Missing,
    Given(Duration),
    Nonsense,
}

impl Seconds {
    pub(crate) fn given(self) -> Option<Duration> {
        match self {
            Seconds::Given(duration) => Some(duration),
            Seconds::Missing | Seconds::Nonsense => None,
        }
    }
}
