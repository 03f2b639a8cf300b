//! `EncryptedStore`: the core's encryption around any store, one written in Python as well.
//!
//! A client is given the wrapped store and the cipher apart, and calls a store of the core without
//! Python. For Python itself, the wrapped store's methods are called where `load()` and
//! `replace()` were: in the same thread, or by whoever awaits them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parallel_account::{CredentialStore, MemoryStore, SteppedCall, StoreAnswer, StoreStep};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};
use pyo3::{IntoPyObjectExt, PyTraverseError, PyVisit};

use crate::{errors, host_store};

/// Encrypts the record that `store` keeps, as a JWE (RFC 7516).
#[pyclass(frozen, module = "parallel_account")]
pub(crate) struct EncryptedStore {
    store: Py<PyAny>,
    cipher: parallel_account::EncryptedStore,
}

/// What was wrapped around a store, innermost first.
pub(crate) struct Wrappers(Vec<parallel_account::EncryptedStore>);

impl Wrappers {
    /// The store that is wrapped in the end, and in what.
    pub(crate) fn taken_off(object: Bound<'_, PyAny>) -> (Bound<'_, PyAny>, Self) {
        let mut object = object;
        let mut wrappers = Vec::new();
        while let Ok(wrapper) = object.cast::<EncryptedStore>() {
            wrappers.insert(0, wrapper.get().cipher.clone());
            object = wrapper.get().store.bind(object.py()).clone();
        }
        (object, Self(wrappers))
    }

    /// The same around `store`.
    pub(crate) fn around(&self, store: Arc<dyn CredentialStore>) -> Arc<dyn CredentialStore> {
        let wrap = |store, wrapper: &parallel_account::EncryptedStore| {
            Arc::new(wrapper.around(store)) as Arc<dyn CredentialStore>
        };
        self.0.iter().fold(store, wrap)
    }
}

#[pymethods]
impl EncryptedStore {
    #[new]
    #[pyo3(signature = (store, keys, *, subject = None, accept_plaintext = false))]
    fn new(
        store: Bound<'_, PyAny>,
        keys: &Bound<'_, PyAny>,
        subject: Option<String>,
        accept_plaintext: bool,
    ) -> PyResult<Self> {
        let py = store.py();
        let (innermost, _) = Wrappers::taken_off(store.clone());
        host_store::chosen(&innermost, Duration::from_secs(1))?;
        let keys = key_pairs(keys)?;
        let keys = keys.iter().map(|(id, key)| (id.as_str(), key.as_bytes()));
        let cipher = errors::guard(py, || {
            let cipher = parallel_account::EncryptedStore::new(MemoryStore::default(), keys)?
                .accept_plaintext(accept_plaintext);
            match subject {
                Some(subject) => cipher.subject(subject),
                None => Ok(cipher),
            }
        })?;
        Ok(Self {
            store: store.unbind(),
            cipher,
        })
    }

    /// The decrypted record, or None. It holds secrets. Awaitable if the wrapped store's `load()`
    /// is.
    fn load(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.run(py, self.cipher.stepped_load())
    }

    /// Atomically puts `new` in place of exactly `old`, both decrypted; False, and no change, if
    /// the record is not `old` any more. None means no record. Awaitable if the wrapped store's
    /// methods are.
    fn replace(
        &self,
        py: Python<'_>,
        old: Option<String>,
        new: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        self.run(py, self.cipher.stepped_replace(old, new))
    }

    /// Where the wrapped store keeps the record, for display.
    #[getter]
    fn location(&self, py: Python<'_>) -> PyResult<String> {
        let store = self.store.bind(py);
        match store.getattr_opt("location")? {
            Some(location) if location.is_instance_of::<PyString>() => location.extract(),
            _ => Ok(format!("a {}", store.get_type().name()?)),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<EncryptedStore {:?}>", self.location(py)?))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)
    }
}

/// Messages name a key by its place: what is in the wrong place may be a secret.
fn key_pairs<'py>(keys: &Bound<'py, PyAny>) -> PyResult<Vec<(String, Bound<'py, PyBytes>)>> {
    const WHAT: &str = "keys must be a dict from a key's ID (str) to the key (bytes)";
    let kind = |value: &Bound<'_, PyAny>| value.get_type().name().map(|name| name.to_string());
    let Ok(mapping) = keys.cast::<PyMapping>() else {
        let message = format!("{WHAT}, not {}.", kind(keys)?);
        return Err(PyTypeError::new_err(message));
    };
    let mut pairs = Vec::new();
    for (number, pair) in (1..).zip(mapping.items()?.iter()) {
        let (id, key): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        let (Ok(text), Ok(bytes)) = (id.cast::<PyString>(), key.cast::<PyBytes>()) else {
            let message = format!(
                "{WHAT}; number {number} goes from {} to {}.",
                kind(&id)?,
                kind(&key)?
            );
            return Err(PyTypeError::new_err(message));
        };
        // What is no Unicode is no ID either, and the core says so.
        let text = text.to_str().unwrap_or_default().to_owned();
        pairs.push((text, bytes.clone()));
    }
    Ok(pairs)
}

