//! The values that calls answer with: frozen, comparable, hashable, and shy about secrets.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parallel_account as core;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::errors;
use crate::field::{Exception, Field, Hidden, flat, model, plain_field, shown};

// Models within models.
plain_field!(Organization, Status, Tokens);

model! {
    /// An organisation's balance (Account API, get balance). Amounts are US cents and may be
    /// fractional; both are 0 when the organisation is invoiced.
    Balance {
        /// The organisation's id.
        org_id: String,
        /// What is left to spend, in US cents.
        credit_balance_cents: f64,
        /// What is spent but not yet debited, in US cents.
        pending_debit_balance_cents: f64 = 0.0,
        /// Whether the organisation pays by invoice instead of in advance.
        will_invoice: bool = false,
    }
}

model! {
    /// An app: what API keys belong to (Account API, list apps).
    App {
        /// The app's id, a UUID.
        app_id: String,
        /// The name given when it was made.
        app_name: String,
        /// The id of the organisation that owns it.
        org_id: Option<String> = None,
        /// The name of that organisation.
        org_name: Option<String> = None,
    }
}

model! {
    /// A data-API key just created (Account API, create key). `repr`, `pickle` and `to_dict()`
    /// leave `raw_api_key` out.
    ApiKey {
        /// The key's id; not the key.
        api_key_id: String,
        /// The name given when it was made.
        api_key_name: String,
        /// The id of the app that it belongs to, a UUID.
        app_id: String,
        /// The name of that app.
        app_name: Option<String> = None,
        /// Who made it.
        created_by_user_id: Option<String> = None,
        /// Who made it.
        created_by_user_email: Option<String> = None,
        /// The masked form that Parallel shows.
        display_value: Option<String> = None,
        /// The key itself, answered this once only. A secret.
        raw_api_key: Option<Hidden> = None,
        /// When it was made, in UTC.
        created_at: Option<SystemTime> = None,
    }
}

model! {
    /// An organisation that this client's store knows.
    Organization {
        /// Its id.
        id: String,
        /// Its name.
        name: Option<String> = None,
        /// Whether calls go to this one.
        selected: bool = false,
        /// Whether there is a usable login for it.
        logged_in: bool = false,
    }
}

model! {
    /// What is known about the login without asking the network.
    Status {
        /// Whether calls can be made without a new login.
        logged_in: bool,
        /// The organisation that calls go to.
        organization: Option<Organization> = None,
        /// What the login may do, such as `balance:read`.
        scopes: Vec<String> = Vec::new(),
        /// When the access token ends, in UTC; it is refreshed before.
        access_token_expires_at: Option<SystemTime> = None,
        /// When the refresh token ends, in UTC.
        refresh_token_expires_at: Option<SystemTime> = None,
        /// When the grant itself ends and a new login is needed, in UTC.
        authorization_expires_at: Option<SystemTime> = None,
        /// The id under which this installation is registered.
        client_id: Option<String> = None,
        /// Where the credentials are kept.
        store: String = String::new(),
        /// Why nobody is logged in, where that is known.
        problem: Option<String> = None,
    }
}

model! {
    /// What one poll of a login brought. `kind` is `"pending"`, `"slow_down"`, `"offline"` or
    /// `"authorized"`.
    LoginEvent {
        /// `"pending"`, `"slow_down"`, `"offline"` or `"authorized"`.
        kind: String,
        /// Seconds until the next poll; None once authorized.
        retry_in: Option<f64> = None,
        /// The new interval in seconds, with `slow_down` (RFC 8628 §3.5).
        interval: Option<f64> = None,
        /// Why the service could not be asked, with `offline`.
        error: Option<Exception> = None,
        /// Who is logged in now, with `authorized`.
        status: Option<Status> = None,
    }
}

model! {
    /// A verification URI as a QR code.
    Qr {
        /// For a terminal: block characters, lines ending in a newline.
        text: String,
        /// A complete SVG document.
        svg: String,
    }
}

model! {
    /// A device code (RFC 8628 §3.2).
    DeviceCode {
        /// What polling sends. A secret.
        device_code: Hidden,
        /// What the user types.
        user_code: String,
        /// Where the user types it.
        verification_uri: String,
        /// The same with the code in it.
        verification_uri_complete: Option<String> = None,
        /// Seconds that the code lives.
        expires_in: f64,
        /// Seconds between polls.
        interval: f64,
    }
}

