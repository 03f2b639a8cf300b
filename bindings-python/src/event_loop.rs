//! How finished calls reach an asyncio event loop: in batches, through one descriptor.
//!
//! Waking a loop is what an asynchronous call costs most. Completions are queued, the loop is
//! woken once for all that are waiting, and the thread of the loop does everything that needs
//! Python. The background threads hold no Python object and never wait for the GIL.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use crate::desk::Place;
use crate::job::StoreCall;
use crate::reply::{Awaited, Reply};
use crate::{exit, process, trio};

/// A call that a loop waits for.
struct Waiting {
    call: Box<dyn Awaited>,
    future: Py<PyAny>,
}

/// The part of a [`Hub`] that background threads see.
pub(crate) struct Mailbox {
    generation: u32,
    bell: Bell,
    closed: AtomicBool,
    next_id: AtomicU64,
    event_loop: Py<PyWeakrefReference>,
    finished: Mutex<Vec<(u64, Reply)>>,
    /// Calls of stores that the loop is to make.
    calls: Mutex<Vec<StoreCall>>,
    /// Touched by the loop's thread only.
    waiting: Mutex<HashMap<u64, Waiting>>,
}

/// What wakes the loop.
enum Bell {
    #[cfg(unix)]
    Descriptor {
        ring: std::os::unix::net::UnixStream,
        hear: std::os::unix::net::UnixStream,
    },
    /// For loops that cannot watch a descriptor, such as the proactor of Windows.
    ThreadsafeCall(PyOnceLock<Py<PyWeakrefReference>>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    /// Registers a call and answers the number under which it is to be finished.
    pub(crate) fn expect(&self, call: Box<dyn Awaited>, future: Py<PyAny>) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        lock(&self.waiting).insert(id, Waiting { call, future });
        id
    }

    /// The call is no longer waited for.
    pub(crate) fn forget(&self, id: u64) {
        let waiting = lock(&self.waiting).remove(&id);
        drop(waiting);
    }

    /// Belongs to this process, not to the one that it was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == process::generation()
    }

    /// From a background thread: the call `id` is finished.
    pub(crate) fn finish(&self, id: u64, reply: Reply) {
        {
            let mut finished = lock(&self.finished);
            // Kept, it could keep the loop alive: an error refers to where it was raised.
            if self.closed.load(Ordering::Acquire) {
                return;
            }
            finished.push((id, reply));
            if finished.len() > 1 {
                return;
            }
        }
        self.ring();
    }

    fn ring(&self) {
        match &self.bell {
            #[cfg(unix)]
            Bell::Descriptor { ring, .. } => {
                use std::io::Write;
                // A full buffer rings already; a closed one has nobody to hear.
                let _ = (&mut &*ring).write(&[1]);
            }
            Bell::ThreadsafeCall(hub) => {
                // None: the interpreter is ending, and nobody waits.
                process::attach(|py| {
                    let event_loop = self.event_loop.bind(py).upgrade();
                    let hub = hub.get(py).and_then(|hub| hub.bind(py).upgrade());
                    if let (Some(event_loop), Some(hub)) = (event_loop, hub) {
                        // It fails when the loop is closed: nobody waits then either.
                        let _ =
                            event_loop.call_method1(intern!(py, "call_soon_threadsafe"), (hub,));
                    }
                });
            }
        }
    }
}

impl Place for Mailbox {
    fn offer(&self, call: StoreCall) -> Result<(), StoreCall> {
        {
            let mut calls = lock(&self.calls);
            if self.closed.load(Ordering::Acquire) {
                return Err(call);
            }
            calls.push(call);
        }
        self.ring();
        Ok(())
    }

    /// A loop that was stopped and not closed takes what it never does.
    fn is_alive(&self) -> bool {
        let runs = process::attach(|py| -> PyResult<bool> {
            match self.event_loop.bind(py).upgrade() {
                Some(it) => it.call_method0(intern!(py, "is_running"))?.extract(),
                None => Ok(false),
            }
        });
        !matches!(runs, Some(Ok(false)))
    }
}

/// One per event loop; owned by it as the callback of its descriptor, so that closing the loop
/// ends the calls that it waited for.
#[pyclass(frozen, weakref, module = "parallel_account._native")]
pub(crate) struct Hub(Arc<Mailbox>);