impl EncryptedStore {
    fn run(&self, py: Python<'_>, running: SteppedCall) -> PyResult<Py<PyAny>> {
        let call = EncryptedCall {
            store: self.store.clone_ref(py),
            under_way: Mutex::new(Some(UnderWay {
                running,
                loading: false,
            })),
        };
        match call.proceed(py, None)? {
            Progress::Done(value) => Ok(value),
            Progress::Await(awaitable) => {
                let call = Py::new(py, call)?;
                let module = py.import("parallel_account._encrypted")?;
                Ok(module.call_method1("finish", (call, awaitable))?.unbind())
            }
        }
    }
}

enum Progress {
    Done(Py<PyAny>),
    Await(Py<PyAny>),
}

struct UnderWay {
    running: SteppedCall,
    /// Whether what is awaited is the record.
    loading: bool,
}

/// A call of `load()` or `replace()` that waits for the wrapped store.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct EncryptedCall {
    store: Py<PyAny>,
    under_way: Mutex<Option<UnderWay>>,
}

impl EncryptedCall {
    /// As far as it goes without waiting. `result` is what was waited for.
    fn proceed(&self, py: Python<'_>, result: Option<Bound<'_, PyAny>>) -> PyResult<Progress> {
        // Taken out while Python runs; whoever comes meanwhile, or after an error, is too late.
        let slot = || {
            self.under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let Some(mut under_way) = slot().take() else {
            return Err(PyRuntimeError::new_err("this call has ended"));
        };
        let store = self.store.bind(py);
        let mut result = result;
        loop {
            let answer = match result {
                Some(result) => Some(answer(&result, under_way.loading)?),
                None => None,
            };
            let step = errors::guard(py, || under_way.running.next(answer))?;
            under_way.loading = matches!(step, StoreStep::Load);
            let next = match step {
                StoreStep::Load => store.call_method0("load")?,
                StoreStep::Replace(old, new) => store.call_method1("replace", (old, new))?,
                StoreStep::Done(StoreAnswer::Record(record)) => {
                    return Ok(Progress::Done(record.into_py_any(py)?));
                }
                StoreStep::Done(StoreAnswer::Replaced(replaced)) => {
                    return Ok(Progress::Done(replaced.into_py_any(py)?));
                }
            };
            if next.hasattr("__await__")? {
                *slot() = Some(under_way);
                return Ok(Progress::Await(next.unbind()));
            }
            result = Some(next);
        }
    }
}

fn answer(result: &Bound<'_, PyAny>, loading: bool) -> PyResult<StoreAnswer> {
    let answer = match loading {
        true => result.extract().map(StoreAnswer::Record),
        false => result.extract().map(StoreAnswer::Replaced),
    };
    let Ok(answer) = answer else {
        let kind = result.get_type().name()?;
        return Err(PyTypeError::new_err(match loading {
            true => format!("load() must return a str or None, not {kind}."),
            false => format!("replace() must return True or False, not {kind}."),
        }));
    };
    Ok(answer)
}

/// What is to be awaited next, or the result.
type Advanced = (Option<Py<PyAny>>, Option<Py<PyAny>>);

#[pymethods]
impl EncryptedCall {
    /// Continues with what was awaited.
    fn advance(&self, py: Python<'_>, result: Bound<'_, PyAny>) -> PyResult<Advanced> {
        Ok(match self.proceed(py, Some(result))? {
            Progress::Await(awaitable) => (Some(awaitable), None),
            Progress::Done(value) => (None, Some(value)),
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)
    }
}
