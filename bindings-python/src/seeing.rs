//! Tells Python what happens: the hooks of a client, and `logging`.
//!
//! Whether anybody listens is known without the GIL: the hooks are counted when a client is made,
//! and the level of the logger is looked up by each call, which has the GIL anyway.

use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use parallel_account::{Event, EventListener};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyWeakrefMethods, PyWeakrefReference};
use pyo3::{IntoPyObjectExt, PyTraverseError, PyVisit, intern};

use crate::models::{RefreshEvent, RequestEvent, ResponseEvent, RetryEvent, StoreEvent};
use crate::process;

const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;
const NOBODY: u8 = u8::MAX;

/// The lowest level that the logger `parallel_account.events` takes, as the latest call found it.
static LEVEL: AtomicU8 = AtomicU8::new(NOBODY);

/// Looks up the level of the logger. Where `logging` was never imported, nobody listens.
pub(crate) fn look(py: Python<'_>) {
    static LOGGER: PyOnceLock<Logger> = PyOnceLock::new();
    static MODULES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let find = || -> PyResult<u8> {
        let logger = match LOGGER.get(py) {
            Some(known) => known,
            None => {
                let modules = MODULES.import(py, "sys", "modules")?;
                if !modules.contains(intern!(py, "logging"))? {
                    return Ok(NOBODY);
                }
                let logging = py.import(intern!(py, "logging"))?;
                let logger = logging.call_method1("getLogger", ("parallel_account.events",))?;
                let known = Logger::new(&logger)?;
                LOGGER.get_or_init(py, || known)
            }
        };
        // Warnings are rare: `logging` itself drops those that nobody wants.
        Ok(match logger.is_enabled_for(py, INFO)? {
            false => WARNING,
            true if logger.is_enabled_for(py, DEBUG)? => DEBUG,
            true => INFO,
        })
    };
    LEVEL.store(find().unwrap_or(NOBODY), Ordering::Relaxed);
}

/// A logger, asked by each call.
struct Logger {
    is_enabled_for: Py<PyAny>,
    /// Where `isEnabledFor` keeps its answers until a level changes. Looked at first, if this
    /// version of `logging` has it: the method takes longer than all else that a call does here.
    answers: Option<Py<PyDict>>,
}

impl Logger {
    fn new(logger: &Bound<'_, PyAny>) -> PyResult<Self> {
        let answers = logger.getattr_opt("_cache")?;
        Ok(Self {
            is_enabled_for: logger.getattr("isEnabledFor")?.unbind(),
            answers: answers.and_then(|it| Some(it.cast_into().ok()?.unbind())),
        })
    }

    fn is_enabled_for(&self, py: Python<'_>, level: u8) -> PyResult<bool> {
        let known = self.answers.as_ref().map(|it| it.bind(py).get_item(level));
        match known.transpose()?.flatten() {
            Some(known) => known.is_truthy(),
            None => self.is_enabled_for.call1(py, (level,))?.is_truthy(py),
        }
    }
}

/// What hooks are for; each is a bit of a mask.
#[derive(Clone, Copy)]
enum Kind {
    Request,
    Response,
    Retry,
    Refresh,
    Store,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Request, "request"),
    (Kind::Response, "response"),
    (Kind::Retry, "retry"),
    (Kind::Refresh, "refresh"),
    (Kind::Store, "store"),
];

impl Kind {
    fn bit(self) -> u8 {
        1 << self as u8
    }

    fn name(self) -> &'static str {
        KINDS[self as usize].1
    }
}

/// The one reference to a client's hooks that Python's garbage collector sees: what the core holds
/// must not keep a hook alive that holds its client.
#[pyclass(frozen, weakref, module = "parallel_account._native")]
pub(crate) struct Hooks {
    mask: u8,
    hooks: Mutex<Option<Py<PyDict>>>,
}

impl Hooks {
    /// `hooks` is a dict of kinds to tuples of callables.
    pub(crate) fn new(hooks: Bound<'_, PyDict>) -> PyResult<Self> {
        let mut mask = 0;
        for (kind, name) in KINDS {
            if hooks
                .get_item(name)?
                .is_some_and(|it| it.is_truthy().unwrap_or(false))
            {
                mask |= kind.bit();
            }
        }
        Ok(Self {
            mask,
            hooks: Mutex::new(Some(hooks.unbind())),
        })
    }

    fn of<'py>(&self, py: Python<'py>, kind: Kind) -> PyResult<Bound<'py, PyAny>> {
        let hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        let hooks = hooks.as_ref().map(|it| it.clone_ref(py));
        match hooks {
            Some(hooks) => hooks.into_bound(py).as_any().get_item(kind.name()),
            None => Ok(PyTuple::empty(py).into_any()),
        }
    }
}

#[pymethods]
impl Hooks {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.hooks.try_lock() {
            Ok(hooks) => visit.call(&*hooks),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let hooks = self
            .hooks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(hooks);
    }
}

/// What the core tells of a client.
pub(crate) struct Listener {
    mask: u8,
    hooks: Option<Py<PyWeakrefReference>>,
}

impl Listener {
    pub(crate) fn new(hooks: Option<&Bound<'_, Hooks>>) -> PyResult<Self> {
        Ok(Self {
            mask: hooks.map_or(0, |it| it.get().mask),
            hooks: hooks
                .map(|it| PyWeakrefReference::new(it.as_any()).map(Bound::unbind))
                .transpose()?,
        })
    }