#[pymethods]
impl Hub {
    /// The loop was woken: hands over everything that is finished.
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let mailbox = &*self.0;
        #[cfg(unix)]
        if let Bell::Descriptor { hear, .. } = &mailbox.bell {
            use std::io::Read;
            let _ = (&mut &*hear).read(&mut [0; 16]);
        }
        let finished = mem::take(&mut *lock(&mailbox.finished));
        for (id, reply) in finished {
            let waiting = lock(&mailbox.waiting).remove(&id);
            if let Some(Waiting { call, future }) = waiting {
                call.answer(reply(py));
                // It refuses when the future was cancelled just now: the call will hear of it.
                let _ = future.call_method1(py, intern!(py, "set_result"), (py.None(),));
            }
        }
        let calls = mem::take(&mut *lock(&mailbox.calls));
        for call in calls {
            let run = py.import("parallel_account._store_calls")?;
            let call = (call,).into_pyobject(py)?;
            process::call_out(&run.getattr("run_on_loop")?, &call)?;
        }
        Ok(())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let mailbox = &self.0;
        mailbox.closed.store(true, Ordering::Release);
        let waiting = mem::take(&mut *lock(&mailbox.waiting));
        // In a forked child, a thread of the parent's may hold the other locks for good.
        if mailbox.is_ours() {
            let finished = mem::take(&mut *lock(&mailbox.finished));
            let calls = mem::take(&mut *lock(&mailbox.calls));
            drop((finished, calls));
            for waiting in waiting.values() {
                waiting.call.abort();
            }
        }
    }
}

/// The mailboxes of the loops that have run in a thread, nearly always one, each with the address
/// of its loop, which another may have by now.
type Known = Vec<(usize, Arc<Mailbox>)>;

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(Vec::new()) };
}

/// The running event loop and its mailbox; None within trio.
pub(crate) fn current(py: Python<'_>) -> PyResult<Option<(Bound<'_, PyAny>, Arc<Mailbox>)>> {
    static GET_RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let running = GET_RUNNING_LOOP
        .import(py, "asyncio", "get_running_loop")?
        .call0();
    let Ok(event_loop) = running else {
        if trio::is_running(py) {
            return Ok(None);
        }
        return Err(PyRuntimeError::new_err(
            "AsyncAccountClient needs a running event loop (asyncio, uvloop or trio); use \
             AccountClient for blocking calls",
        ));
    };
    // Nothing of Python's runs while the list is borrowed: a destructor could make a call.
    let address = event_loop.as_ptr() as usize;
    let known = KNOWN.with_borrow(|known| {
        let mut known = known.iter();
        let found = known.find(|(it, mailbox)| *it == address && mailbox.is_ours());
        found.map(|(_, mailbox)| mailbox.clone())
    });
    if let Some(mailbox) = known
        && mailbox
            .event_loop
            .bind(py)
            .upgrade()
            .is_some_and(|it| it.is(&event_loop))
    {
        return Ok(Some((event_loop, mailbox)));
    }
    let mailbox = attach(&event_loop)?;
    let known = KNOWN.take();
    let (mut alive, stale) = known
        .into_iter()
        .partition::<Known, _>(|(_, it)| it.event_loop.bind(py).upgrade().is_some());
    alive.push((address, mailbox.clone()));
    KNOWN.with_borrow_mut(|known| known.append(&mut alive));
    drop(stale);
    Ok(Some((event_loop, mailbox)))
}

fn attach(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Mailbox>> {
    #[cfg(unix)]
    {
        use crate::errors;
        use parallel_account::Error;
        use std::os::fd::AsRawFd;
        use std::os::unix::net::UnixStream;
        let (ring, hear) = errors::guard(event_loop.py(), || {
            let pair = UnixStream::pair().and_then(|(ring, hear)| {
                ring.set_nonblocking(true)?;
                hear.set_nonblocking(true)?;
                Ok((ring, hear))
            });
            pair.map_err(|error| Error::no_resources("Waiting on the event loop", error))
        })?;
        let descriptor = hear.as_raw_fd();
        let (hub, mailbox) = Hub::new(event_loop, Bell::Descriptor { ring, hear })?;
        if event_loop
            .call_method1("add_reader", (descriptor, hub))
            .is_ok()
        {
            return Ok(mailbox);
        }
    }
    exit::watch(event_loop.py())?;
    let bell = Bell::ThreadsafeCall(PyOnceLock::new());
    let (hub, mailbox) = Hub::new(event_loop, bell)?;
    // The loop owns the hub, as it does through `add_reader`.
    event_loop.setattr("_parallel_account_hub", hub)?;
    Ok(mailbox)
}

impl Hub {
    fn new<'py>(
        event_loop: &Bound<'py, PyAny>,
        bell: Bell,
    ) -> PyResult<(Bound<'py, Self>, Arc<Mailbox>)> {
        let py = event_loop.py();
        let mailbox = Arc::new(Mailbox {
            generation: process::generation(),
            bell,
            closed: AtomicBool::new(false),
            next_id: AtomicU64::new(0),
            event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
            finished: Mutex::default(),
            calls: Mutex::default(),
            waiting: Mutex::default(),
        });
        let hub = Bound::new(py, Self(mailbox.clone()))?;
        #[cfg_attr(not(unix), expect(irrefutable_let_patterns))]
        if let Bell::ThreadsafeCall(slot) = &mailbox.bell {
            let _ = slot.set(py, PyWeakrefReference::new(hub.as_any())?.unbind());
        }
        Ok((hub, mailbox))
    }
}
