//! How long a call may take.

use crate::{Error, ErrorKind, Result};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long a server may be silent, in calls that were given more time than that.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// Limits of a call, all options settled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of each request.
    pub(crate) timeout: Duration,
    /// Between two signs of life, within a request.
    pub(crate) silence: Duration,
    pub(crate) max_retries: u32,
    /// Of the call as a whole, on the real clock.
    pub(crate) deadline: Option<Instant>,
}

impl Limits {
    /// The limits of a request that starts now.
    pub(super) fn next_attempt(&self) -> Attempt {
        let left = self.left().unwrap_or(Duration::MAX);
        let time = self.timeout.min(left);
        Attempt {
            time,
            by_deadline: left < self.timeout,
            end: Instant::now().checked_add(time),
            silence: self.silence,
        }
    }

    /// Whether a request could still be sent after waiting for so long.
    pub(super) fn outlasts(&self, wait: Duration) -> bool {
        self.left().is_none_or(|left| wait < left)
    }

    fn left(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// `work`, which is no request of this call itself, or an error at the deadline.
    pub(crate) async fn bound<T>(
        &self,
        waiting_for: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let Some(deadline) = self.deadline else {
            return work.await;
        };
        timeout_at(deadline, work).await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "The deadline passed while the call waited for {waiting_for}. Try again, or allow more time by the deadline option."
                ),
            ))
        })
    }
}

/// Limits of one request.
pub(super) struct Attempt {
    /// How long it may take,
    pub(super) time: Duration,
    /// and whether that is all that the call's deadline leaves.
    pub(super) by_deadline: bool,
    end: Option<Instant>,
    silence: Duration,
}

/// Which limit ended a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    OutOfTime,
    Silent,
}

impl Attempt {
    /// The next sign of life: a step of the request, and the one timer that it needs, for either
    /// limit.
    pub(super) async fn next<T>(&self, step: impl Future<Output = T>) -> Result<T, Stop> {
        let silent = Instant::now().checked_add(self.silence);
        let (at, stop) = match (self.end, silent) {
            (Some(end), Some(silent)) if silent < end => (silent, Stop::Silent),
            (Some(end), _) => (end, Stop::OutOfTime),
            (None, Some(silent)) => (silent, Stop::Silent),
            (None, None) => return Ok(step.await),
        };
        timeout_at(at, step).await.map_err(|_| stop)
    }
}
