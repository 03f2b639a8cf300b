//! What callers pass, checked before anything is sent.

use crate::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Ids go into paths, so they are checked before anything is sent.
pub(crate) fn uuid<'a>(id: &'a str, name: &str) -> Result<&'a str> {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let good = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| {
            if dash(at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if good {
        return Ok(id);
    }
    Err(Error::invalid_request(format!(
        "{name} must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000. List the apps to see theirs."
    )))
}

/// All but RFC 3986 §2.3's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One path segment, percent-encoded.
pub(crate) fn segment(id: &str, name: &str) -> Result<String> {
    if id.is_empty() || id == "." || id == ".." || id.len() > 256 {
        return Err(Error::invalid_request(format!(
            "{name} must be an ID of 1 to 256 bytes."
        )));
    }
    Ok(utf8_percent_encode(id, RESERVED).to_string())
}

/// A name that a person will read.
pub(crate) fn label<'a>(text: &'a str, name: &str) -> Result<&'a str> {
    if text.trim().is_empty() {
        return Err(Error::invalid_request(format!("{name} must not be empty.")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked_and_encoded() {
        assert!(uuid("123e4567-e89b-12d3-a456-426614174000", "app_id").is_ok());
        for bad in [
            "",
            "x",
            "123e4567-e89b-12d3-a456-42661417400/",
            "123e4567e89b12d3a4564266141740000000",
            "123e4567-e89b-12d3-a456-42661417400\u{e9}",
        ] {
            assert!(uuid(bad, "app_id").is_err(), "{bad}");
        }
        assert_eq!(
            segment("a/b ?#é", "id").expect("encodable"),
            "a%2Fb%20%3F%23%C3%A9"
        );
        assert!(segment("..", "id").is_err() && segment("", "id").is_err());
    }
}
