//! The Python binding: converts arguments in, values and errors out, and carries calls between
//! Python's two ways of waiting and the core's futures.

mod blocking;
mod call;
mod event_loop;
mod process;

use std::time::Duration;

use pyo3::prelude::*;

#[pyfunction]
fn _sleep(py: Python<'_>, ms: u64, value: i64) -> PyResult<i64> {
    blocking::run(py, async move {
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        value
    })
}

#[pyfunction]
fn _sleep_async(ms: u64, value: i64) -> call::Call {
    call::Call::new(Box::pin(async move {
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let reply: call::Reply =
            Box::new(move |py| Ok(value.into_pyobject(py)?.into_any().unbind()));
        reply
    }))
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(process::_after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(_sleep, module)?)?;
    module.add_function(wrap_pyfunction!(_sleep_async, module)?)?;
    process::watch_forks(module)
}