model! {
    /// Tokens, as the token endpoint answers (RFC 6749 §5.1).
    Tokens {
        /// For the `Authorization` header. A secret.
        access_token: Hidden,
        /// For the next refresh; None means that the old one stays valid. A secret.
        refresh_token: Option<Hidden> = None,
        /// `Bearer`.
        token_type: String,
        /// Seconds that the access token lives.
        expires_in: Option<f64> = None,
        /// What was granted; None means what was asked for.
        scopes: Option<Vec<String>> = None,
        /// The organisation.
        org_id: Option<String> = None,
        /// Its name.
        org_name: Option<String> = None,
        /// Seconds that the refresh token lives.
        refresh_token_expires_in: Option<f64> = None,
        /// Seconds until the grant ends.
        authorization_expires_in: Option<f64> = None,
    }
}

model! {
    /// What one poll of the token endpoint brought. `kind` is `"pending"`, `"slow_down"` or
    /// `"tokens"`; a refusal is raised.
    PollAnswer {
        /// `"pending"`, `"slow_down"` or `"tokens"`.
        kind: String,
        /// What was granted, with `tokens`.
        tokens: Option<Tokens> = None,
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Each names every field of the core's type, so that a new one cannot be forgotten here.
mod from_core {
    use super::*;

    macro_rules! from_core {
        ($name:ident { $( $field:ident $( => $change:expr )? ),* $(,)? }) => {
            impl From<core::$name> for $name {
                fn from(core::$name { $( $field ),* }: core::$name) -> Self {
                    Self { $( $field: from_core!(@ $field $( $change )?) ),* }
                }
            }
        };
        (@ $field:ident) => { $field };
        (@ $field:ident $change:expr) => { $change($field) };
    }

    fn optional<T, U>(change: fn(T) -> U) -> impl FnOnce(Option<T>) -> Option<U> {
        move |value| value.map(change)
    }

    from_core!(Balance {
        org_id,
        credit_balance_cents,
        pending_debit_balance_cents,
        will_invoice,
    });
    from_core!(App {
        app_id,
        app_name,
        org_id,
        org_name
    });
    from_core!(ApiKey {
        api_key_id,
        api_key_name,
        app_id,
        app_name,
        created_by_user_id,
        created_by_user_email,
        display_value,
        raw_api_key => optional(Hidden),
        created_at,
    });
    from_core!(Organization {
        id,
        name,
        selected,
        logged_in
    });
    from_core!(Status {
        logged_in,
        organization => optional(Organization::from),
        scopes,
        access_token_expires_at,
        refresh_token_expires_at,
        authorization_expires_at,
        client_id,
        store,
        problem,
    });
    from_core!(Qr { text, svg });
    from_core!(DeviceCode {
        device_code => Hidden,
        user_code,
        verification_uri,
        verification_uri_complete,
        expires_in => seconds,
        interval => seconds,
    });
    from_core!(Tokens {
        access_token => Hidden,
        refresh_token => optional(Hidden),
        token_type,
        expires_in => optional(seconds),
        scopes,
        org_id,
        org_name,
        refresh_token_expires_in => optional(seconds),
        authorization_expires_in => optional(seconds),
    });
}

impl From<core::PollAnswer> for PollAnswer {
    fn from(answer: core::PollAnswer) -> Self {
        let (kind, tokens) = match answer {
            core::PollAnswer::Pending => ("pending", None),
            core::PollAnswer::SlowDown => ("slow_down", None),
            core::PollAnswer::Tokens(tokens) => ("tokens", Some(tokens.into())),
        };
        Self {
            kind: kind.to_owned(),
            tokens,
        }
    }
}

impl LoginEvent {
    /// With the GIL, since an `offline` event carries an exception.
    pub(crate) fn new(py: Python<'_>, event: core::LoginEvent) -> Self {
        let blank = |kind: &str| Self {
            kind: kind.to_owned(),
            retry_in: None,
            interval: None,
            error: None,
            status: None,
        };
        match event {
            core::LoginEvent::Pending { retry_in } => Self {
                retry_in: Some(seconds(retry_in)),
                ..blank("pending")
            },
            core::LoginEvent::SlowDown { interval, retry_in } => Self {
                interval: Some(seconds(interval)),
                retry_in: Some(seconds(retry_in)),
                ..blank("slow_down")
            },
            core::LoginEvent::Offline { error, retry_in } => Self {
                error: Some(Exception(Arc::new(errors::value(py, &error)))),
                retry_in: Some(seconds(retry_in)),
                ..blank("offline")
            },
            core::LoginEvent::Authorized(status) => Self {
                status: Some(status.into()),
                ..blank("authorized")
            },
        }
    }
}
