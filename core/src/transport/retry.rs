//! When to send a request again: a pure decision.

use super::outcome::{Outcome, Repeat};
use std::time::Duration;

/// A failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// The status, or `None` where no answer came.
    pub(crate) status: Option<u16>,
    /// What the server may have done.
    pub(crate) outcome: Outcome,
    /// What the server asked for.
    pub(crate) retry_after: Option<Duration>,
    /// How many attempts failed before this one.
    pub(crate) number: u32,
}

/// A server that asks for more than this is not waited for: the caller learns of it instead.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// How long to wait before sending again, or `None` to give up. `random` is in `0.0..1.0`
/// (full jitter).
pub(crate) fn again_after(
    repeat: Repeat,
    attempt: Attempt,
    max_retries: u32,
    random: f64,
) -> Option<Duration> {
    let safe = match repeat {
        Repeat::Always | Repeat::WithinCall => true,
        Repeat::IfNotSent => attempt.outcome == Outcome::NotSent,
        Repeat::Never => false,
    };
    let passing = match attempt.status {
        None => true,
        Some(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
    };
    let asked = attempt.retry_after.unwrap_or_default();
    if !safe || !passing || attempt.number >= max_retries || asked > LONGEST_WAIT {
        return None;
    }
    let ceiling = FIRST_WAIT
        .saturating_mul(2_u32.saturating_pow(attempt.number))
        .min(LONGEST_BACKOFF);
    Some(ceiling.mul_f64(random.clamp(0.0, 1.0)).max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [Option<u16>; 12] = [
        None,
        Some(200),
        Some(400),
        Some(401),
        Some(404),
        Some(408),
        Some(422),
        Some(429),
        Some(500),
        Some(502),
        Some(503),
        Some(504),
    ];

    #[test]
    #[expect(clippy::excessive_nesting, reason = "every combination")]
    fn every_combination_obeys_the_laws() {
        for repeat in [
            Repeat::Always,
            Repeat::WithinCall,
            Repeat::IfNotSent,
            Repeat::Never,
        ] {
            for status in STATUSES {
                for outcome in [Outcome::NotSent, Outcome::Refused, Outcome::Unknown] {
                    for retry_after in [None, Some(0), Some(7), Some(60), Some(61), Some(u64::MAX)]
                    {
                        for number in [0, 1, 2, 30, u32::MAX] {
                            for random in [0.0, 0.5, 0.999] {
                                let attempt = Attempt {
                                    status,
                                    outcome,
                                    number,
                                    retry_after: retry_after.map(Duration::from_secs),
                                };
                                check(repeat, attempt, random);
                            }
                        }
                    }
                }
            }
        }
    }

    fn check(repeat: Repeat, attempt: Attempt, random: f64) {
        let max = 3;
        match again_after(repeat, attempt, max, random) {
            None => {}
            Some(wait) => {
                assert!(attempt.number < max);
                assert!(wait <= LONGEST_WAIT);
                assert!(wait >= attempt.retry_after.unwrap_or_default());
                assert!(!matches!(attempt.status, Some(200..=407 | 409..=428)));
                assert!(
                    matches!(repeat, Repeat::Always | Repeat::WithinCall)
                        || attempt.outcome == Outcome::NotSent,
                    "an unsafe repeat"
                );
                assert!(repeat != Repeat::Never);
            }
        }
    }

    #[test]
    fn waits_grow_and_are_capped() {
        let attempt = |number| Attempt {
            status: Some(503),
            outcome: Outcome::Unknown,
            retry_after: None,
            number,
        };
        let wait = |number| again_after(Repeat::Always, attempt(number), u32::MAX, 1.0);
        assert_eq!(wait(0), Some(Duration::from_millis(250)));
        assert_eq!(wait(1), Some(Duration::from_millis(500)));
        assert_eq!(wait(50), Some(LONGEST_BACKOFF));
    }
}
