//! Errors in the command's own words, and the exit code of each.

use parallel_account::{Error, ErrorKind, prompt::clean};
use serde_json::{Map, Value, json};
use std::fmt::Display;

pub(crate) const BAD_INPUT: u8 = 2;
pub(crate) const REFUSED: u8 = 3;
pub(crate) const FAILED: u8 = 4;
pub(crate) const TIMED_OUT: u8 = 5;
pub(crate) const INTERRUPTED: u8 = 130;

/// The longest message that is shown, in characters.
const LONGEST: usize = 2000;

/// Why the command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) outcome_unknown: bool,
    pub(crate) retryable: bool,
    details: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(exit: u8, code: &'static str, message: impl Into<String>) -> Self {
        Failure {
            exit,
            code,
            message: clean(&message.into(), LONGEST),
            outcome_unknown: false,
            retryable: false,
            details: Map::new(),
        }
    }

    pub(crate) fn bad_input(message: impl Into<String>) -> Self {
        Failure::new(BAD_INPUT, "invalid_request", message)
    }

    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Failure {
            retryable: true,
            ..Failure::new(TIMED_OUT, "timeout", message)
        }
    }

    pub(crate) fn invalid_response(message: impl Into<String>) -> Self {
        Failure::new(FAILED, "invalid_response", message)
    }

    /// `code` as after a signal: 128 and its number.
    pub(crate) fn interrupted(exit: u8) -> Self {
        Failure::new(exit, "cancelled", "Interrupted.")
    }

    pub(crate) fn advised(mut self, advice: &str) -> Self {
        self.message = clean(&format!("{} {advice}", self.message), LONGEST);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    /// The value of `error` in what is printed with `--json`.
    pub(crate) fn json(&self) -> Value {
        let mut object = json!({
            "code": self.code,
            "message": self.message,
            "outcome_unknown": self.outcome_unknown,
            "retryable": self.retryable,
        });
        if let Value::Object(fields) = &mut object {
            fields.extend(self.details.clone());
        }
        object
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = exit_code(error.kind());
        let mut failure = Failure::new(exit, error.code(), in_our_words(&error));
        failure.outcome_unknown = error.outcome_unknown();
        failure.retryable = error.retryable();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                failure.details.insert(name.into(), value);
            }
        };
        put("status", error.status().map(Value::from));
        put("request_id", error.request_id().map(Value::from));
        let after = error.retry_after().map(|after| after.as_secs_f64());
        put("retry_after", after.map(Value::from));
        put("idempotency_key", error.idempotency_key().map(Value::from));
        put("oauth_error", error.oauth_error().map(Value::from));
        put("description", error.description().map(Value::from));
        let fields: Vec<Value> = error
            .fields()
            .iter()
            .map(|field| {
                json!({
                    "location": field.location,
                    "message": field.message,
                    "type": field.error_type,
                })
            })
            .collect();
        put(
            "fields",
            (!fields.is_empty()).then_some(Value::Array(fields)),
        );
        failure
    }
}

fn exit_code(kind: ErrorKind) -> u8 {
    use ErrorKind::*;
    match kind {
        InvalidRequest | Config => BAD_INPUT,
        LoginRequired | AccessDenied | LoginExpired | OAuth | Unauthorized | PermissionDenied => {
            REFUSED
        }
        Timeout => TIMED_OUT,
        Cancelled => INTERRUPTED,
        _ => FAILED,
    }
}

/// The library names its own options at the start of a message; here they have other names.
const OPTIONS: [(&str, &str); 11] = [
    ("amount_cents ", "AMOUNT "),
    ("key_id ", "KEY_ID "),
    ("app_id ", "APP_ID "),
    ("client_name ", "--client-name "),
    ("deadline ", "--timeout "),
    ("idempotency_key ", "--idempotency-key "),
    ("org ", "--org "),
    ("path: ", "PATH: "),
    ("path ", "PATH "),
    ("store must be given", "--store must be given"),
    ("Store: ", "--store: "),
];

