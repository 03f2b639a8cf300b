//! What a service that refuses every access token is spared: a stream of new ones.

use crate::Secret;
use std::time::Duration;

/// A token that was renewed because it was refused, and whose successor is refused as well, is not
/// renewed before this; it doubles while nothing is accepted.
const REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(600);

/// An access token was refused and renewed.
pub(super) struct Refusal {
    successor: Secret,
    renewed: Duration,
    rest: Duration,
}

impl Refusal {
    /// `successor` is there since `now`, because the service refused the token before it.
    pub(super) fn after(last: Option<Refusal>, successor: &Secret, now: Duration) -> Self {
        let rest = match last {
            Some(last) if last.successor == *successor => return last,
            Some(last) => (last.rest * 2).min(LONGEST_REST),
            None => REST,
        };
        Refusal {
            successor: successor.clone(),
            renewed: now,
            rest,
        }
    }

    /// Whether `token`, which the service has refused, is to be renewed at `now`.
    pub(super) fn lets_renew(&self, token: &Secret, now: Duration) -> bool {
        self.successor != *token || now >= self.renewed.saturating_add(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_while_each_successor_is_refused() {
        let token = |number: u64| Secret::from(format!("at-{number}"));
        let mut now = Duration::ZERO;
        let mut last = None;
        for (number, rest) in [10, 20, 40, 80, 160, 320, 600, 600].into_iter().enumerate() {
            let successor = token(number as u64);
            let refusal = Refusal::after(last, &successor, now);
            // Told again of the same token, it does not rest longer.
            let refusal = Refusal::after(Some(refusal), &successor, now + Duration::from_secs(1));
            let end = now + Duration::from_secs(rest);
            assert!(!refusal.lets_renew(&successor, end - Duration::from_millis(1)));
            assert!(refusal.lets_renew(&successor, end));
            assert!(
                refusal.lets_renew(&token(99), now),
                "another token is another matter"
            );
            (last, now) = (Some(refusal), end);
        }
    }
}
