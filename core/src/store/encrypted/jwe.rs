//! Records as JWEs (RFC 7516) in compact serialization: `dir` (RFC 7518 §4.5) and `A256GCM`
//! (§5.3), and nothing else. What a record's header says never chooses an algorithm.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use zeroize::{Zeroize, Zeroizing};

/// What a key must have.
pub(super) const KEY_BYTES: usize = 32;
/// As much as a file may hold. More is no record, and would only fill the memory.
pub(super) const LONGEST: usize = 1 << 20;

const ALGORITHM: &str = "dir";
const ENCRYPTION: &str = "A256GCM";

/// A key of AES-256-GCM.
pub(super) struct Key(LessSafeKey);

impl Key {
    /// `None` for another length.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).ok()?;
        Some(Key(LessSafeKey::new(key)))
    }
}

/// Why a text was not decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is longer than [`LONGEST`].
    TooLong,
    /// It is no JWE in compact serialization, or its header cannot be read.
    Malformed,
    /// It names another `alg` or `enc`, or one of `zip` and `crit`.
    Unsupported,
    /// Its header names no `kid`.
    NoKeyId,
}

/// The protected header. A name that occurs twice is refused (RFC 7516 §4), names that are not
/// known here are ignored.
#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    kid: Option<String>,
    sub: Option<String>,
    zip: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
}

#[derive(Serialize)]
struct NewHeader<'a> {
    alg: &'a str,
    enc: &'a str,
    kid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
}

/// A JWE that was read and not yet decrypted.
pub(super) struct Jwe<'a> {
    /// Which key it was encrypted with.
    pub(super) key_id: String,
    /// Whose record it is.
    pub(super) subject: Option<String>,
    /// The header as it was sent, which the tag covers.
    header: &'a str,
    nonce: [u8; NONCE_LEN],
    /// The ciphertext, then its tag.
    sealed: Vec<u8>,
}

impl<'a> Jwe<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(Refusal::Malformed);
        let [header, key, nonce, ciphertext, tag] = [part()?, part()?, part()?, part()?, part()?];
        if parts.next().is_some() {
            return Err(Refusal::Malformed);
        }
        let Header {
            alg,
            enc,
            kid,
            sub,
            zip,
            crit,
        } = serde_json::from_slice(&decoded(header)?).map_err(|_| Refusal::Malformed)?;
        if alg != ALGORITHM || enc != ENCRYPTION || zip.is_some() || crit.is_some() {
            return Err(Refusal::Unsupported);
        }
        // `dir` has no encrypted key (RFC 7518 §4.5).
        if !key.is_empty() {
            return Err(Refusal::Malformed);
        }
        let tag = decoded(tag)?;
        if tag.len() != AES_256_GCM.tag_len() {
            return Err(Refusal::Malformed);
        }
        let mut sealed = decoded(ciphertext)?;
        sealed.extend(tag);
        Ok(Jwe {
            key_id: kid.ok_or(Refusal::NoKeyId)?,
            subject: sub,
            header,
            nonce: decoded(nonce)?.try_into().map_err(|_| Refusal::Malformed)?,
            sealed,
        })
    }

    /// The plaintext; `None` for another key, or for a JWE that somebody has changed.
    pub(super) fn open(self, key: &Key) -> Option<Zeroizing<String>> {
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let header = Aad::from(self.header.as_bytes());
        let mut bytes = Zeroizing::new(self.sealed);
        let plain = key.0.open_in_place(nonce, header, &mut bytes).ok()?;
        let length = plain.len();
        bytes.truncate(length);
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Some(Zeroizing::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Refusal> {
    BASE64.decode(part).map_err(|_| Refusal::Malformed)
}

/// `plain` as a JWE. `None` where the system gives no random numbers.
pub(super) fn seal(key: &Key, key_id: &str, subject: Option<&str>, plain: &str) -> Option<String> {
    let header = NewHeader {
        alg: ALGORITHM,
        enc: ENCRYPTION,
        kid: key_id,
        sub: subject,
    };
    let header = serde_json::to_string(&header).expect("texts can always be written");
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).ok()?;
    seal_with(key, &BASE64.encode(header), nonce, plain)
}

fn seal_with(key: &Key, header: &str, nonce: [u8; NONCE_LEN], plain: &str) -> Option<String> {
    let mut bytes = plain.as_bytes().to_vec();
    let tag = key.0.seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(header.as_bytes()),
        &mut bytes,
    );
    let Ok(tag) = tag else {
        bytes.zeroize();
        return None;
    };
    let [nonce, ciphertext, tag] = [&nonce, &*bytes, tag.as_ref()].map(|part| BASE64.encode(part));
    Some(format!("{header}..{nonce}.{ciphertext}.{tag}"))
}

#[cfg(test)]
mod tests;
