//! Where work runs that no caller may stop.

use crate::{Error, Result};
use std::{
    future::pending,
    io,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};
use tokio::runtime::{Builder, Handle};
use tokio_util::task::TaskTracker;

/// A runtime for work that no caller may stop, and the count of that work. For bindings.
#[derive(Clone, Debug)]
pub struct Detached {
    runtime: Handle,
    running: TaskTracker,
}

impl Detached {
    /// Counts what runs detached on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        let running = TaskTracker::new();
        // One that can be waited for at any time: "closed" is what its crate calls that.
        running.close();
        Detached { runtime, running }
    }

    /// The runtime itself.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Resolves when nothing runs detached here, of any client.
    pub async fn settled(&self) {
        self.running.wait().await;
    }

    pub(crate) fn running(&self) -> &TaskTracker {
        &self.running
    }
}

/// One thread, started when it is first needed: a caller's runtime may stand still, or end.
#[derive(Default)]
pub(super) struct Executor(Mutex<Option<Detached>>);

impl Executor {
    pub(super) fn detached(&self) -> Result<Detached> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(detached) = &*made {
            return Ok(detached.clone());
        }
        let detached = Detached::new(
            start().map_err(|error| Error::no_resources("The background thread", error))?,
        );
        *made = Some(detached.clone());
        Ok(detached)
    }
}

/// The runtime is made in the thread, as dropping one where async code runs panics.
fn start() -> io::Result<Handle> {
    let (made, runtime) = mpsc::channel();
    thread::Builder::new()
        .name("parallel-account".into())
        .spawn(
            move || match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    let _ = made.send(Ok(runtime.handle().clone()));
                    runtime.block_on(pending::<()>());
                }
                Err(error) => drop(made.send(Err(error))),
            },
        )?;
    runtime
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("it ended at once")))
}
