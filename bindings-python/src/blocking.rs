//! Blocking calls: a current-thread runtime for each calling thread.
//!
//! No other thread takes part in a call, so nothing is handed over and nothing has to wake up:
//! this is what makes a blocking call fast.

use std::cell::RefCell;
use std::future::Future;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parallel_account::Error;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{errors, process};

/// How long Ctrl-C may go unnoticed.
pub(crate) const SIGNAL_CHECK: Duration = Duration::from_millis(60);

/// After such a pause, connections that the server has closed meanwhile are looked for first.
const STALE_AFTER: Duration = Duration::from_secs(1);

struct Local {
    generation: u32,
    main_thread: bool,
    last_call: Instant,
    runtime: Arc<Runtime>,
}

struct Slot(RefCell<Option<Local>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(local) = self.0.take() {
            // The main thread ends with the process, when half of what a runtime needs may be
            // gone already; a runtime from before a fork must not be touched at all.
            if local.main_thread || local.generation != process::generation() {
                mem::forget(local);
            }
        }
    }
}

thread_local! {
    static LOCAL: Slot = const { Slot(RefCell::new(None)) };
}

/// This thread's runtime, whether it is the main thread, and whether it made no call for a while.
///
/// Nothing of Python's runs while the slot is borrowed: the garbage collector could run there,
/// and with it a destructor that makes a call.
fn local(py: Python<'_>) -> PyResult<(Arc<Runtime>, bool, bool)> {
    let generation = process::generation();
    let known = || {
        LOCAL.with(|slot| {
            let mut slot = slot.0.borrow_mut();
            let local = slot.as_mut().filter(|it| it.generation == generation)?;
            let now = Instant::now();
            let idle = now.duration_since(mem::replace(&mut local.last_call, now)) > STALE_AFTER;
            Some((local.runtime.clone(), local.main_thread, idle))
        })
    };
    if let Some(known) = known() {
        return Ok(known);
    }
    let made = Local {
        generation,
        main_thread: is_main_thread(py),
        last_call: Instant::now(),
        runtime: runtime(py)?,
    };
    // Such a destructor may have been faster.
    if let Some(known) = known() {
        return Ok(known);
    }
    let result = (made.runtime.clone(), made.main_thread, false);
    LOCAL.with(|slot| {
        // What was there comes from before a fork.
        mem::forget(slot.0.replace(Some(made)));
    });
    Ok(result)
}

fn runtime(py: Python<'_>) -> PyResult<Arc<Runtime>> {
    let runtime = errors::guard(py, || {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| Error::no_resources("The runtime of this thread", error))
    })?;
    let runtime = Arc::new(runtime);
    process::runtimes(|all| {
        all.retain(|it| it.strong_count() > 0);
        all.push(Arc::downgrade(&runtime));
    });
    Ok(runtime)
}

/// Lets the tasks of `runtime` act on what happened while nobody drove it: once for the driver to
/// see it, once for the connections to act on it.
fn turn(runtime: &Runtime) {
    runtime.block_on(async {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    });
}

/// Gives every thread's runtime a turn, so that connections that were closed give their
/// descriptors back, however long their threads make no call. A runtime that is in use is not
/// waited for: its own thread drives it.
pub(crate) fn turn_all(py: Python<'_>) {
    // In a destructor that happens to run on a thread of tokio's, where none can be driven.
    if Handle::try_current().is_ok() {
        return;
    }
    let mut runtimes = Vec::new();
    process::runtimes(|all| runtimes.extend(all.iter().filter_map(Weak::upgrade)));
    // Dropping the last hold on one can wait as well.
    py.detach(|| runtimes.into_iter().for_each(|it| turn(&it)));
}

pub(crate) fn is_main_thread(py: Python<'_>) -> bool {
    let ask = || -> PyResult<bool> {
        let threading = py.import("threading")?;
        let main = threading.call_method0("main_thread")?;
        main.getattr("ident")?
            .eq(threading.call_method0("get_ident")?)
    };
    // While the interpreter ends, the module may be gone: then no signal matters any more.
    ask().unwrap_or(false)
}

/// Runs `future` on the calling thread without the GIL. On the main thread, signal handlers run
/// meanwhile, and what they raise (`KeyboardInterrupt`) drops the future and is raised.
pub(crate) fn run<F>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    // In a hook or a handler of `logging`, which the core calls while it carries out a call.
    if Handle::try_current().is_ok() {
        return Err(errors::config(
            py,
            "A blocking call cannot be made from an event hook or a logging handler of this \
             library. Make it after the call that is in progress.",
        ));
    }
    let (runtime, main_thread, idle) = local(py)?;
    let mut future = pin!(future);
    if idle {
        py.detach(|| turn(&runtime));
    }
    if !main_thread {
        return Ok(py.detach(|| runtime.block_on(future)));
    }
    loop {
        let turn = async { tokio::time::timeout(SIGNAL_CHECK, future.as_mut()).await };
        // Handlers run outside `block_on`, so that they may make calls themselves.
        if let Ok(output) = py.detach(|| runtime.block_on(turn)) {
            return Ok(output);
        }
        py.check_signals()?;
    }
}
