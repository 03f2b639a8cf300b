//! The one tokio runtime of the process, made when the first client needs it.

use std::io;
use std::panic::catch_unwind;
use std::sync::{Mutex, OnceLock, PoisonError};

use parallel_account::{Detached, Error, Result};
use tokio::runtime::{Builder, Handle, Runtime};

static RUNTIME: OnceLock<(Runtime, Detached)> = OnceLock::new();

/// Every JavaScript thread of the process shares it: a terminated worker leaves it running, so a
/// refresh that a worker began still reaches the disk.
pub(crate) fn handle() -> Result<Handle> {
    detached().map(|detached| detached.runtime().clone())
}

/// The same, for work that no caller may stop.
///
/// # Errors
/// The system has no thread or descriptor to spare; the next call tries again.
pub(crate) fn detached() -> Result<Detached> {
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some((_, detached)) = RUNTIME.get() {
        return Ok(detached.clone());
    }
    let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, detached)) = RUNTIME.get() {
        return Ok(detached.clone());
    }
    let runtime = start().map_err(|error| Error::no_resources("The native runtime", error))?;
    let detached = Detached::new(runtime.handle().clone());
    let (_, detached) = RUNTIME.get_or_init(|| (runtime, detached));
    Ok(detached.clone())
}

fn start() -> io::Result<Runtime> {
    let build = || {
        Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(BLOCKING)
            .thread_name("parallel-account")
            .enable_all()
            .build()
    };
    // tokio reports a lack of descriptors, and panics for want of a thread.
    catch_unwind(build).unwrap_or_else(|_| Err(io::Error::other("no thread could be started")))
}

/// For looking up hosts and for files, which block. Without a limit, 1,000 calls at once to a host by
/// its name had 181 threads.
const BLOCKING: usize = 16;

/// One more than would do, measured: with a single one, calls at once are a fifth slower.
const WORKERS: usize = 2;
