//! The keys that an application gives, and what is refused in their name.

use super::jwe::{self, Jwe, KEY_BYTES, Key, LONGEST, Refusal};
use crate::{Error, Result};
use zeroize::Zeroizing;

const LONGEST_ID: usize = 64;
const LONGEST_SUBJECT: usize = 256;

/// At least one; the first one encrypts.
pub(crate) struct Keys(Vec<(String, Key)>);

impl Keys {
    /// What is wrong is said by its place: an ID may be a key that was put in the wrong place.
    pub(crate) fn new<I: Into<String>, K: AsRef<[u8]>>(
        keys: impl IntoIterator<Item = (I, K)>,
    ) -> Result<Self> {
        let mut known: Vec<(String, Key)> = Vec::new();
        for (number, (id, bytes)) in (1..).zip(keys) {
            let (id, bytes) = (id.into(), bytes.as_ref());
            if !is_id(&id) {
                return Err(Error::config(format!(
                    "keys: the ID of key {number} must be 1 to {LONGEST_ID} printable ASCII characters, such as \"2026-11\"."
                )));
            }
            if known.iter().any(|(other, _)| *other == id) {
                return Err(Error::config(format!(
                    "keys: key {number} has the ID of an earlier key. Give each key an ID of its own."
                )));
            }
            let Some(key) = Key::new(bytes) else {
                return Err(Error::config(format!(
                    "keys: key {number} has {} bytes, but it must be exactly {KEY_BYTES} random bytes. Decode a key that is kept as hex or base64.",
                    bytes.len()
                )));
            };
            known.push((id, key));
        }
        match known.is_empty() {
            true => Err(Error::config(
                "keys must have at least one key: an ID and 32 random bytes.",
            )),
            false => Ok(Keys(known)),
        }
    }

    pub(crate) fn seal(&self, subject: Option<&str>, record: &str) -> Result<String> {
        let (id, key) = &self.0[0];
        let sealed = jwe::seal(key, id, subject, record).ok_or_else(|| {
            Error::store(
                "The credentials could not be encrypted: the system gave no random numbers. Check that the process may read them.",
                None,
            )
        })?;
        match sealed.len() > LONGEST {
            true => Err(Error::store(
                "The credentials are too large to be stored encrypted (over 1 MiB). Log out of organizations that are no longer used.",
                None,
            )),
            false => Ok(sealed),
        }
    }

    pub(crate) fn open(&self, subject: Option<&str>, stored: &str) -> Result<Zeroizing<String>> {
        let refused = |why: String| {
            Err(Error::store(
                format!("The record could not be decrypted and was left untouched: {why}"),
                None,
            ))
        };
        let jwe = match Jwe::parse(stored) {
            Ok(jwe) => jwe,
            Err(refusal) => return refused(refusal.why().into()),
        };
        let Some((_, key)) = self.0.iter().find(|(id, _)| *id == jwe.key_id) else {
            return refused(match is_id(&jwe.key_id) {
                true => format!(
                    "it was encrypted with the key {:?}, which is not among keys. Add that key after the first one; if it is lost, delete the record and log in again.",
                    jwe.key_id
                ),
                false => "its key ID is malformed. Check who writes to the store.".into(),
            });
        };
        if jwe.subject.as_deref() != subject {
            return refused(match (&jwe.subject, subject) {
                (None, _) => "it names no subject (sub), but one was given. Check that it was written with that option; it may be another user's.",
                (_, None) => "it names a subject (sub), but none was given. Give the subject that it was written with.",
                _ => "it belongs to another subject (sub) than the one given. Check that this is the user's own record; somebody may have copied another user's.",
            }.into());
        }
        match jwe.open(key) {
            Some(record) => Ok(record),
            None => refused(
                "the key of that ID does not fit, or the record was changed. Check the key; if it is lost, delete the record and log in again.".into(),
            ),
        }
    }
}

impl Refusal {
    fn why(self) -> &'static str {
        match self {
            Refusal::TooLong => "it is over 1 MiB. Check who writes to the store.",
            Refusal::Malformed => {
                "it is not a JWE in compact serialization. It may have been cut off (check the width of the column) or written by something else."
            }
            Refusal::Unsupported => {
                "it is encrypted in another way. Only alg dir with enc A256GCM is read, without zip or crit."
            }
            Refusal::NoKeyId => "its header names no key (kid). Check what wrote it.",
        }
    }
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

pub(super) fn check_subject(subject: String) -> Result<String> {
    match (1..=LONGEST_SUBJECT).contains(&subject.len()) {
        true => Ok(subject),
        false => Err(Error::config(format!(
            "subject must have 1 to {LONGEST_SUBJECT} bytes, such as the user's ID."
        ))),
    }
}

/// A record is a JSON object, and no JWE begins like one.
pub(super) fn is_plaintext(stored: &str) -> bool {
    stored.trim_start().starts_with('{')
}
