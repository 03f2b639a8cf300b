//! One call from Swift: where it runs, how it is cancelled, and what becomes of a panic.

use std::{
    cell::Cell,
    future::Future,
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, Once, OnceLock, PoisonError},
    thread,
};

use futures_util::future::{AbortHandle, AbortRegistration, Abortable, Aborted};
use parallel_account::Detached;
use parallel_account::Error;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};

use crate::error::Failure;

/// The one runtime of the process, made by the first client, or why there is none.
pub(crate) fn runtime() -> Result<&'static Handle, Error> {
    Ok(detached()?.runtime())
}

/// The same, for work that no caller may stop.
pub(crate) fn detached() -> Result<&'static Detached, Error> {
    static RUNTIME: OnceLock<(Runtime, Detached)> = OnceLock::new();
    let (_, detached) = match RUNTIME.get() {
        Some(made) => made,
        None => {
            let runtime = quietly(make_runtime)
                .unwrap_or_else(|_| Err(io::Error::other("a thread could not be started")))
                .map_err(|error| Error::no_resources("The background threads", error))?;
            let detached = Detached::new(runtime.handle().clone());
            // Of two that are made at once, one stays.
            RUNTIME.get_or_init(|| (runtime, detached))
        }
    };
    Ok(detached)
}

/// For looking up hosts and for files, which block. Without a limit, each call could have a thread.
const BLOCKING: usize = 16;

/// Tokio panics where a thread cannot be started, and answers an error where descriptors are used
/// up.
fn make_runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING)
        .thread_name("parallel-account")
        .on_thread_start(|| QUIET.set(true))
        .enable_all()
        .build()
}

thread_local! {
    /// Whether this thread is at work for this library.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic of this library says where it was and nothing else: its message could quote
/// a secret. Panics of other Rust that the program may have linked stay as they are.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| match info.location() {
            Some(place) if QUIET.get() => {
                eprintln!("parallel-account: a bug at {place}; please report it");
            }
            _ => others(info),
        }));
    });
}

/// Catches a panic of `make` on a thread of Swift's.
fn quietly<T>(make: impl FnOnce() -> T) -> thread::Result<T> {
    keep_panics_quiet();
    let before = QUIET.replace(true);
    let made = panic::catch_unwind(AssertUnwindSafe(make));
    QUIET.set(before);
    made
}

/// What is answered at once, on a thread of Swift's.
pub(crate) fn at_once<T>(make: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    quietly(make).unwrap_or_else(|_| Err(Failure::panicked()))
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

    /// For tests: a call with a bug that panics with `message`.
    pub async fn panic(&self, message: String) -> Result<(), Failure> {
        self.run(async move { panic!("{message}") }).await
    }

    /// For tests: the same in what answers at once.
    pub fn panic_at_once(&self, message: String) -> Result<(), Failure> {
        at_once(|| panic!("{message}"))
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
        let mut task = Task(runtime()?.spawn(Abortable::new(future, registration)));
        match (&mut task.0).await {
            Ok(Ok(result)) => result.map_err(Failure::from),
            Ok(Err(Aborted)) => Err(Failure::Cancelled),
            Err(_) => Err(Failure::panicked()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::future::pending;

    fn wait<T>(future: impl Future<Output = T>) -> T {
        runtime().expect("a runtime").block_on(future)
    }

    fn problem<T>(result: Result<T, Failure>) -> crate::error::Problem {
        match result {
            Err(Failure::Failed { problem }) => *problem,
            _ => panic!("it must fail"),
        }
    }

    #[test]
    fn a_call_can_be_cancelled_before_it_starts_and_while_it_runs() {
        let early = Call::new();
        early.cancel();
        let ended = wait(early.run(pending::<Result<(), Error>>()));
        assert!(matches!(ended, Err(Failure::Cancelled)));

        let running = Call::new();
        let mut waiting = Box::pin(running.run(pending::<Result<(), Error>>()));
        assert!(wait(async { waiting.as_mut().now_or_never() }).is_none());
        running.cancel();
        assert!(matches!(wait(waiting), Err(Failure::Cancelled)));
    }

    #[test]
    fn what_runs_is_stopped_when_nobody_waits_any_more() {
        let (alive, dropped) = tokio::sync::oneshot::channel::<()>();
        let call = Call::new();
        let mut waiting = Box::pin(call.run(async move {
            let _alive = alive;
            pending::<Result<(), Error>>().await
        }));
        assert!(wait(async { waiting.as_mut().now_or_never() }).is_none());
        drop(waiting);
        assert!(wait(dropped).is_err());
    }

    #[test]
    fn a_call_is_good_for_one_run() {
        let call = Call::new();
        assert!(wait(call.run(async { Ok(()) })).is_ok());
        assert_eq!(problem(wait(call.run(async { Ok(()) }))).code, "internal");
    }

    #[test]
    fn a_panic_shows_nothing_of_its_message() {
        for ended in [
            wait(Call::new().panic("canary-secret".into())),
            Call::new().panic_at_once("canary-secret".into()),
        ] {
            let problem = problem(ended);
            assert_eq!(problem.code, "internal");
            assert!(problem.outcome_unknown);
            assert!(!problem.message.contains("canary"));
        }
    }
}