    fn tell(&self, py: Python<'_>, event: &Event, kind: Kind, level: u8) -> PyResult<()> {
        static HEAR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let hooks = match &self.hooks {
            Some(hooks) if self.mask & kind.bit() != 0 => hooks.bind(py).upgrade(),
            _ => None,
        };
        let hooks = match hooks.as_ref().map(|it| it.cast::<Hooks>()) {
            Some(Ok(hooks)) => hooks.get().of(py, kind)?,
            _ => PyTuple::empty(py).into_any(),
        };
        let context = CONTEXT.try_with(|it| it.clone_ref(py)).ok();
        let hear = HEAR.import(py, "parallel_account._events", "hear")?;
        let level = if LEVEL.load(Ordering::Relaxed) <= level {
            level
        } else {
            0
        };
        let arguments = (context, hooks, level, shown(py, event)?).into_pyobject(py)?;
        process::call_out(hear, &arguments)?;
        Ok(())
    }
}

impl EventListener for Listener {
    /// Retries are told of requests only whose sending was told.
    fn wants_requests(&self) -> bool {
        let requests = Kind::Request.bit() | Kind::Response.bit() | Kind::Retry.bit();
        self.mask & requests != 0 || LEVEL.load(Ordering::Relaxed) <= INFO
    }

    fn hear(&self, event: &Event) {
        let (kind, level) = match event {
            Event::RequestSent { .. } => (Kind::Request, DEBUG),
            Event::RequestAnswered { .. } | Event::RequestFailed { .. } => (Kind::Response, DEBUG),
            Event::RequestRepeated { .. } => (Kind::Retry, INFO),
            Event::TokenRenewed { .. } => (Kind::Refresh, INFO),
            Event::TokenAdopted { .. } => (Kind::Refresh, DEBUG),
            Event::RefreshFailed { .. } => (Kind::Refresh, WARNING),
            Event::StoreFailed { .. } | Event::StoreSlow { .. } => (Kind::Store, WARNING),
        };
        if self.mask & kind.bit() == 0 && LEVEL.load(Ordering::Relaxed) > level {
            return;
        }
        process::attach(|py| match self.tell(py, event, kind, level) {
            Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => interrupt(py),
            Err(error) => error.write_unraisable(py, None),
            Ok(()) => {}
        });
    }
}

/// Ctrl-C came during a hook: it is raised when the call looks for signals next.
fn interrupt(_py: Python<'_>) {
    // SAFETY: it only marks a signal, and this thread is attached, as `_py` proves.
    #[expect(unsafe_code, reason = "pyo3 has no safe name for it")]
    unsafe {
        pyo3::ffi::PyErr_SetInterrupt();
    }
}

/// The event as hooks get it.
fn shown<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyAny>> {
    match event {
        Event::RequestSent { request } => RequestEvent::from(&**request).into_bound_py_any(py),
        Event::RequestAnswered {
            request,
            status,
            request_id,
            duration,
        } => ResponseEvent::answered(request, *status, request_id.clone(), *duration)
            .into_bound_py_any(py),
        Event::RequestFailed {
            request,
            error,
            duration,
        } => ResponseEvent::failed(py, request, error, *duration).into_bound_py_any(py),
        Event::RequestRepeated { request, after } => {
            RetryEvent::new(request, *after).into_bound_py_any(py)
        }
        Event::TokenRenewed { organization } => {
            RefreshEvent::new(organization, "renewed").into_bound_py_any(py)
        }
        Event::TokenAdopted { organization } => {
            RefreshEvent::new(organization, "adopted").into_bound_py_any(py)
        }
        Event::RefreshFailed {
            organization,
            error,
        } => RefreshEvent::failed(py, organization, error).into_bound_py_any(py),
        Event::StoreFailed { location, error } => {
            StoreEvent::failed(py, location, error).into_bound_py_any(py)
        }
        Event::StoreSlow { location, duration } => {
            StoreEvent::slow(location, *duration).into_bound_py_any(py)
        }
    }
}

tokio::task_local! {
    /// The context variables of the call that this task carries out, if anybody may want them.
    static CONTEXT: Arc<Py<PyAny>>;
}

/// The context variables of the caller, if somebody listens to what happens next.
pub(crate) fn context(py: Python<'_>, hooks: Option<&Py<Hooks>>) -> PyResult<Option<Py<PyAny>>> {
    let hooked = hooks.is_some_and(|it| it.get().mask != 0);
    if !hooked && LEVEL.load(Ordering::Relaxed) > INFO {
        return Ok(None);
    }
    let context = py.import(intern!(py, "contextvars"))?;
    Ok(Some(context.call_method0("copy_context")?.unbind()))
}

/// Carries `future` out with hooks and log records in `context`.
pub(crate) fn in_context<F: Future>(
    context: Py<PyAny>,
    future: F,
) -> impl Future<Output = F::Output> {
    CONTEXT.scope(Arc::new(context), future)
}

/// Hands warnings that belong to no call, such as of a file that others can read, to `logging`.
pub(crate) fn hand_on_warnings() {
    parallel_account::on_warning(|text| {
        process::attach(|py| {
            let warn = || -> PyResult<()> {
                let events = py.import("parallel_account._events")?;
                let text = (PyString::new(py, text),).into_pyobject(py)?;
                process::call_out(&events.getattr("warn")?, &text)?;
                Ok(())
            };
            if let Err(error) = warn() {
                error.write_unraisable(py, None);
            }
        });
    });
}
