//! The one tokio runtime of the process, made when the first client needs it.

use std::sync::OnceLock;
use std::thread::available_parallelism;

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
            .worker_threads(workers())
            .thread_name("parallel-account")
            .enable_all()
            .build()
            .expect("the operating system lets this process start a thread");
        let detached = Detached::new(runtime.handle().clone());
        (runtime, detached)
    });
    detached.clone()
}

/// The calls only wait for sockets, and what one worker gets done keeps a JavaScript thread busy. A
/// second one costs: they hand work to each other, and take a core from JavaScript where there are
/// few.
fn workers() -> usize {
    match available_parallelism() {
        Ok(cores) if cores.get() >= 4 => 2,
        _ => 1,
    }
}