/// Advice within a message that names what only the library has.
const ADVICE: [(&str, &str); 8] = [
    (", or raise lock_timeout.", "."),
    ("by ca_bundle or SSL_CERT_FILE", "by SSL_CERT_FILE"),
    ("by the deadline option", "by --timeout"),
    ("by the timeout option", "by --timeout"),
    ("or name one by the org option", "or name one by --org"),
    (
        "Give each user's client a store of its own.",
        "Give each user a file of their own.",
    ),
    ("pass the idempotency key ", "pass --idempotency-key "),
    (
        "List the apps to see theirs.",
        "Run \"parallel-account apps list\" to see them.",
    ),
];

fn in_our_words(error: &Error) -> String {
    let mut message = error.message().to_owned();
    for (theirs, ours) in OPTIONS {
        if let Some(rest) = message.strip_prefix(theirs) {
            message = format!("{ours}{rest}");
            break;
        }
    }
    for (theirs, ours) in ADVICE {
        message = message.replace(theirs, ours);
    }
    let advice = match error.kind() {
        ErrorKind::LoginRequired if message.contains("elect ") => {
            Some("Run \"parallel-account orgs use ID\".")
        }
        ErrorKind::LoginRequired
        | ErrorKind::AccessDenied
        | ErrorKind::LoginExpired
        | ErrorKind::Unauthorized
        | ErrorKind::PermissionDenied
        | ErrorKind::StoreCorrupt => Some("Run \"parallel-account login\"."),
        _ => None,
    };
    match advice {
        Some(advice) => with_advice(&message, advice),
        None => capitalized(message),
    }
}

/// `Log in first.` at the end says the same as the advice that follows.
fn with_advice(message: &str, advice: &str) -> String {
    let trimmed = [
        " Log in first.",
        " Log in there first.",
        " Log in again.",
        " Start a new login.",
        " Start a new login if that was a mistake.",
    ]
    .iter()
    .find_map(|end| message.strip_suffix(end))
    .unwrap_or(message);
    format!("{} {advice}", capitalized(trimmed.to_owned()))
}

/// A message may begin with the name of a file or a host, which stays as it is.
fn capitalized(message: String) -> String {
    let first = message.split(' ').next().unwrap_or_default();
    let word = first.trim_end_matches([',', ':']);
    if !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return message;
    }
    let mut rest = message.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest).collect(),
        None => message,
    }
}

/// For what the system refused: a file, a stream.
pub(crate) fn io_failure(what: impl Display, error: &std::io::Error) -> Failure {
    Failure::new(FAILED, "io", format!("{what}: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_exit_code_that_the_help_names() {
        let codes: Vec<(u8, &str)> = ErrorKind::ALL
            .iter()
            .map(|&kind| (exit_code(kind), kind.code()))
            .collect();
        let of = |exit| {
            codes
                .iter()
                .filter(|(code, _)| *code == exit)
                .map(|(_, name)| *name)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(BAD_INPUT), ["invalid_request", "config"]);
        assert_eq!(
            of(REFUSED),
            [
                "login_required",
                "access_denied",
                "login_expired",
                "oauth",
                "unauthorized",
                "permission_denied"
            ]
        );
        assert_eq!(of(TIMED_OUT), ["timeout"]);
        assert_eq!(of(INTERRUPTED), ["cancelled"]);
    }

    #[test]
    fn names_keep_their_case() {
        for name in [
            "own.json: it is",
            "localhost:9 could",
            "./a: it is",
            "api.x.ai could",
        ] {
            assert_eq!(capitalized(name.to_owned()), name);
        }
        assert_eq!(capitalized("the path ends".to_owned()), "The path ends");
    }

    #[test]
    fn no_option_that_only_the_library_has_is_named() {
        let error = Error::store("Check for a hung process, or raise lock_timeout.", None);
        assert_eq!(in_our_words(&error), "Check for a hung process.");
    }

    #[test]
    fn advice_is_given_once() {
        assert_eq!(
            with_advice("Nobody is logged in. Log in first.", "Run it."),
            "Nobody is logged in. Run it."
        );
        assert_eq!(
            with_advice("why: it has ended.", "Run it."),
            "Why: it has ended. Run it."
        );
    }
}
