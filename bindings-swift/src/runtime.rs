//! Where calls from Swift run, and what becomes of a panic.

use std::{
    cell::Cell,
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Once, OnceLock},
    thread,
};

use parallel_account::{Detached, Error};
use tokio::runtime::{Builder, Handle, Runtime};

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
pub(crate) fn quietly<T>(make: impl FnOnce() -> T) -> thread::Result<T> {
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

/// For tests: a bug in what answers at once, which panics with `message`.
#[uniffi::export]
pub fn panic_at_once(message: String) -> Result<(), Failure> {
    at_once(|| panic!("{message}"))
}
