//! What belongs to one process: the background runtime, and the knowledge that a fork happened.
//!
//! A tokio runtime does not survive `fork`: its threads exist in the parent only. Each process
//! therefore has a generation of its own. A child starts the next one and leaves everything of
//! its parent alone, not even dropping it: a lock in it may have been held at the fork.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, TryLockError, Weak, mpsc};
use std::{io, mem, thread};

use parallel_account::{Detached, Error};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::runtime::{Builder, Handle, Runtime};

type Work = Box<dyn FnOnce(Python<'_>) + Send>;

struct Generation {
    number: u32,
    background: OnceLock<(Runtime, Detached)>,
    dispatcher: OnceLock<mpsc::Sender<Work>>,
    /// Held while one of these two is made.
    making: Mutex<()>,
    /// Those of threads that make blocking calls.
    runtimes: Mutex<Vec<Weak<Runtime>>>,
    /// Whether the interpreter is ending; held for reading by background threads that use it.
    ending: RwLock<bool>,
    /// Whether Python was asked to do something at exit.
    watched: AtomicBool,
    next: OnceLock<Box<Generation>>,
}

impl Generation {
    const fn new(number: u32) -> Self {
        Self {
            number,
            background: OnceLock::new(),
            dispatcher: OnceLock::new(),
            making: Mutex::new(()),
            runtimes: Mutex::new(Vec::new()),
            ending: RwLock::new(false),
            watched: AtomicBool::new(false),
            next: OnceLock::new(),
        }
    }
}

/// Two: measured faster than one and than four.
const WORKERS: usize = 2;
const NAME: &str = "parallel-account";

static FIRST: Generation = Generation::new(0);

fn current() -> &'static Generation {
    let mut generation = &FIRST;
    while let Some(next) = generation.next.get() {
        generation = next;
    }
    generation
}

/// What each process has its own of: a forked child must not wait for a lock of its parent's.
pub(crate) struct PerProcess<T> {
    generation: u32,
    value: T,
    next: OnceLock<Box<PerProcess<T>>>,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            generation: generation(),
            value,
            next: OnceLock::new(),
        }
    }

    /// This process's, made first if need be.
    pub(crate) fn get(&self, make: impl Fn() -> T) -> &T {
        let mut this = self;
        while this.generation != generation() {
            if let Some(next) = this.next.get() {
                this = next;
            } else {
                // Somebody else of this process may have been faster.
                let _ = this.next.set(Box::new(PerProcess::new(make())));
            }
        }
        &this.value
    }
}

/// How many forks lie between this process and the one that imported the module.
pub(crate) fn generation() -> u32 {
    current().number
}

/// Shows the runtimes of this process's threads.
pub(crate) fn runtimes(look: impl FnOnce(&mut Vec<Weak<Runtime>>)) {
    let runtimes = &current().runtimes;
    look(&mut runtimes.lock().unwrap_or_else(PoisonError::into_inner));
}

