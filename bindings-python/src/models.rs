//! The values that calls answer with: frozen, comparable, hashable, and shy about secrets.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parallel_account as core;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::errors;

/// A string that `repr`, `pickle` and `to_dict()` leave out.
#[derive(Clone)]
pub(crate) struct Hidden(core::Secret);

impl<'a, 'py> FromPyObject<'a, 'py> for Hidden {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(object.extract::<String>()?.into()))
    }
}

/// How a field looks from Python.
trait Field {
    const SECRET: bool = false;

    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;

    /// What stands in for a secret where secrets do not belong.
    fn redacted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.show(py)
    }
}

macro_rules! plain_field {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.clone().into_bound_py_any(py)
            }
        }
    )*};
}

plain_field!(String, f64, bool, SystemTime, Organization, Status, Tokens);

impl Field for Hidden {
    const SECRET: bool = true;

    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.expose().into_bound_py_any(py)
    }

    fn redacted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        "[redacted]".into_bound_py_any(py)
    }
}

impl<T: Field> Field for Option<T> {
    const SECRET: bool = T::SECRET;

    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Some(value) => value.show(py),
            None => Ok(py.None().into_bound(py)),
        }
    }

    fn redacted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if T::SECRET {
            return Ok(py.None().into_bound(py));
        }
        self.show(py)
    }
}

impl Field for Vec<String> {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyTuple::new(py, self)?.into_any())
    }
}

/// An exception as a value.
#[derive(Clone)]
pub(crate) struct Exception(Arc<Py<PyAny>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Exception {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Arc::new(object.to_owned().unbind())))
    }
}

impl Field for Exception {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.0.bind(py).clone())
    }
}

/// For `repr`: a secret that is there shows as `'…'`.
fn shown<T: Field>(py: Python<'_>, name: &str, field: &T) -> PyResult<String> {
    let value = field.show(py)?;
    let value = if T::SECRET && !value.is_none() {
        PyString::new(py, "'…'")
    } else {
        value.repr()?
    };
    Ok(format!("{name}={value}"))
}

/// What `to_dict()` makes of a value: models within it become dicts as well.
fn flat<'py>(value: Bound<'py, PyAny>, secrets: bool) -> PyResult<Bound<'py, PyAny>> {
    match value.getattr_opt("to_dict")? {
        Some(to_dict) => {
            let arguments = PyDict::new(value.py());
            arguments.set_item("secrets", secrets)?;
            to_dict.call((), Some(&arguments))
        }
        None => Ok(value),
    }
}

macro_rules! model {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$note:meta])* $field:ident : $type:ty $(= $default:expr)? ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[pyclass(frozen, from_py_object, module = "parallel_account")]
        #[derive(Clone)]
        pub(crate) struct $name { $( pub(crate) $field: $type ),* }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (*, $( $field $(= $default)? ),*))]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn from_keywords($( $field: $type ),*) -> Self {
                Self { $( $field ),* }
            }

            $(
                $(#[$note])*
                #[getter]
                fn $field<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    self.$field.show(py)
                }
            )*

            /// The fields as a dict; secrets stay out of it unless `secrets=True`.
            #[pyo3(signature = (*, secrets = false))]
            fn to_dict<'py>(&self, py: Python<'py>, secrets: bool) -> PyResult<Bound<'py, PyDict>> {
                let dict = PyDict::new(py);
                $(
                    let value = if secrets { self.$field.show(py)? } else { self.$field.redacted(py)? };
                    dict.set_item(stringify!($field), flat(value, secrets)?)?;
                )*
                Ok(dict)
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let fields = [ $( shown(py, stringify!($field), &self.$field)? ),* ];
                Ok(format!(concat!(stringify!($name), "({})"), fields.join(", ")))
            }

            fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                let py = other.py();
                match other.cast::<Self>() {
                    Ok(other) => self.values(py)?.eq(other.get().values(py)?)?.into_bound_py_any(py),
                    Err(_) => Ok(py.NotImplemented().into_bound(py)),
                }
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                self.values(py)?.hash()
            }

            /// Without secrets: pickles end up in files, queues and logs.
            fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
                let py = slf.py();
                let fields = PyDict::new(py);
                $( fields.set_item(stringify!($field), slf.get().$field.redacted(py)?)?; )*
                let rebuild = py.import("parallel_account._errors")?.getattr("rebuild")?;
                (rebuild, (slf.get_type(), fields)).into_pyobject(py)
            }

            fn __copy__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
                slf
            }
        }

        impl $name {
            fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                PyTuple::new(py, [ $( self.$field.show(py)? ),* ])
            }
        }
    };
}

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
