//! Lists of scopes.

use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::field::Field;

/// The error for an argument of the wrong type; another error, such as a sequence's own, stays.
pub(crate) fn wrong_type(value: Borrowed<'_, '_, PyAny>, error: PyErr, message: &str) -> PyErr {
    if error.is_instance_of::<PyTypeError>(value.py()) {
        return PyTypeError::new_err(message.to_owned());
    }
    error
}

/// What a login asks for or was granted. A string alone, which is a sequence of strings to Python, is refused.
#[derive(Clone, Default)]
pub(crate) struct Scopes(pub(crate) Vec<String>);

impl<'py> FromPyObject<'_, 'py> for Scopes {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let message = "scopes must be a list of str, such as [\"balance:read\"].";
        let scopes = value.extract();
        scopes
            .map(Self)
            .map_err(|it| wrong_type(value, it, message))
    }
}

impl Field for Scopes {
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyTuple::new(py, &self.0)?.into_any())
    }
}
