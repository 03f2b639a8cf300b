//! Points in time, for programs and for users.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds, as the files and answers of Parallel have them.
pub(crate) fn unix(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs()
}

/// As HTTP writes it: `Wed, 25 Nov 2026 01:36:44 GMT`.
pub(crate) fn readable(time: SystemTime) -> String {
    // Years beyond 9999 cannot be written so, and are no dates.
    match unix(time) {
        0..253_402_300_800 => httpdate::fmt_http_date(time),
        _ => "the end of time".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn no_time_is_too_far() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(readable(at(1_795_570_604)), "Wed, 25 Nov 2026 01:36:44 GMT");
        assert_eq!(readable(at(253_402_300_800)), "the end of time");
        assert_eq!(unix(UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
