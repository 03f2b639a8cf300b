//! One call from Swift: where it runs, how it is cancelled, and what becomes of a panic.

use std::{
    future::Future,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use futures_util::future::{AbortHandle, AbortRegistration, Abortable, Aborted};
use parallel_account::Error;
use parallel_account::Detached;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};

use crate::error::Failure;

/// The one runtime of the process, made by the first client.
pub(crate) fn runtime() -> &'static Handle {
    detached().runtime()
}

/// The same, for work that no caller may stop.
pub(crate) fn detached() -> &'static Detached {
    static RUNTIME: OnceLock<(Runtime, Detached)> = OnceLock::new();
    let (_, detached) = RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("parallel-account")
            .enable_all()
            .build()
            .expect("a process that cannot start two threads cannot go on");
        let detached = Detached::new(runtime.handle().clone());
        (runtime, detached)
    });
    detached
}

/// What Swift makes before a call, so that a `Task` that is cancelled can say so: UniFFI itself
/// never tells Rust. Good for one call; cancelling before it starts works too.
#[derive(uniffi::Object)]
pub struct Call {
    handle: AbortHandle,
    registration: Mutex<Option<AbortRegistration>>,
}

#[uniffi::export]
impl Call {
    /// A call that has not started.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        let (handle, registration) = AbortHandle::new_pair();
        Arc::new(Call {
            handle,
            registration: Mutex::new(Some(registration)),
        })
    }

    /// Ends the call with [`Failure::Cancelled`], now or as soon as it starts.
    pub fn cancel(&self) {
        self.handle.abort();
    }
}

impl Call {
    /// Runs `future` on the runtime's threads. Swift only sees the end, so that what happens in
    /// between costs no switch between the two worlds.
    pub(crate) async fn run<T, F>(&self, future: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let registration = self
            .registration
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| Error::internal("a call was used twice"))?;
        let mut task = Task(runtime().spawn(Abortable::new(future, registration)));
        match (&mut task.0).await {
            Ok(Ok(result)) => result.map_err(Failure::from),
            Ok(Err(Aborted)) => Err(Failure::Cancelled),
            Err(_) => Err(Error::internal("a panic in a call").into()),
        }
    }
}

/// A spawned future that dies with the one that waits for it.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
