//! Strings that must not be printed, and JSON that must not stay in memory.
//!
//! What this crate holds of secrets is wiped when it is dropped: [`Secret`], records, the JSON of
//! answers, the buffers of files. What others hold is not: the copies that hyper and rustls make of
//! requests and answers, those that serde_json makes of texts with escapes, what a host language
//! was given, and pages that the system has swapped out.

use serde_json::{Map, Value};
use std::{
    fmt,
    ops::{Deref, DerefMut},
};
use zeroize::Zeroize;

/// A token, device code or API key. `Debug` shows nothing of it, and its memory is wiped on drop.
///
/// There is no `Display` and no `Serialize`: reading it is always the explicit [`Secret::expose`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// The secret itself. Whatever you do with it is on you from here.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Secret(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Secret(value.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A JSON object whose texts are wiped when it is dropped.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct WipedObject(pub(crate) Map<String, Value>);

impl Deref for WipedObject {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for WipedObject {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for WipedObject {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

/// Wipes all texts of `value`.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(object) => object.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `text` without any of `secrets`, for messages in which a server repeats what it was sent.
pub(crate) fn redact(text: &str, secrets: &[&str]) -> String {
    secrets
        .iter()
        .filter(|secret| secret.len() >= 4)
        .fold(text.to_owned(), |text, secret| {
            // Also as it looked in the form that was sent.
            let sent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            text.replace(secret, "…").replace(&sent, "…")
        })
}

#[cfg(all(test, target_os = "linux"))]
pub(crate) mod memory;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::from("hunter22")), "Secret(…)");
    }

    #[test]
    fn a_repeated_secret_is_taken_out() {
        assert_eq!(
            redact("no such token rt-12345", &["rt-12345"]),
            "no such token …"
        );
        assert_eq!(redact("t=rt%2F1%2B2&x", &["rt/1+2"]), "t=…&x");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_dropped_is_wiped() {
        let canary = memory::Canary::new();
        let text = canary.text();
        let secret = Secret::from(text);
        assert!(canary.copies() > 0, "the search finds what is there");
        drop(secret);
        assert_eq!(canary.copies(), 0);
        let mut object = WipedObject::default();
        let nested = Map::from_iter([("b".to_owned(), Value::String(canary.text()))]);
        object.insert("a".into(), Value::Array(vec![Value::Object(nested)]));
        object.insert("c".into(), Value::String(canary.text()));
        assert!(canary.copies() > 0);
        drop(object);
        assert_eq!(canary.copies(), 0);
    }
}
