//! What became of a call, and what that means for its caller: decided here and nowhere else.

use crate::Error;

/// What makes a repeat of a request safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Doing it twice is doing it once: `GET`, `DELETE`, a charge with its caller's idempotency key.
    Always,
    /// The same within one call, but another call is another deed: a charge with a key made here.
    WithinCall,
    /// Only where the request certainly never reached the server: creating something.
    IfNotSent,
    /// Never; the caller has rules of its own.
    Never,
}

/// What became of a request at the server, in the order in which it weighs: of several attempts
/// of one call, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// No server has seen the request.
    NotSent,
    /// A server answered that it did nothing.
    Refused,
    /// A server may have acted: no answer came, or one that does not tell.
    Unknown,
    /// A server answered that it acted.
    Done,
}

impl Outcome {
    /// What an answer with this status says of its own request. A 5xx may come from a gateway
    /// that does not know what the server behind it did.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            200..300 => Outcome::Done,
            500.. => Outcome::Unknown,
            _ => Outcome::Refused,
        }
    }

    /// What all attempts say together. A refusal after a lost answer refuses the later attempt
    /// only; a success answers for all, as attempts after a lost answer repeat one deed.
    pub(crate) fn then(self, later: Outcome) -> Outcome {
        self.max(later)
    }

    /// `error` ends a call that came to this. Where a repeat does nothing twice, there is nothing
    /// to look up first.
    pub(crate) fn settle(self, error: Error, repeat: Repeat) -> Error {
        let acted = matches!(self, Outcome::Unknown | Outcome::Done);
        error.with_outcome_unknown(acted && repeat != Repeat::Always)
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome::*, *};
    use crate::ErrorKind;

    const ALL: [Outcome; 4] = [NotSent, Refused, Unknown, Done];
    const KINDS: [ErrorKind; 10] = [
        ErrorKind::Timeout,
        ErrorKind::Connection,
        ErrorKind::LoginRequired,
        ErrorKind::Unauthorized,
        ErrorKind::PaymentRequired,
        ErrorKind::PermissionDenied,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::InvalidRequest,
        ErrorKind::Server,
    ];

    /// Every error of a call, by what its first attempt, its second and its policy were.
    #[test]
    fn a_lost_answer_stays_open_whatever_comes_after_it() {
        for first in ALL {
            for second in ALL {
                for repeat in [
                    Repeat::Always,
                    Repeat::WithinCall,
                    Repeat::IfNotSent,
                    Repeat::Never,
                ] {
                    for kind in KINDS {
                        let error = Error::new(kind, "x").with_outcome_unknown(true);
                        let error = first.then(second).settle(error, repeat);
                        let lost = [first, second].contains(&Unknown);
                        let acted = lost || [first, second].contains(&Done);
                        let unknown = acted && repeat != Repeat::Always;
                        let case = format!("{first:?} {second:?} {repeat:?} {kind:?}");
                        assert_eq!(error.outcome_unknown(), unknown, "{case}");
                        assert!(!(unknown && error.retryable()), "{case}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_status_says() {
        for (status, says) in [
            (200, Done),
            (204, Done),
            (302, Refused),
            (401, Refused),
            (402, Refused),
            (408, Refused),
            (409, Refused),
            (422, Refused),
            (429, Refused),
            (500, Unknown),
            (503, Unknown),
        ] {
            assert_eq!(Outcome::of_status(status), says, "{status}");
        }
    }

    #[test]
    fn an_error_without_a_request_leaves_nothing_open() {
        let error = NotSent.settle(Error::new(ErrorKind::Timeout, "x"), Repeat::IfNotSent);
        assert!(!error.outcome_unknown() && error.retryable());
    }
}
