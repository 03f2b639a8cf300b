//! Random values, and the fingerprints under which they are shown.

use sha2::{Digest, Sha256};

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A secret with a prefix that says what it is.
pub(crate) fn token(prefix: &str) -> String {
    format!("{prefix}_{}", hex(&random::<20>()))
}

/// A random (version 4) UUID.
pub(crate) fn uuid() -> String {
    let mut bytes = random::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

/// A code for a person to type: consonants only, so that it spells no word
/// (RFC 8628 §6.1).
pub(crate) fn user_code() -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 20)]);
    let letters: Vec<char> = random::<8>().iter().map(letter).collect();
    let half = |part: &[char]| part.iter().collect::<String>();
    format!("{}-{}", half(&letters[..4]), half(&letters[4..]))
}

/// What a person typed, in the form in which codes are kept.
pub(crate) fn normalized_user_code(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// The first 8 hex digits of a secret's SHA-256: enough to tell two apart.
pub fn fingerprint(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes())[..4])
}

/// Ties a form of the approval page to this sandbox and one user code.
pub(crate) fn form_token(key: &str, user_code: &str) -> String {
    hex(&Sha256::digest(format!("{key}\n{user_code}").as_bytes())[..16])
}
