//! The one error type: what happened, and what the caller can do about it.

use std::{error, fmt, io, sync::Arc, time::Duration};

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Declares the kinds, each with its code, once.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident = $code:literal,)+) => {
        /// What went wrong, by what the caller can do about it. [`ErrorKind::code`] is stable
        /// across releases and the same in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: [ErrorKind; [$($code),+].len()] = [$(ErrorKind::$kind),+];

            /// The stable name, such as `login_required`.
            pub fn code(self) -> &'static str {
                match self {
                    $(ErrorKind::$kind => $code,)+
                }
            }
        }
    };
}

kinds! {
    /// Never logged in, the grant has expired, or the refresh was refused: log in.
    LoginRequired = "login_required",
    /// The user said no (RFC 8628 §3.5).
    AccessDenied = "access_denied",
    /// The device code died before anyone approved it (RFC 8628 §3.5).
    LoginExpired = "login_expired",
    /// Any other OAuth refusal (RFC 6749 §5.2).
    OAuth = "oauth",
    /// 401 by the Account API, even with a fresh token.
    Unauthorized = "unauthorized",
    /// 402: the card was declined.
    PaymentRequired = "payment_required",
    /// 403: the token's scopes or the user's role do not allow this.
    PermissionDenied = "permission_denied",
    /// 404.
    NotFound = "not_found",
    /// 409.
    Conflict = "conflict",
    /// 422 and other 4xx, or an argument that was refused before anything was sent.
    InvalidRequest = "invalid_request",
    /// 429.
    RateLimited = "rate_limited",
    /// 5xx.
    Server = "server",
    /// No answer: the connection failed or broke.
    Connection = "connection",
    /// No answer: no trusted connection could be made.
    Tls = "tls",
    /// No answer in time.
    Timeout = "timeout",
    /// A malformed response.
    InvalidResponse = "invalid_response",
    /// Credentials could not be read or written.
    Store = "store",
    /// The stored credentials are damaged.
    StoreCorrupt = "store_corrupt",
    /// A bad option or an insecure URL.
    Config = "config",
    /// The caller stopped it.
    Cancelled = "cancelled",
    /// A bug in this library.
    Internal = "internal",
}

/// One field that the Account API refused (422).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct FieldError {
    /// Where, such as `body.amount_cents`.
    pub location: String,
    /// What is wrong with it.
    pub message: String,
    /// The service's own name for the problem, such as `greater_than`.
    pub error_type: String,
}

