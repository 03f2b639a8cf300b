//! The core's own stores for Python.

use std::path::PathBuf;
use std::sync::Arc;

use parallel_account::{CredentialStore, StoreFuture};
use pyo3::prelude::*;

use crate::{blocking, errors};

/// A store that the core brings along; the base of `MemoryStore` and `FileStore`.
#[pyclass(frozen, subclass, module = "parallel_account._native")]
pub(crate) struct NativeStore {
    store: Arc<dyn CredentialStore>,
}

impl NativeStore {
    pub(crate) fn store(&self) -> Arc<dyn CredentialStore> {
        self.store.clone()
    }

    fn run<T: Send>(py: Python<'_>, future: StoreFuture<'_, T>) -> PyResult<T> {
        blocking::run(py, errors::caught(future))?
            .map_err(|error| errors::exception(py, &error, true))
    }
}

#[pymethods]
impl NativeStore {
    /// The record as one opaque string, or None. It holds secrets.
    fn load(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Self::run(py, self.store.load())
    }

    /// Atomically puts `new` in place of exactly `old`; False, and no change, if the record is
    /// not `old` any more. None means no record.
    fn replace(&self, py: Python<'_>, old: Option<String>, new: Option<String>) -> PyResult<bool> {
        Self::run(py, self.store.replace(old, new))
    }

    /// Where the record is stored, for display.
    #[getter]
    fn location(&self) -> String {
        self.store.location()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class = slf.get_type().name()?;
        Ok(format!("<{class} {:?}>", slf.get().store.location()))
    }
}

/// Keeps the credentials in memory only. `record` is what another store's `load()` gave.
#[pyclass(frozen, extends = NativeStore, module = "parallel_account")]
pub(crate) struct MemoryStore;

#[pymethods]
impl MemoryStore {
    #[new]
    #[pyo3(signature = (record = None))]
    fn new(record: Option<String>) -> PyClassInitializer<Self> {
        let store = Arc::new(parallel_account::MemoryStore::new(record));
        PyClassInitializer::from(NativeStore { store }).add_subclass(Self)
    }
}

/// Keeps the credentials in a file that only its owner may read, shared safely between processes.
#[pyclass(frozen, extends = NativeStore, module = "parallel_account")]
pub(crate) struct FileStore;

impl FileStore {
    fn of(
        py: Python<'_>,
        store: parallel_account::Result<parallel_account::FileStore>,
    ) -> PyResult<Py<Self>> {
        let store = store.map_err(|error| errors::exception(py, &error, true))?;
        Py::new(py, Self::around(store))
    }

    fn around(store: parallel_account::FileStore) -> PyClassInitializer<Self> {
        let store = Arc::new(store);
        PyClassInitializer::from(NativeStore { store }).add_subclass(Self)
    }
}

#[pymethods]
impl FileStore {
    #[new]
    fn new(path: PathBuf) -> PyClassInitializer<Self> {
        Self::around(parallel_account::FileStore::new(path))
    }

    /// The file that a client of this name uses when it is given no store.
    #[staticmethod]
    fn default_for(py: Python<'_>, client_name: &str) -> PyResult<Py<Self>> {
        Self::of(py, parallel_account::FileStore::default_for(client_name))
    }

    /// The file of Parallel's own command, `parallel-cli`: its login is this client's, and the
    /// reverse.
    #[staticmethod]
    fn parallel_cli(py: Python<'_>) -> PyResult<Py<Self>> {
        Self::of(py, parallel_account::FileStore::parallel_cli())
    }
}
