//! The fields of models: how they look from Python, and what a model makes of them.

use std::sync::Arc;
use std::time::SystemTime;

use parallel_account::Secret;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

/// A string that `repr`, `pickle` and `to_dict()` leave out.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) Secret);

impl<'a, 'py> FromPyObject<'a, 'py> for Hidden {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(object.extract::<String>()?.into()))
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

plain_field!(String, f64, bool, SystemTime);

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

/// For `repr`: a secret that is there shows as `'…'`.
pub(crate) fn shown<T: Field>(py: Python<'_>, name: &str, field: &T) -> PyResult<String> {
    let value = field.show(py)?;
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

pub(crate) use model;
