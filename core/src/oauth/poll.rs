//! When to poll next: a pure machine over answers and time (RFC 8628 §3.5).

use crate::clock::Now;
use std::time::{Duration, SystemTime};

/// What a poll's answer means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollOutcome {
    /// Nobody has decided yet.
    Pending,
    /// Polls come too fast.
    SlowDown,
    /// No usable answer; the server may have said when to come back.
    Unavailable {
        /// From `Retry-After`.
        retry_after: Option<Duration>,
    },
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait this long, then ask again what to do.
    Wait(Duration),
    /// Poll.
    Poll,
    /// The device code is dead.
    Expired,
}

/// RFC 8628 §3.5: `slow_down` adds this for good.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// While the service cannot be reached, waits double up to this, so that its return is noticed.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The state of one login's polling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PollMachine {
    interval: Duration,
    /// The last wait while the service cannot be reached.
    backoff: Option<Duration>,
    /// On the monotonic clock.
    due: Duration,
    /// On both clocks; whichever comes first counts.
    deadline: (Duration, SystemTime),
}

impl PollMachine {
    /// A device code obtained `now` that lives for `expires_in`.
    pub(crate) fn new(
        interval: Duration,
        expires_in: Duration,
        now: Now,
        first_poll_at_once: bool,
    ) -> Self {
        let first = if first_poll_at_once {
            Duration::ZERO
        } else {
            interval
        };
        PollMachine {
            interval,
            backoff: None,
            due: now.monotonic.saturating_add(first),
            deadline: (
                now.monotonic.saturating_add(expires_in),
                now.wall.checked_add(expires_in).unwrap_or(now.wall),
            ),
        }
    }

    /// The current interval.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// How long the code still lives.
    pub(crate) fn remaining(&self, now: Now) -> Duration {
        let monotonic = self.deadline.0.saturating_sub(now.monotonic);
        let wall = self.deadline.1.duration_since(now.wall).unwrap_or_default();
        monotonic.min(wall)
    }

    /// What to do now. Never waits past the expiry.
    pub(crate) fn next(&self, now: Now) -> Next {
        let remaining = self.remaining(now);
        let wait = self.due.saturating_sub(now.monotonic);
        if remaining.is_zero() {
            Next::Expired
        } else if wait.is_zero() {
            Next::Poll
        } else {
            Next::Wait(wait.min(remaining))
        }
    }

    /// An answer has come `now`; the wait counts from here, so that there are no catch-up polls.
    /// Returns how long it is until the next poll.
    pub(crate) fn answered(&mut self, answer: PollOutcome, now: Now) -> Duration {
        let wait = match answer {
            PollOutcome::Pending => {
                self.backoff = None;
                self.interval
            }
            PollOutcome::SlowDown => {
                self.backoff = None;
                self.interval = self.interval.saturating_add(SLOW_DOWN);
                self.interval
            }
            PollOutcome::Unavailable { retry_after } => {
                let doubled = self.backoff.unwrap_or(self.interval).saturating_mul(2);
                let backoff = doubled.min(LONGEST_BACKOFF).max(self.interval);
                self.backoff = Some(backoff);
                backoff.max(retry_after.unwrap_or_default())
            }
        };
        self.due = now.monotonic.saturating_add(wait);
        wait
    }
}

#[cfg(test)]
mod tests;
