//! The fields of models: how they look from Python, and what a model makes of them.

use std::sync::Arc;
use std::time::SystemTime;

use parallel_account::Secret;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::errors;

/// A string that `repr`, `pickle` and `to_dict()` leave out.
#[derive(Clone)]
pub(crate) enum Hidden {
    Known(Secret),
    /// Of an object that was pickled, or made from a dict without secrets.
    LeftOut,
}

/// Stands in for a secret that is left out; nobody must be able to send it as one.
const REDACTED: &str = "[redacted]";

impl<'a, 'py> FromPyObject<'a, 'py> for Hidden {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let text: String = object.extract()?;
        Ok(match text.as_str() {
            REDACTED => Self::LeftOut,
            _ => Self::Known(text.into()),
        })
    }
}

/// How a field looks from Python.
pub(crate) trait Field {
    const SECRET: bool = false;

    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;

    /// What stands in for a secret where secrets do not belong.
    fn redacted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.show(py)
    }

    /// What equality and hashes go by: it always exists.
    fn compared<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.show(py)
    }
}

macro_rules! plain_field {
    ($($type:ty),*) => {$(
        impl $crate::field::Field for $type {
            fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.clone().into_bound_py_any(py)
            }
        }
    )*};
}

pub(crate) use plain_field;

plain_field!(String, f64, bool, u16, u32, u64, SystemTime);

impl Field for Hidden {
    const SECRET: bool = true;

    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Known(secret) => secret.expose().into_bound_py_any(py),
            Self::LeftOut => Err(errors::config(
                py,
                "This secret was left out when its object was pickled or turned into a dict. Keep \
                 the object, or pass to_dict(secrets=True) on to where it is needed.",
            )),
        }
    }

    fn redacted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        REDACTED.into_bound_py_any(py)
    }

    fn compared<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Known(_) => self.show(py),
            Self::LeftOut => self.redacted(py),
        }
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
        match self {
            Some(value) => value.redacted(py),
            None => Ok(py.None().into_bound(py)),
        }
    }

    fn compared<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Some(value) => value.compared(py),
            None => Ok(py.None().into_bound(py)),
        }
    }
}

/// An exception as a value.
#[derive(Clone)]
pub(crate) struct Exception(pub(crate) Arc<Py<PyAny>>);

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

/// What a request brought, which can say which request that was.
pub(crate) trait Identified {
    fn identify(&mut self, request_id: Option<String>);
}

impl<T: Identified> Identified for Vec<T> {
    fn identify(&mut self, request_id: Option<String>) {
        self.iter_mut()
            .for_each(|it| it.identify(request_id.clone()));
    }
}

/// An ID has no place for another.
impl Identified for String {
    fn identify(&mut self, _request_id: Option<String>) {}
}

/// For `repr`: a secret that is there shows as `'…'`.
pub(crate) fn shown<T: Field>(py: Python<'_>, name: &str, field: &T) -> PyResult<String> {
    let value = field.compared(py)?;
    let value = if T::SECRET && !value.is_none() {
        PyString::new(py, "'…'")
    } else {
        value.repr()?
    };
    Ok(format!("{name}={value}"))
}

/// What `to_dict()` makes of a value: models within it become dicts as well.
pub(crate) fn flat<'py>(value: Bound<'py, PyAny>, secrets: bool) -> PyResult<Bound<'py, PyAny>> {
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
        $name:ident $(+ $id:ident)? {
            $( $(#[$note:meta])* $field:ident : $type:ty $(= $default:expr)? ),* $(,)?
        }
        $( methods { $( $method:tt )* } )?
    ) => {
        $(#[$meta])*
        #[pyclass(frozen, from_py_object, module = "parallel_account")]
        #[derive(Clone)]
        pub(crate) struct $name {
            $( pub(crate) $field: $type, )*
            $( pub(crate) $id: Option<String>, )?
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (*, $( $field $(= $default)?, )* $( $id = None )?))]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn from_keywords($( $field: $type, )* $( $id: Option<String> )?) -> Self {
                Self { $( $field, )* $( $id )? }
            }

            /// For `match`: `case Balance(org_id, cents)`.
            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [ $( stringify!($field) ),* ])
            }

            $(
                /// The service's ID of the request that brought this, to quote to Parallel's
                /// support; None if it came from no request. Equality does not go by it.
                #[getter]
                fn $id(&self) -> Option<&str> {
                    self.$id.as_deref()
                }
            )?

            $( $( $method )* )?

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
                $( fields.set_item(stringify!($id), &slf.get().$id)?; )?
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
                PyTuple::new(py, [ $( self.$field.compared(py)? ),* ])
            }
        }

        $(
            impl $crate::field::Identified for $name {
                fn identify(&mut self, request_id: Option<String>) {
                    self.$id = request_id;
                }
            }
        )?
    };
}

pub(crate) use model;
