//! Whether a stored login can be used as it is: a pure decision.

use crate::{clock::day, store::Login};
use std::time::{Duration, SystemTime};

/// What to do with a login before a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Use the access token.
    Use,
    /// Renew it; if that fails for a passing reason, it still works.
    RenewEarly,
    /// Renew it: it does not work any more.
    Renew,
    /// Only a new login helps, and why.
    LogIn(String),
}

/// Tokens are renewed this long before they expire,
const MARGIN: Duration = Duration::from_secs(30);
/// but never earlier than this part of their life before it, so that tokens that live for
/// seconds are not renewed at every call.
const PART: u32 = 10;

/// `rejected`: the service has refused this access token, whatever its expiry says.
pub(crate) fn decide(login: &Login, now: SystemTime, rejected: bool) -> Decision {
    let passed = |end: Option<SystemTime>| end.filter(|end| *end <= now);
    let expired = login.access_token.expose().is_empty() || passed(login.expires_at).is_some();
    if !expired && !rejected {
        let margin = login.life.map_or(MARGIN, |life| MARGIN.min(life / PART));
        let early = login.expires_at.is_some_and(|at| at <= now + margin);
        // No token lives longer than its life: the clock was ahead when it was noted.
        let misdated = login.life.is_some_and(|life| {
            let latest = now.checked_add(life.saturating_add(MARGIN));
            login
                .expires_at
                .zip(latest)
                .is_some_and(|(at, latest)| at > latest)
        });
        let renewable = login.refresh_token.is_some()
            && !login.refused
            && passed(login.grant_ends_at.or(login.refresh_expires_at)).is_none();
        return if (early || misdated) && renewable {
            Decision::RenewEarly
        } else {
            Decision::Use
        };
    }
    if let Some(end) = passed(login.grant_ends_at) {
        Decision::LogIn(format!("Log in again: the grant expired on {}.", day(end)))
    } else if login.refresh_token.is_none() {
        Decision::LogIn(
            "Log in again: the access token has expired and there is no refresh token.".into(),
        )
    } else if login.refused {
        Decision::LogIn("Log in again: Parallel refused the stored refresh token.".into())
    } else if let Some(end) = passed(login.refresh_expires_at) {
        Decision::LogIn(format!(
            "Log in again: the refresh token expired on {}.",
            day(end)
        ))
    } else {
        Decision::Renew
    }
}

impl Login {
    /// Why only a new login helps, if that is so.
    pub(crate) fn problem(&self, now: SystemTime) -> Option<String> {
        // A refused refresh token is the end, even where the access token is not over yet.
        match decide(self, now, self.refused) {
            Decision::LogIn(why) => Some(why),
            Decision::Use | Decision::RenewEarly | Decision::Renew => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn login(life: Option<u64>) -> Login {
        Login {
            key: "org".into(),
            org_name: None,
            client_id: None,
            access_token: "at".into(),
            expires_at: life.map(|life| at(1_000 + life)),
            life: life.map(Duration::from_secs),
            refresh_token: Some("rt".into()),
            refresh_expires_at: None,
            grant_ends_at: None,
            scopes: Vec::new(),
            refused: false,
        }
    }

    #[test]
    fn the_margin_is_thirty_seconds_or_a_tenth_of_the_life() {
        for (life, early_from) in [(3_600, 3_570), (300, 270), (100, 90), (10, 9)] {
            let login = login(Some(life));
            assert_eq!(
                decide(&login, at(1_000 + early_from - 1), false),
                Decision::Use,
                "{life}"
            );
            assert_eq!(
                decide(&login, at(1_000 + early_from), false),
                Decision::RenewEarly,
                "{life}"
            );
            assert_eq!(
                decide(&login, at(1_000 + life), false),
                Decision::Renew,
                "{life}"
            );
        }
    }

    #[test]
    fn an_expiry_from_a_clock_that_was_ahead_is_not_believed() {
        let mut login = login(Some(3_600));
        assert_eq!(decide(&login, at(1_000 - 30), false), Decision::Use);
        let ahead = at(1_000 - 31);
        assert_eq!(decide(&login, ahead, false), Decision::RenewEarly);
        assert_eq!(decide(&login, at(0), false), Decision::RenewEarly);
        login.life = Some(Duration::MAX);
        assert_eq!(decide(&login, at(0), false), Decision::Use);
    }

    #[test]
    fn an_unknown_life_means_until_refused() {
        assert_eq!(decide(&login(None), at(9_999_999), false), Decision::Use);
        assert_eq!(decide(&login(None), at(0), true), Decision::Renew);
    }

    #[test]
    fn what_cannot_be_renewed_is_used_to_its_end() {
        let mut login = login(Some(100));
        login.refresh_token = None;
        assert_eq!(decide(&login, at(1_095), false), Decision::Use);
        assert!(matches!(
            decide(&login, at(1_100), false),
            Decision::LogIn(_)
        ));
    }

    #[test]
    fn the_reason_says_when_it_ended() {
        let mut login = login(Some(100));
        login.grant_ends_at = Some(at(86_400));
        let Decision::LogIn(why) = decide(&login, at(90_000), false) else {
            panic!("renewed")
        };
        assert_eq!(why, "Log in again: the grant expired on 1970-01-02.");
        login.grant_ends_at = None;
        login.refused = true;
        assert!(matches!(
            decide(&login, at(90_000), false),
            Decision::LogIn(_)
        ));
    }
}
