//! The Python binding: converts arguments in, values and errors out, and carries calls between
//! Python's two ways of waiting and the core's futures.

mod blocking;
mod call;
mod client;
mod errors;
mod event_loop;
mod json;
mod login;
mod models;
mod process;
mod store;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<client::BlockingClient>()?;
    module.add_class::<client::AsyncClient>()?;
    module.add_class::<login::BlockingLogin>()?;
    module.add_class::<login::AsyncLogin>()?;
    module.add_class::<store::MemoryStore>()?;
    module.add_class::<store::FileStore>()?;
    module.add_class::<store::Lease>()?;
    module.add_class::<models::ApiKey>()?;
    module.add_class::<models::App>()?;
    module.add_class::<models::Balance>()?;
    module.add_class::<models::DeviceCode>()?;
    module.add_class::<models::LoginEvent>()?;
    module.add_class::<models::Organization>()?;
    module.add_class::<models::PollAnswer>()?;
    module.add_class::<models::Qr>()?;
    module.add_class::<models::Status>()?;
    module.add_class::<models::Tokens>()?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(process::_after_fork, module)?)?;
    process::watch_forks(module)
}
