//! The Python binding: converts arguments in, values and errors out, and carries calls between
//! Python's two ways of waiting and the core's futures.

mod blocking;
mod call;
mod client;
mod command;
mod desk;
mod dispatch;
mod encrypted;
mod errors;
mod event_loop;
mod exit;
mod field;
mod from_core;
mod gevent;
mod host_store;
mod job;
mod json;
mod login;
mod models;
mod options;
mod process;
mod reply;
mod scopes;
mod seeing;
mod serving;
mod store;
mod trio;
mod waiter;

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// Objects that are kept for good, such as classes of exceptions, belong to one interpreter.
fn refuse_another_interpreter(_py: Python<'_>) -> PyResult<()> {
    static FIRST: AtomicI64 = AtomicI64::new(-1);
    // SAFETY: the interpreter is there and this thread is attached to it, as `_py` proves.
    #[expect(unsafe_code, reason = "pyo3 has no safe name for these two")]
    let this = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    match FIRST.compare_exchange(-1, this, Ordering::Relaxed, Ordering::Relaxed) {
        Err(first) if first != this => Err(PyImportError::new_err(
            "parallel_account is in use by another interpreter of this process, and does not \
             support several; use processes or threads instead",
        )),
        _ => Ok(()),
    }
}

/// Nothing here has run without the GIL, so that an interpreter that has none turns it on.
#[pymodule(gil_used = true)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    refuse_another_interpreter(module.py())?;
    errors::quieten_panics();
    seeing::hand_on_warnings();
    module.add_class::<client::BlockingClient>()?;
    module.add_class::<client::AsyncClient>()?;
    module.add_class::<login::BlockingLogin>()?;
    module.add_class::<login::AsyncLogin>()?;
    module.add_class::<store::MemoryStore>()?;
    module.add_class::<store::FileStore>()?;
    module.add_class::<encrypted::EncryptedStore>()?;
    module.add_class::<encrypted::EncryptedCall>()?;
    module.add_class::<job::StoreCall>()?;
    module.add_class::<waiter::Flight>()?;
    module.add_class::<models::ApiKey>()?;
    module.add_class::<models::App>()?;
    module.add_class::<models::Balance>()?;
    module.add_class::<models::DeviceCode>()?;
    module.add_class::<models::LoginEvent>()?;
    module.add_class::<models::Organization>()?;
    module.add_class::<models::PollAnswer>()?;
    module.add_class::<models::Qr>()?;
    module.add_class::<models::RefreshEvent>()?;
    module.add_class::<models::RequestEvent>()?;
    module.add_class::<models::ResponseEvent>()?;
    module.add_class::<models::RetryEvent>()?;
    module.add_class::<models::Status>()?;
    module.add_class::<models::StoreEvent>()?;
    module.add_class::<models::Tokens>()?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(process::_after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(exit::_do_at_exit, module)?)?;
    module.add_function(wrap_pyfunction!(command::_run_command, module)?)?;
    process::watch_forks(module)
}