/// What `slot` holds, made first if need be.
fn made<T>(
    generation: &Generation,
    slot: &'static OnceLock<T>,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<&'static T> {
    let _making = generation
        .making
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    match slot.get() {
        Some(made) => Ok(made),
        None => make().map(|made| slot.get_or_init(|| made)),
    }
}

/// The runtime that carries asyncio's calls and detached refreshes.
/// Made at the first call that needs it; it lives as long as the process.
pub(crate) fn background() -> Result<Handle, Error> {
    Ok(detached()?.runtime().clone())
}

/// The same, for work that no caller may stop.
pub(crate) fn detached() -> Result<Detached, Error> {
    let generation = current();
    let slot = &generation.background;
    let made = match slot.get() {
        Some(made) => Ok(made),
        None => made(generation, slot, || {
            try_threads(WORKERS)?;
            let runtime = Builder::new_multi_thread()
                .worker_threads(WORKERS)
                .thread_name(NAME)
                .enable_all()
                .build()?;
            let detached = Detached::new(runtime.handle().clone());
            Ok((runtime, detached))
        }),
    };
    made.map(|(_, detached)| detached.clone())
        .map_err(|error| Error::no_resources("The background runtime", error))
}

/// Whether the system gives as many threads: where it does not, tokio panics.
fn try_threads(count: usize) -> io::Result<()> {
    let mut started = Vec::new();
    let mut result = Ok(());
    while result.is_ok() && started.len() < count {
        let thread = thread::Builder::new().name(NAME.into());
        // Parked, so that they exist all at once.
        result = thread.spawn(thread::park).map(|it| started.push(it));
    }
    for thread in started {
        thread.thread().unpark();
        let _ = thread.join();
    }
    result
}

/// Has `work` done, which returns soon, by a thread that is attached to Python. It is not done
/// once the interpreter is ending. [`crate::exit::watch`] must have been called.
pub(crate) fn dispatch(work: Work) -> Result<(), Error> {
    let generation = current();
    let slot = &generation.dispatcher;
    let dispatcher = match slot.get() {
        Some(made) => Ok(made),
        None => made(generation, slot, || {
            let (sender, works) = mpsc::channel::<Work>();
            thread::Builder::new().name(NAME.into()).spawn(move || {
                for work in works {
                    attach(work);
                }
            })?;
            Ok(sender)
        }),
    };
    // Its thread never ends, so there is always a receiver.
    let _ = dispatcher
        .map_err(|error| Error::no_resources("The thread that serves stores", error))?
        .send(work);
    Ok(())
}

/// Briefly attaches a background thread to Python; None once the interpreter is ending.
///
/// Until CPython 3.14, a thread that asks for the GIL of an ending interpreter is torn down where
/// it stands, which Rust's frames do not survive. So exit waits for those that are within, and
/// nobody enters after. [`crate::exit::watch`] must have been called.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let ending = &current().ending;
    // Exit alone writes. Waiting for it here could wait for oneself, as this may be nested.
    let ending = match ending.try_read() {
        Ok(ending) => ending,
        Err(TryLockError::Poisoned(ending)) => ending.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    if *ending {
        return None;
    }
    Python::try_attach(work)
}

/// Calls Python code that may take long or wait, such as a store's method.
///
/// Until CPython 3.14, a thread that comes back from waiting to an ending interpreter is torn down,
/// and Rust's frames do not survive that: it stops for good at this one instead, as pyo3 has it
/// where it waits itself.
#[expect(unsafe_code, reason = "pyo3's own call must not be unwound through")]
pub(crate) fn call_out<'py>(
    callable: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    struct StopHere;
    impl Drop for StopHere {
        fn drop(&mut self) {
            loop {
                thread::park();
            }
        }
    }
    type CallObject = unsafe extern "C-unwind" fn(
        *mut pyo3::ffi::PyObject,
        *mut pyo3::ffi::PyObject,
    ) -> *mut pyo3::ffi::PyObject;
    let call: unsafe extern "C" fn(_, _) -> _ = pyo3::ffi::PyObject_CallObject;
    // SAFETY: the same function; only unwinding is allowed for as well.
    let call: CallObject = unsafe { mem::transmute(call) };
    let stop = StopHere;
    // SAFETY: both are objects, and this thread is attached.
    let result = unsafe { call(callable.as_ptr(), arguments.as_ptr()) };
    mem::forget(stop);
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(callable.py(), result) }
}

/// Whether this process does not yet wait for its end; false from the second call on.
pub(crate) fn watch_begins() -> bool {
    !current().watched.swap(true, Ordering::Relaxed)
}

/// What runs detached in this process, if anything ever did.
pub(crate) fn detached_if_any() -> Option<Detached> {
    let (_, detached) = current().background.get()?;
    Some(detached.clone())
}

/// Waits for those that are within [`attach`], and lets nobody in from here on.
pub(crate) fn end() {
    let ending = &current().ending;
    *ending.write().unwrap_or_else(PoisonError::into_inner) = true;
}

/// Called by Python in a forked child, while that child has one thread.
#[pyfunction]
pub(crate) fn _after_fork() {
    let parent = current();
    let _ = parent
        .next
        .set(Box::new(Generation::new(parent.number.wrapping_add(1))));
}

/// Asks Python to call [`_after_fork`]; starts nothing.
pub(crate) fn watch_forks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let os = py.import("os")?;
    // Windows has no fork.
    if let Some(register) = os.getattr_opt("register_at_fork")? {
        let arguments = pyo3::types::PyDict::new(py);
        arguments.set_item("after_in_child", module.getattr("_after_fork")?)?;
        register.call((), Some(&arguments))?;
    }
    Ok(())
}