/// What went wrong. Cheap to clone; never holds a secret.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    outcome_unknown: bool,
    /// Of a store: the same call may succeed later.
    passing: bool,
    oauth_error: Option<String>,
    description: Option<String>,
    fields: Vec<FieldError>,
    idempotency_key: Option<String>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Inner {
            kind,
            message: message.into(),
            status: None,
            request_id: None,
            retry_after: None,
            outcome_unknown: false,
            passing: false,
            oauth_error: None,
            description: None,
            fields: Vec::new(),
            idempotency_key: None,
            source: None,
        }))
    }

    /// For a [`CredentialStore`](crate::CredentialStore) of your own: it was made with something
    /// that it cannot use.
    pub fn config(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Config, message)
    }

    /// For a [`CredentialStore`](crate::CredentialStore) of your own: it could not do its work.
    pub fn store(
        message: impl Into<String>,
        source: Option<Box<dyn error::Error + Send + Sync>>,
    ) -> Self {
        let mut error = Error::new(ErrorKind::Store, message);
        error.inner().source = source.map(Arc::from);
        error
    }

    /// The same for what passes by itself, such as a device that is locked: the error is
    /// [`retryable`](Error::retryable).
    pub fn store_unavailable(
        message: impl Into<String>,
        source: Option<Box<dyn error::Error + Send + Sync>>,
    ) -> Self {
        let mut error = Error::store(message, source);
        error.inner().passing = true;
        error
    }

    /// For bindings: a bug was caught at the border.
    #[doc(hidden)]
    pub fn internal(what: impl fmt::Display) -> Self {
        Error::new(
            ErrorKind::Internal,
            format!(
                "This is a bug in parallel-account ({what}). Please report it, with the version and what you called."
            ),
        )
    }

    /// For bindings too: the system gave no thread or no file descriptor for `what`.
    #[doc(hidden)]
    pub fn no_resources(what: &str, source: io::Error) -> Self {
        Error::new(
            ErrorKind::Connection,
            format!(
                "{what} could not be started ({source}). Close clients and files that are no longer used, or raise the limits on open files and threads (ulimit -n, ulimit -u)."
            ),
        )
        .with_source(source)
    }

    pub(crate) fn login_required(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::LoginRequired, message)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidRequest, message)
    }

    pub(crate) fn invalid_response(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidResponse, message)
    }

    pub(crate) fn cancelled() -> Self {
        Error::new(ErrorKind::Cancelled, "The call was cancelled.")
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.inner().status = Some(status);
        self
    }

    pub(crate) fn with_request_id(mut self, id: Option<String>) -> Self {
        if id.is_some() {
            self.inner().request_id = id;
        }
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.inner().retry_after = after;
        self
    }

    pub(crate) fn with_outcome_unknown(mut self, unknown: bool) -> Self {
        self.inner().outcome_unknown = unknown;
        self
    }

    pub(crate) fn with_oauth(mut self, error: String, description: Option<String>) -> Self {
        let inner = self.inner();
        inner.oauth_error = Some(error);
        inner.description = description;
        self
    }

    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.inner().fields = fields;
        self
    }

    pub(crate) fn with_idempotency_key(mut self, key: &str) -> Self {
        self.inner().idempotency_key = Some(key.to_owned());
        self
    }

    pub(crate) fn with_source(mut self, source: impl error::Error + Send + Sync + 'static) -> Self {
        self.inner().source = Some(Arc::new(source));
        self
    }

    /// Says before the message what it is about, or what it means.
    pub(crate) fn with_context(mut self, context: impl fmt::Display) -> Self {
        let inner = self.inner();
        inner.message = format!("{context} {}", inner.message);
        self
    }

    /// What went wrong, by what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable name of [`Error::kind`].
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What happened and what to do, for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status, where an answer came.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's ID of the request, to quote to Parallel's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service asked to wait (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the server may have acted although no success was answered; a refusal of a later
    /// attempt does not settle that. Check before you retry.
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// Whether the same call may well succeed later, and repeating it cannot do a thing twice.
    pub fn retryable(&self) -> bool {
        let passes = self.0.passing
            || matches!(
                self.0.kind,
                ErrorKind::RateLimited
                    | ErrorKind::Server
                    | ErrorKind::Connection
                    | ErrorKind::Timeout
            );
        passes && !self.0.outcome_unknown
    }

    /// The OAuth error code (RFC 6749 §5.2), such as `invalid_scope`.
    pub fn oauth_error(&self) -> Option<&str> {
        self.0.oauth_error.as_deref()
    }

    /// The server's `error_description`.
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The key of a charge, given or generated: retry the charge with it, and it is made once.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.0.idempotency_key.as_deref()
    }

    /// The fields that a 422 complains about.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("code", &inner.kind.code())
            .field("message", &inner.message);
        if let Some(status) = inner.status {
            out.field("status", &status);
        }
        if let Some(id) = &inner.request_id {
            out.field("request_id", id);
        }
        if inner.outcome_unknown {
            out.field("outcome_unknown", &true);
        }
        if let Some(source) = &inner.source {
            out.field("source", &source.to_string());
        }
        out.finish()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn stores_that_are_away_for_a_while_are_retryable() {
        let error = super::Error::store_unavailable("The device is locked.", None);
        assert!(error.retryable() && error.code() == "store");
        assert!(!super::Error::store("It is damaged.", None).retryable());
    }
}
