//! The one tokio runtime of the process, made when the first client needs it.

use std::sync::OnceLock;

use parallel_account::Detached;
use tokio::runtime::{Builder, Handle, Runtime};

static RUNTIME: OnceLock<(Runtime, Detached)> = OnceLock::new();

/// Every JavaScript thread of the process shares it: a terminated worker leaves it running, so a
/// refresh that a worker began still reaches the disk.
pub(crate) fn handle() -> Handle {
    detached().runtime().clone()
}

/// The same, for work that no caller may stop.
pub(crate) fn detached() -> Detached {
    let (_, detached) = RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("parallel-account")
            .enable_all()
            .build()
            .expect("the operating system lets this process start a thread");
        let detached = Detached::new(runtime.handle().clone());
        (runtime, detached)
    });
    detached.clone()
}

/// One more than would do, measured: with a single one, calls at once are a fifth slower.
const WORKERS: usize = 2;
