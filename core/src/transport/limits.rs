//! How long a call may take.

use crate::{Error, ErrorKind, Result};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Limits of a call, all options settled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of each request.
    pub(crate) timeout: Duration,
    pub(crate) max_retries: u32,
    /// Of the call as a whole, on the real clock.
    pub(crate) deadline: Option<Instant>,
}

impl Limits {
    /// How long a request that starts now may take, and whether the deadline is what ends it.
    pub(super) fn next_attempt(&self) -> (Duration, bool) {
        let left = self.left().unwrap_or(Duration::MAX);
        (self.timeout.min(left), left < self.timeout)
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
