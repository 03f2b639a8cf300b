//! JSON between serde's values and Python's, without Python's own parser.

use pyo3::exceptions::{PyRecursionError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use pyo3::{IntoPyObjectExt, PyTypeInfo};
use serde_json::{Map, Number, Value};

use crate::field::Identified;

/// As deep as serde_json itself reads.
const DEEPEST: usize = 128;

/// JSON that is on its way to Python.
pub(crate) struct Json(pub(crate) Value);

impl Identified for Json {
    fn identify(&mut self, _request_id: Option<String>) {}
}

impl<'py> IntoPyObject<'py> for Json {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => value.into_bound_py_any(py),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => value.into_bound_py_any(py),
            (_, Some(value), _) => value.into_bound_py_any(py),
            (_, _, value) => value.into_bound_py_any(py),
        },
        Value::String(value) => value.into_bound_py_any(py),
        Value::Array(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (name, value) in members {
                dict.set_item(name, to_python(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

/// What `json.dumps` would take, short of subclasses with ideas of their own.
pub(crate) fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    read(object, DEEPEST)
}

fn read(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(PyRecursionError::new_err(format!(
            "json is nested more than {DEEPEST} levels deep"
        )));
    };
    if object.is_none() {
        return Ok(Value::Null);
    }
    // Before int: True is one.
    if PyBool::is_type_of(object) {
        return Ok(Value::Bool(object.extract()?));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::String(text.to_str()?.to_owned()));
    }
    if object.is_instance_of::<PyInt>() {
        let number = object
            .extract::<i64>()
            .map(Number::from)
            .or_else(|_| object.extract::<u64>().map(Number::from))
            .map_err(|_| PyValueError::new_err("json holds an int of more than 64 bits"))?;
        return Ok(Value::Number(number));
    }
    if object.is_instance_of::<PyFloat>() {
        return Number::from_f64(object.extract()?)
            .map(Value::Number)
            .ok_or_else(|| PyValueError::new_err("json holds NaN or an infinity"));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let mut members = Map::new();
        for (name, value) in dict {
            let name = name.cast::<PyString>().map_err(|_| {
                PyTypeError::new_err("json holds a dict with a key that is not a str")
            })?;
            members.insert(name.to_str()?.to_owned(), read(&value, depth)?);
        }
        return Ok(Value::Object(members));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let values = object.try_iter()?.map(|value| read(&value?, depth));
        return Ok(Value::Array(values.collect::<PyResult<_>>()?));
    }
    Err(PyTypeError::new_err(format!(
        "json holds a {}, which JSON has no form for",
        object.get_type().name()?
    )))
}
