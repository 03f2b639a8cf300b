//! The core's values as UniFFI records. Each is destructured fully, so that a new field of the
//! core breaks the build here until Swift has it.

use std::time::{Duration, SystemTime};

use parallel_account as core;

/// Seconds since 1970; what `Date` is made of.
fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

pub(crate) fn instant(time: SystemTime) -> f64 {
    seconds(time)
}

fn optional_instant(time: Option<SystemTime>) -> Option<f64> {
    time.map(seconds)
}

fn optional_seconds(duration: Option<Duration>) -> Option<f64> {
    duration.map(|duration| duration.as_secs_f64())
}

/// See `core::Status`. Times are seconds since 1970.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FfiStatus {
    /// Whether calls can be made.
    pub logged_in: bool,
    /// The organization that calls act for.
    pub organization: Option<FfiOrganization>,
    /// What the login allows.
    pub scopes: Vec<String>,
    /// End of the access token.
    pub access_token_expires_at: Option<f64>,
    /// End of the refresh token.
    pub refresh_token_expires_at: Option<f64>,
    /// End of the grant.
    pub authorization_expires_at: Option<f64>,
    /// This installation's registration.
    pub client_id: Option<String>,
    /// Where the login is kept.
    pub store: String,
    /// Why calls cannot be made although there is a login.
    pub problem: Option<String>,
}

impl From<core::Status> for FfiStatus {
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
        FfiStatus {
            logged_in,
            organization: organization.map(Into::into),
            scopes,
            access_token_expires_at: optional_instant(access_token_expires_at),
            refresh_token_expires_at: optional_instant(refresh_token_expires_at),
            authorization_expires_at: optional_instant(authorization_expires_at),
            client_id,
            store,
            problem,
        }
    }
}

/// See `core::Organization`.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FfiOrganization {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether calls act for it.
    pub selected: bool,
    /// Whether there is a login for it.
    pub logged_in: bool,
}

impl From<core::Organization> for FfiOrganization {
    fn from(organization: core::Organization) -> Self {
        let core::Organization {
            id,
            name,
            selected,
            logged_in,
        } = organization;
        FfiOrganization {
            id,
            name,
            selected,
            logged_in,
        }
    }
}

/// See `core::Balance`. Amounts are cents and may be fractional.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FfiBalance {
    /// The organization.
    pub org_id: String,
    /// Credit.
    pub credit_balance_cents: f64,
    /// Debits to come.
    pub pending_debit_balance_cents: f64,
    /// Whether an invoice comes instead.
    pub will_invoice: bool,
}

impl From<core::Balance> for FfiBalance {
    fn from(balance: core::Balance) -> Self {
        let core::Balance {
            org_id,
            credit_balance_cents,
            pending_debit_balance_cents,
            will_invoice,
        } = balance;
        FfiBalance {
            org_id,
            credit_balance_cents,
            pending_debit_balance_cents,
            will_invoice,
        }
    }
}

/// See `core::App`.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FfiApp {
    /// A UUID.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// Its organization.
    pub org_id: Option<String>,
    /// The organization's name.
    pub org_name: Option<String>,
}

impl From<core::App> for FfiApp {
    fn from(app: core::App) -> Self {
        let core::App {
            app_id,
            app_name,
            org_id,
            org_name,
        } = app;
        FfiApp {
            app_id,
            app_name,
            org_id,
            org_name,
        }
    }
}

/// See `core::ApiKey`. No `Debug`: it holds a secret.
#[derive(Clone, uniffi::Record)]
pub struct FfiApiKey {
    /// Its ID.
    pub api_key_id: String,
    /// Its name.
    pub api_key_name: String,
    /// Its app.
    pub app_id: String,
    /// The app's name.
    pub app_name: Option<String>,
    /// Who made it.
    pub created_by_user_id: Option<String>,
    /// Who made it.
    pub created_by_user_email: Option<String>,
    /// What may be shown of it.
    pub display_value: Option<String>,
    /// The key itself, sent only at its creation.
    pub raw_api_key: Option<String>,
    /// Seconds since 1970.
    pub created_at: Option<f64>,
}

impl From<core::ApiKey> for FfiApiKey {
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
        FfiApiKey {
            api_key_id,
            api_key_name,
            app_id,
            app_name,
            created_by_user_id,
            created_by_user_email,
            display_value,
            raw_api_key: raw_api_key.map(|key| key.expose().to_owned()),
            created_at: optional_instant(created_at),
        }
    }
}

/// See `core::DeviceCode`. No `Debug`: it holds a secret.
#[derive(Clone, uniffi::Record)]
pub struct FfiDeviceCode {
    /// The secret half.
    pub device_code: String,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// Seconds.
    pub expires_in: f64,
    /// Seconds between polls.
    pub interval: f64,
}

impl From<core::DeviceCode> for FfiDeviceCode {
    fn from(code: core::DeviceCode) -> Self {
        let core::DeviceCode {
            device_code,
            user_code,
            verification_uri,
            verification_uri_complete,
            expires_in,
            interval,
        } = code;
        FfiDeviceCode {
            device_code: device_code.expose().to_owned(),
            user_code,
            verification_uri,
            verification_uri_complete,
            expires_in: expires_in.as_secs_f64(),
            interval: interval.as_secs_f64(),
        }
    }
}

/// See `core::Tokens`. Durations are seconds. No `Debug`: it holds secrets.
#[derive(Clone, uniffi::Record)]
pub struct FfiTokens {
    /// The bearer.
    pub access_token: String,
    /// For the next one; absent where the old one stays valid.
    pub refresh_token: Option<String>,
    /// `Bearer`.
    pub token_type: String,
    /// The access token's life.
    pub expires_in: Option<f64>,
    /// Absent means unchanged.
    pub scopes: Option<Vec<String>>,
    /// The organization.
    pub org_id: Option<String>,
    /// Its name.
    pub org_name: Option<String>,
    /// The refresh token's life.
    pub refresh_token_expires_in: Option<f64>,
    /// The grant's life.
    pub authorization_expires_in: Option<f64>,
}

impl From<core::Tokens> for FfiTokens {
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
        FfiTokens {
            access_token: access_token.expose().to_owned(),
            refresh_token: refresh_token.map(|token| token.expose().to_owned()),
            token_type,
            expires_in: optional_seconds(expires_in),
            scopes,
            org_id,
            org_name,
            refresh_token_expires_in: optional_seconds(refresh_token_expires_in),
            authorization_expires_in: optional_seconds(authorization_expires_in),
        }
    }
}
