//! Strings that must not be printed.

use std::fmt;
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
}
