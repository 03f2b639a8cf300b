//! An error of the core as a plain object; `ts/errors.ts` makes the class of it.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook};
use std::sync::Once;

use napi::bindgen_prelude::Either;
use napi_derive::napi;
use parallel_account::{Error, ErrorKind};

use crate::hosterror::HostError;

/// Everything that an `AccountError` in TypeScript is made of.
#[napi(object, object_from_js = false)]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
    pub status: Option<u16>,
    pub request_id: Option<String>,
    /// Milliseconds.
    pub retry_after: Option<f64>,
    pub retryable: bool,
    pub outcome_unknown: bool,
    pub idempotency_key: Option<String>,
    pub oauth_error: Option<String>,
    pub description: Option<String>,
    pub fields: Vec<FieldFailure>,
    /// The messages of the causes, outermost first.
    pub causes: Vec<String>,
    /// The cause is the JavaScript error that is kept under this number.
    pub host_error: Option<u32>,
}

/// One field that the Account API refused (status 422).
#[napi(object, object_from_js = false)]
pub struct FieldFailure {
    pub location: String,
    pub message: String,
    pub error_type: String,
}

/// Why a call failed. Made into a [`Failure`] as late as possible, because a JavaScript error that
/// is its cause is kept only as long as the core's error.
pub(crate) enum Problem {
    Error(Error),
    Panic,
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        match problem {
            Problem::Error(error) => Self::from(error),
            Problem::Panic => Self::panicked(),
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut host_error = None;
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(host) = cause.downcast_ref::<HostError>() {
                host_error = host.kept();
            }
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self {
            code: error.code(),
            message: error.message().to_owned(),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            retry_after: error.retry_after().map(crate::models::milliseconds),
            retryable: error.retryable(),
            outcome_unknown: error.outcome_unknown(),
            idempotency_key: error.idempotency_key().map(str::to_owned),
            oauth_error: error.oauth_error().map(str::to_owned),
            description: error.description().map(str::to_owned),
            fields: error
                .fields()
                .iter()
                .map(|field| FieldFailure {
                    location: field.location.clone(),
                    message: field.message.clone(),
                    error_type: field.error_type.clone(),
                })
                .collect(),
            causes,
            host_error,
        }
    }
}

impl Failure {
    /// An argument is refused before anything is sent.
    pub(crate) fn invalid_request(message: String) -> Self {
        Self {
            code: ErrorKind::InvalidRequest.code(),
            message,
            status: None,
            request_id: None,
            retry_after: None,
            retryable: false,
            outcome_unknown: false,
            idempotency_key: None,
            oauth_error: None,
            description: None,
            fields: Vec::new(),
            causes: Vec::new(),
            host_error: None,
        }
    }

    /// The answer came, and JavaScript cannot have it, such as a text longer than its strings may be.
    pub(crate) fn unconvertible(error: &napi::Error) -> Self {
        let status = error.status;
        Self {
            outcome_unknown: true,
            ..Self::from(&Error::internal(format!(
                "an answer did not become a JavaScript value ({status})"
            )))
        }
    }

    /// The panic's own message stays out: it could quote what it choked on.
    pub(crate) fn panicked() -> Self {
        Self {
            outcome_unknown: true,
            ..Self::from(&Error::internal(
                "a panic was caught; standard error says where",
            ))
        }
    }
}

/// What is answered at once, with a panic in making it as a failure: one must not unwind into
/// JavaScript.
pub(crate) fn caught<T>(make: impl FnOnce() -> Result<T, Error>) -> Either<T, Failure> {
    match catch_unwind(AssertUnwindSafe(make)) {
        Ok(Ok(made)) => Either::A(made),
        Ok(Err(error)) => Either::B(Failure::from(&error)),
        Err(_panic) => Either::B(Failure::panicked()),
    }
}

/// From now on a panic in this library says where it was and nothing else: its message could hold
/// a secret. The process's own hook is another one, for the standard library is linked in here.
pub(crate) fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map_or_else(String::new, Location::to_string);
            eprintln!("parallel-account: a bug at {place}; please report it");
        }));
    });
}

/// Panics with `message` at once.
#[cfg(debug_assertions)]
#[napi]
pub fn panic_for_tests(message: String) -> Either<(), Failure> {
    caught(|| panic!("{message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure<T>(made: Either<T, Failure>) -> Failure {
        match made {
            Either::A(_) => panic!("it must fail"),
            Either::B(failure) => failure,
        }
    }

    #[test]
    fn causes_are_told_from_the_outside_in() {
        let innermost = std::io::Error::other("the disk is full");
        let source = Error::store("The cell failed.", Some(Box::new(innermost)));
        let error = Error::store("The store failed.", Some(Box::new(source)));
        let failure = failure(caught(|| Err::<(), _>(error)));
        assert_eq!(failure.code, "store");
        assert_eq!(failure.causes[0], "The cell failed.");
        assert_eq!(
            failure.causes.last().map(String::as_str),
            Some("the disk is full")
        );
        assert!(!failure.outcome_unknown);
    }

    #[test]
    fn a_panic_shows_nothing_of_its_message() {
        keep_panics_quiet();
        let failure = failure(caught::<()>(|| panic!("canary-secret")));
        assert_eq!(failure.code, "internal");
        assert!(failure.outcome_unknown);
        assert!(!failure.message.contains("canary"));
    }
}
