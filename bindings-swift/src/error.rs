//! The core's error as a value that crosses to Swift.

use std::{error::Error as _, fmt};

use parallel_account::{Error, ErrorKind};

/// Why a call has no result.
#[derive(Clone, Debug, uniffi::Error)]
pub enum Failure {
    /// The caller stopped it.
    Cancelled,
    /// Anything else.
    Failed {
        /// What happened.
        problem: Box<Problem>,
    },
}

/// The core's `Error`, field by field.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Problem {
    /// Stable name of the kind, such as `login_required`.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// HTTP status, where an answer came.
    pub status: Option<u16>,
    /// The service's ID of the request.
    pub request_id: Option<String>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<f64>,
    /// Whether the same call may well succeed later.
    pub retryable: bool,
    /// Whether the server may have acted.
    pub outcome_unknown: bool,
    /// OAuth error code (RFC 6749 §5.2).
    pub oauth_error: Option<String>,
    /// The server's `error_description`.
    pub oauth_description: Option<String>,
    /// The fields that a 422 complains about.
    pub fields: Vec<FieldProblem>,
    /// What a charge was sent with.
    pub idempotency_key: Option<String>,
    /// What lies below, innermost last.
    pub cause: Option<String>,
}

/// One field that the Account API refused.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FieldProblem {
    /// Where, such as `body.amount_cents`.
    pub location: String,
    /// What is wrong with it.
    pub message: String,
    /// The service's name for the problem.
    pub error_type: String,
}

/// The core's names of options and arguments, and Swift's.
const NAMES: [(&str, &str); 15] = [
    ("accept_plaintext", "acceptPlaintext"),
    ("account_url", "accountURL"),
    ("amount_cents", "amountCents"),
    ("app_id", "appID"),
    ("ca_bundle", "caBundle"),
    ("client_id", "clientID"),
    ("client_name", "clientName"),
    ("idempotency_key", "idempotencyKey"),
    ("key_id", "keyID"),
    ("lock_timeout", "lockTimeout"),
    ("max_retries", "maxRetries"),
    ("org", "organization"),
    ("pending_record", "pendingRecord"),
    ("platform_url", "platformURL"),
    ("user_agent", "userAgent"),
];

/// The message in the names of Swift, unless it may speak of what a server sent.
fn in_swift(error: &Error) -> String {
    let message = error.message();
    if error.status().is_some() || error.kind() == ErrorKind::InvalidResponse {
        return message.into();
    }
    let word = |word: &str| {
        let name = word.trim_matches(['(', ')', '.', ',', ':', ';', ' ']);
        match NAMES.iter().find(|(core, _)| *core == name) {
            Some((core, swift)) => word.replace(core, swift),
            None => word.into(),
        }
    };
    message.split_inclusive(' ').map(word).collect()
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut below = error.source();
        while let Some(cause) = below {
            causes.push(cause.to_string());
            below = cause.source();
        }
        Problem {
            code: error.code().into(),
            message: in_swift(error),
            status: error.status(),
            request_id: error.request_id().map(Into::into),
            retry_after: error.retry_after().map(|after| after.as_secs_f64()),
            retryable: error.retryable(),
            outcome_unknown: error.outcome_unknown(),
            oauth_error: error.oauth_error().map(Into::into),
            oauth_description: error.description().map(Into::into),
            fields: error
                .fields()
                .iter()
                .map(|field| FieldProblem {
                    location: field.location.clone(),
                    message: field.message.clone(),
                    error_type: field.error_type.clone(),
                })
                .collect(),
            idempotency_key: error.idempotency_key().map(Into::into),
            cause: (!causes.is_empty()).then(|| causes.join(": ")),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Cancelled => Failure::Cancelled,
            _ => Failure::Failed {
                problem: Box::new(Problem::from(&error)),
            },
        }
    }
}

impl Failure {
    /// A call ended in a panic. Its message stays out: it could quote what it choked on.
    pub(crate) fn panicked() -> Self {
        let error = Error::internal("a panic was caught; standard error says where");
        Failure::Failed {
            problem: Box::new(Problem {
                outcome_unknown: true,
                ..Problem::from(&error)
            }),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Cancelled => f.write_str("The call was cancelled."),
            Failure::Failed { problem } => f.write_str(&problem.message),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: &Error) -> String {
        Problem::from(error).message
    }

    #[test]
    fn messages_name_options_as_swift_does() {
        let message = "client_id, (org) and max_retries: x. amount_cents must be 1 to 10000.";
        assert_eq!(
            shown(&Error::config(message)),
            "clientID, (organization) and maxRetries: x. amountCents must be 1 to 10000."
        );
        // Not within other words, nor in what contains them.
        let message = "organization org_id my_client_id https://example.com/app_id/x \"app_idx\"";
        assert_eq!(shown(&Error::config(message)), message);
    }

    #[test]
    fn causes_are_told_from_the_outside_in() {
        let innermost = std::io::Error::other("the disk is full");
        let error = Error::store("The store failed.", Some(Box::new(innermost)));
        let cause = Problem::from(&error).cause;
        assert_eq!(cause.as_deref(), Some("the disk is full"));
        assert_eq!(Problem::from(&Error::config("x")).cause, None);
    }
}
