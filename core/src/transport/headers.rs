//! Header values that mean something to us.

use std::time::{Duration, SystemTime};

/// `Retry-After` in both forms (RFC 9110 §10.2.3): seconds, or a date, which is turned into the
/// time left from `now`. Anything else is `None`.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_and_nonsense() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 06:00:00 GMT").expect("a date");
        let seconds = |value| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(seconds("Tue, 24 Nov 2026 06:00:09 GMT"), Some(9));
        assert_eq!(seconds("Tue, 24 Nov 2026 05:00:00 GMT"), Some(0));
        for nonsense in ["", "-1", "soon", "1.5", "\u{663}"] {
            assert_eq!(seconds(nonsense), None, "{nonsense:?}");
        }
    }
}
