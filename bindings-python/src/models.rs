//! The values that calls answer with: frozen, comparable, hashable, and shy about secrets.

use std::time::SystemTime;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::field::{Exception, Field, Hidden, flat, model, plain_field, shown};
use crate::scopes::Scopes;

// Models within models.
plain_field!(Organization, RequestEvent, Status, Tokens);

model! {
    /// An organization's balance (Account API, get balance). Amounts are US cents and may be
    /// fractional; both are 0 when the organization is invoiced.
    Balance + request_id {
        /// The organization's ID.
        org_id: String,
        /// What is left to spend, in US cents.
        credit_balance_cents: f64,
        /// What is spent but not yet debited, in US cents.
        pending_debit_balance_cents: f64 = 0.0,
        /// Whether the organization pays by invoice instead of in advance.
        will_invoice: bool = false,
    }
}

model! {
    /// An app: what API keys belong to (Account API, list apps).
    App + request_id {
        /// The app's ID, a UUID.
        app_id: String,
        /// The name given when it was made.
        app_name: String,
        /// The ID of the organization that owns it.
        org_id: Option<String> = None,
        /// The name of that organization.
        org_name: Option<String> = None,
    }
}

model! {
    /// A data-API key just created (Account API, create key). `repr`, `pickle` and `to_dict()`
    /// leave `raw_api_key` out.
    ApiKey + request_id {
        /// The key's ID; not the key.
        api_key_id: String,
        /// The name given when it was made.
        api_key_name: String,
        /// The ID of the app that it belongs to, a UUID.
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
    /// An organization that this client's store knows.
    Organization + request_id {
        /// Its ID.
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
    Status + request_id {
        /// Whether calls can be made without a new login.
        logged_in: bool,
        /// The organization that calls go to.
        organization: Option<Organization> = None,
        /// What the login may do, such as `balance:read`.
        scopes: Scopes = Scopes::default(),
        /// When the access token ends, in UTC; it is refreshed before.
        access_token_expires_at: Option<SystemTime> = None,
        /// When the refresh token ends, in UTC.
        refresh_token_expires_at: Option<SystemTime> = None,
        /// When the grant itself ends and a new login is needed, in UTC.
        authorization_expires_at: Option<SystemTime> = None,
        /// The ID under which this installation is registered.
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
    LoginEvent + request_id {
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

    methods {
        /// How notebooks show it; without a size, it would be as wide as the page.
        fn _repr_svg_(&self) -> String {
            self.svg
                .replacen("<svg ", "<svg width=\"200\" height=\"200\" ", 1)
        }
    }
}

model! {
    /// A device code (RFC 8628 §3.2).
    DeviceCode + request_id {
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
    Tokens + request_id {
        /// For the `Authorization` header. A secret.
        access_token: Hidden,
        /// For the next refresh; None means that the old one stays valid. A secret.
        refresh_token: Option<Hidden> = None,
        /// `Bearer`.
        token_type: String,
        /// Seconds that the access token lives.
        expires_in: Option<f64> = None,
        /// What was granted; None means what was asked for.
        scopes: Option<Scopes> = None,
        /// The organization.
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
    PollAnswer + request_id {
        /// `"pending"`, `"slow_down"` or `"tokens"`.
        kind: String,
        /// What was granted, with `tokens`.
        tokens: Option<Tokens> = None,
    }
}

model! {
    /// A request is sent; for the hooks `request`.
    RequestEvent {
        /// Tells the requests of a process apart; each retry is one.
        id: u64,
        /// Such as `GET`.
        method: String,
        /// Where it goes, without a query.
        url: String,
        /// 0, and one more with each retry.
        attempt: u32,
    }
}

model! {
    /// A request was answered, with success or not, or failed; for the hooks `response`.
    ResponseEvent {
        /// Which request.
        request: RequestEvent,
        /// The HTTP status; None if no answer came.
        status: Option<u16> = None,
        /// The service's ID of the request, to quote to Parallel's support.
        request_id: Option<String> = None,
        /// Seconds from sending the request to the last byte of the answer.
        duration: f64,
        /// Why no answer came.
        error: Option<Exception> = None,
    }
}

model! {
    /// A request will be retried; for the hooks `retry`.
    RetryEvent {
        /// Which request.
        request: RequestEvent,
        /// Seconds until the next attempt.
        retry_in: f64,
    }
}

model! {
    /// A refresh has ended; for the hooks `refresh`. `outcome` is `"renewed"`, `"adopted"` (another
    /// process or client had refreshed) or `"failed"`.
    RefreshEvent {
        /// The ID of the organization whose token pair it is.
        organization: String,
        /// `"renewed"`, `"adopted"` or `"failed"`.
        outcome: String,
        /// Why it failed.
        error: Option<Exception> = None,
    }
}

model! {
    /// A call of the store failed, or took more than a second; for the hooks `store`.
    StoreEvent {
        /// Where the store keeps credentials.
        location: String,
        /// Seconds that a slow call took.
        duration: Option<f64> = None,
        /// Why it failed.
        error: Option<Exception> = None,
    }
}
