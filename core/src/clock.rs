//! Time as a parameter: one clock for what is due and what has expired.

use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A reading of both clocks. The monotonic one stands still while a machine sleeps on some
/// systems, the wall clock can be set: whatever expires looks at both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    /// Since the clock was made.
    pub(crate) monotonic: Duration,
    /// What a calendar says.
    pub(crate) wall: SystemTime,
}

/// The clock of one client.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    start: Instant,
    wall: SystemTime,
    scale: f64,
}

impl Clock {
    /// `scale` lets a test's clock run that many times faster than the real one.
    pub(crate) fn new(scale: f64) -> Self {
        Clock {
            start: Instant::now(),
            wall: SystemTime::now(),
            scale,
        }
    }

    pub(crate) fn now(&self) -> Now {
        let elapsed = self.start.elapsed();
        if self.scale == 1.0 {
            return Now {
                monotonic: elapsed,
                wall: SystemTime::now(),
            };
        }
        let elapsed = elapsed.mul_f64(self.scale);
        Now {
            monotonic: elapsed,
            wall: self.wall + elapsed,
        }
    }

    /// Real time since the clock was made, however fast it runs.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// A time-out of requests, which are real: shorter for a clock that runs faster, within
    /// reason.
    pub(crate) fn shortened(&self, timeout: Duration) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(4);
        timeout.min(timeout.div_f64(self.scale).max(SHORTEST))
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.real(duration)).await;
    }

    /// How long `duration` lasts outside.
    pub(crate) fn real(&self, duration: Duration) -> Duration {
        if self.scale == 1.0 {
            duration
        } else {
            duration.div_f64(self.scale)
        }
    }
}

/// Unix time in milliseconds; what lies before 1970 is 0.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time `ms` milliseconds after 1970, if the platform can express it.
pub(crate) fn from_unix_ms(ms: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

/// The day of `time` as `2026-11-24` (UTC), for messages.
pub(crate) fn day(time: SystemTime) -> String {
    let days = (unix_ms(time) / 86_400_000) as i64;
    // Days to a civil date, proleptic Gregorian, years counted from March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_calendars() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_795_500_000, "2026-11-24"),
            (4_107_542_399, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(
                day(from_unix_ms(seconds * 1000).expect("in range")),
                expected
            );
        }
    }
}
