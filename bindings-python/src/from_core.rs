//! The models of what the core answers; each names every field of the core's type, so that a new
//! one cannot be forgotten here.

use std::sync::Arc;
use std::time::Duration;

use parallel_account as core;
use pyo3::prelude::*;

use crate::errors;
use crate::field::{Exception, Hidden};
use crate::models::{
    ApiKey, App, Balance, DeviceCode, LoginEvent, Organization, PollAnswer, Qr, RefreshEvent,
    RequestEvent, ResponseEvent, RetryEvent, Status, StoreEvent, Tokens,
};
use crate::scopes::Scopes;

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn exception(py: Python<'_>, error: &core::Error) -> Exception {
    Exception(Arc::new(errors::value(py, error)))
}

macro_rules! from_core {
    ($name:ident { $( $field:ident $( => $change:expr )? ),* $(,)? }) => {
        impl From<core::$name> for $name {
            fn from(core::$name { $( $field ),* }: core::$name) -> Self {
                Self {
                $( $field: from_core!(@ $field $( $change )?), )*
                request_id: None,
            }
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
    raw_api_key => optional(Hidden::Known),
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
    scopes => Scopes,
    access_token_expires_at,
    refresh_token_expires_at,
    authorization_expires_at,
    client_id,
    store,
    problem,
});
impl From<core::Qr> for Qr {
    fn from(core::Qr { text, svg }: core::Qr) -> Self {
        Self { text, svg }
    }
}
from_core!(DeviceCode {
    device_code => Hidden::Known,
    user_code,
    verification_uri,
    verification_uri_complete,
    expires_in => seconds,
    interval => seconds,
});
from_core!(Tokens {
    access_token => Hidden::Known,
    refresh_token => optional(Hidden::Known),
    token_type,
    expires_in => optional(seconds),
    scopes => optional(Scopes),
    org_id,
    org_name,
    refresh_token_expires_in => optional(seconds),
    authorization_expires_in => optional(seconds),
});

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
            request_id: None,
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
            request_id: None,
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
                error: Some(exception(py, &error)),
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

impl From<&core::RequestInfo> for RequestEvent {
    fn from(request: &core::RequestInfo) -> Self {
        let core::RequestInfo {
            id,
            method,
            url,
            attempt,
        } = request.clone();
        Self {
            id,
            method,
            url,
            attempt,
        }
    }
}

impl ResponseEvent {
    pub(crate) fn answered(
        request: &core::RequestInfo,
        status: u16,
        request_id: Option<String>,
        duration: Duration,
    ) -> Self {
        Self {
            request: request.into(),
            status: Some(status),
            request_id,
            duration: seconds(duration),
            error: None,
        }
    }

    pub(crate) fn failed(
        py: Python<'_>,
        request: &core::RequestInfo,
        error: &core::Error,
        duration: Duration,
    ) -> Self {
        Self {
            request: request.into(),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            duration: seconds(duration),
            error: Some(exception(py, error)),
        }
    }
}

impl RetryEvent {
    pub(crate) fn new(request: &core::RequestInfo, after: Duration) -> Self {
        Self {
            request: request.into(),
            retry_in: seconds(after),
        }
    }
}

impl RefreshEvent {
    pub(crate) fn new(organization: &str, outcome: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            outcome: outcome.to_owned(),
            error: None,
        }
    }

    pub(crate) fn failed(py: Python<'_>, organization: &str, error: &core::Error) -> Self {
        Self {
            error: Some(exception(py, error)),
            ..Self::new(organization, "failed")
        }
    }
}

impl StoreEvent {
    pub(crate) fn slow(location: &str, duration: Duration) -> Self {
        Self {
            location: location.to_owned(),
            duration: Some(seconds(duration)),
            error: None,
        }
    }

    pub(crate) fn failed(py: Python<'_>, location: &str, error: &core::Error) -> Self {
        Self {
            location: location.to_owned(),
            duration: None,
            error: Some(exception(py, error)),
        }
    }
}
