//! The core's models as plain objects. Each is taken apart field by field, so that a new field in
//! the core does not compile until it is here. Times are milliseconds since 1970, durations
//! milliseconds; secrets are bare strings that `ts/models.ts` wraps at once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use napi_derive::napi;
use parallel_account as core;

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// `ts/options.ts` lets no number through that is negative or not finite.
pub(crate) fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX)
}

pub(crate) fn timestamp(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => milliseconds(after).floor(),
        Err(before) => -milliseconds(before.duration()).ceil(),
    }
}

/// See `Balance` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct Balance {
    pub org_id: String,
    pub credit_balance_cents: f64,
    pub pending_debit_balance_cents: f64,
    pub will_invoice: bool,
}

impl From<core::Balance> for Balance {
    fn from(balance: core::Balance) -> Self {
        let core::Balance {
            org_id,
            credit_balance_cents,
            pending_debit_balance_cents,
            will_invoice,
        } = balance;
        Self {
            org_id,
            credit_balance_cents,
            pending_debit_balance_cents,
            will_invoice,
        }
    }
}

/// See `App` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct App {
    pub app_id: String,
    pub app_name: String,
    pub org_id: Option<String>,
    pub org_name: Option<String>,
}

impl From<core::App> for App {
    fn from(app: core::App) -> Self {
        let core::App {
            app_id,
            app_name,
            org_id,
            org_name,
        } = app;
        Self {
            app_id,
            app_name,
            org_id,
            org_name,
        }
    }
}

/// See `ApiKey` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct ApiKey {
    pub api_key_id: String,
    pub api_key_name: String,
    pub app_id: String,
    pub app_name: Option<String>,
    pub created_by_user_id: Option<String>,
    pub created_by_user_email: Option<String>,
    pub display_value: Option<String>,
    pub raw_api_key: Option<String>,
    pub created_at: Option<f64>,
}

impl From<core::ApiKey> for ApiKey {
    fn from(key: core::ApiKey) -> Self {
        let core::ApiKey {
            api_key_id,
            api_key_name,
            app_id,
            app_name,
            created_by_user_id,
            created_by_user_email,
            display_value,
            raw_api_key,
            created_at,
        } = key;
        Self {
            api_key_id,
            api_key_name,
            app_id,
            app_name,
            created_by_user_id,
            created_by_user_email,
            display_value,
            raw_api_key: raw_api_key.map(|secret| secret.expose().to_owned()),
            created_at: created_at.map(timestamp),
        }
    }
}

/// See `Organization` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct Organization {
    pub id: String,
    pub name: Option<String>,
    pub selected: bool,
    pub logged_in: bool,
}

impl From<core::Organization> for Organization {
    fn from(organization: core::Organization) -> Self {
        let core::Organization {
            id,
            name,
            selected,
            logged_in,
        } = organization;
        Self {
            id,
            name,
            selected,
            logged_in,
        }
    }
}

/// See `Status` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct LoginStatus {
    pub logged_in: bool,
    pub organization: Option<Organization>,
    pub scopes: Vec<String>,
    pub access_token_expires_at: Option<f64>,
    pub refresh_token_expires_at: Option<f64>,
    pub authorization_expires_at: Option<f64>,
    pub client_id: Option<String>,
    pub store: String,
    pub problem: Option<String>,
}

impl From<core::Status> for LoginStatus {
    fn from(status: core::Status) -> Self {
        let core::Status {
            logged_in,
            organization,
            scopes,
            access_token_expires_at,
            refresh_token_expires_at,
            authorization_expires_at,
            client_id,
            store,
            problem,
        } = status;
        Self {
            logged_in,
            organization: organization.map(Organization::from),
            scopes,
            access_token_expires_at: access_token_expires_at.map(timestamp),
            refresh_token_expires_at: refresh_token_expires_at.map(timestamp),
            authorization_expires_at: authorization_expires_at.map(timestamp),
            client_id,
            store,
            problem,
        }
    }
}

/// See `DeviceCode` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct DeviceCode {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: Option<String>,
    pub expires_in: f64,
    pub interval: f64,
}

impl From<core::DeviceCode> for DeviceCode {
    fn from(code: core::DeviceCode) -> Self {
        let core::DeviceCode {
            device_code,
            user_code,
            verification_uri,
            verification_uri_complete,
            expires_in,
            interval,
        } = code;
        Self {
            device_code: device_code.expose().to_owned(),
            user_code,
            verification_uri,
            verification_uri_complete,
            expires_in: milliseconds(expires_in),
            interval: milliseconds(interval),
        }
    }
}

/// See `Tokens` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub token_type: String,
    pub expires_in: Option<f64>,
    pub scopes: Option<Vec<String>>,
    pub org_id: Option<String>,
    pub org_name: Option<String>,
    pub refresh_token_expires_in: Option<f64>,
    pub authorization_expires_in: Option<f64>,
}

impl From<core::Tokens> for Tokens {
    fn from(tokens: core::Tokens) -> Self {
        let core::Tokens {
            access_token,
            refresh_token,
            token_type,
            expires_in,
            scopes,
            org_id,
            org_name,
            refresh_token_expires_in,
            authorization_expires_in,
        } = tokens;
        Self {
            access_token: access_token.expose().to_owned(),
            refresh_token: refresh_token.map(|secret| secret.expose().to_owned()),
            token_type,
            expires_in: expires_in.map(milliseconds),
            scopes,
            org_id,
            org_name,
            refresh_token_expires_in: refresh_token_expires_in.map(milliseconds),
            authorization_expires_in: authorization_expires_in.map(milliseconds),
        }
    }
}

/// See `PollAnswer` in `ts/models.ts`.
#[napi(object, object_from_js = false)]
pub struct PollAnswer {
    /// `pending`, `slow_down` or `tokens`.
    #[napi(ts_type = "'pending' | 'slow_down' | 'tokens'")]
    pub state: &'static str,
    pub tokens: Option<Tokens>,
}

impl From<core::PollAnswer> for PollAnswer {
    fn from(answer: core::PollAnswer) -> Self {
        let (state, tokens) = match answer {
            core::PollAnswer::Pending => ("pending", None),
            core::PollAnswer::SlowDown => ("slow_down", None),
            core::PollAnswer::Tokens(tokens) => ("tokens", Some(Tokens::from(tokens))),
        };
        Self { state, tokens }
    }
}

/// The answer of `request()`: its JSON as text, which V8 parses faster than objects can be built.
#[napi(object, object_from_js = false)]
pub struct ApiResponse {
    pub status: u16,
    pub request_id: Option<String>,
    pub json: String,
}

impl From<core::ApiResponse> for ApiResponse {
    fn from(response: core::ApiResponse) -> Self {
        let core::ApiResponse {
            status,
            request_id,
            headers: _,
            json,
        } = response;
        Self {
            status,
            request_id,
            json: json.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_milliseconds_on_both_sides_of_1970() {
        let at = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
        assert_eq!(timestamp(at(1_999_999)), 1.0);
        assert_eq!(timestamp(UNIX_EPOCH - Duration::from_nanos(1)), -1.0);
        assert_eq!(milliseconds(duration(1500.0)), 1500.0);
        assert_eq!(duration(f64::MAX), Duration::MAX);
    }
}
