//! Calls from Swift: Swift numbers them, and hears of their ends.
//!
//! Each call could be a future of UniFFI's, but that wakes Swift for each, polls it again, and
//! crosses to Rust eight times. What ends here is queued, and one callback tells of all that has
//! ended by then.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use futures_util::future::{AbortHandle, Abortable};
use parallel_account::Error;

use crate::{
    error::Failure,
    outcome::FfiOutcome,
    runtime::{quietly, runtime},
};

/// A call that has ended.
#[derive(uniffi::Record)]
pub struct FfiEnded {
    /// The number that Swift gave it.
    pub call: u64,
    /// What it came to.
    pub outcome: FfiOutcome,
}

/// Hears of calls that have ended, in Swift. It must return at once.
#[uniffi::export(with_foreign)]
pub trait ForeignDesk: Send + Sync {
    /// Each call that was started is told once.
    fn hear(&self, ended: Vec<FfiEnded>);
}

static DESK: OnceLock<Arc<dyn ForeignDesk>> = OnceLock::new();

/// Names who hears of calls that have ended, once per process and before the first call.
#[uniffi::export]
pub fn hear_of_calls(desk: Arc<dyn ForeignDesk>) {
    let _ = DESK.set(desk);
}

/// Ends a call as cancelled, if it has not ended.
#[uniffi::export]
pub fn cancel_call(call: u64) {
    if let Some(running) = lock(running(call)).get(&call) {
        running.abort();
    }
}

/// For tests: a call with a bug that panics with `message`.
#[uniffi::export]
pub fn panic_in_call(call: u64, message: String) {
    run::<(), _>(call, async move { panic!("{message}") });
}

/// The calls that can be cancelled. Several maps, because several threads begin and end calls.
fn running(call: u64) -> &'static Mutex<HashMap<u64, AbortHandle>> {
    static RUNNING: OnceLock<[Mutex<HashMap<u64, AbortHandle>>; 8]> = OnceLock::new();
    let all = RUNNING.get_or_init(Default::default);
    &all[call as usize % all.len()]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `future` on the runtime's threads; its end is told as that of the call.
pub(crate) fn run<T, F>(call: u64, future: F)
where
    FfiOutcome: From<T>,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    try_run(call, async move { Ok(future.await?) });
}

/// The same for what may be refused at this border.
pub(crate) fn try_run<T, F>(call: u64, future: F)
where
    FfiOutcome: From<T>,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    // In a box, so that the runtime's part of a task is compiled once.
    spawn(
        call,
        Box::pin(async move {
            match future.await {
                Ok(value) => value.into(),
                Err(failure) => failure.into(),
            }
        }),
    );
}

fn spawn(call: u64, future: Pin<Box<dyn Future<Output = FfiOutcome> + Send>>) {
    UNDER_WAY.fetch_add(1, Ordering::Relaxed);
    let end = End {
        call,
        outcome: None,
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return end.with(Failure::from(error).into()),
    };
    let (handle, registration) = AbortHandle::new_pair();
    lock(running(call)).insert(call, handle);
    let task = async move {
        let ended = Abortable::new(future, registration).await;
        // By now the future is dropped: whoever hears of a cancelled call finds its request ended.
        end.with(ended.unwrap_or(FfiOutcome::Cancelled));
    };
    // Where it panics, the task is dropped, which ends the call.
    let _ = quietly(|| runtime.spawn(task));
}

/// Tells that a call has ended, whatever ends it.
struct End {
    call: u64,
    outcome: Option<FfiOutcome>,
}

impl End {
    fn with(mut self, outcome: FfiOutcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| {
            if thread::panicking() {
                Failure::panicked().into()
            } else {
                Failure::Cancelled.into()
            }
        });
        lock(running(self.call)).remove(&self.call);
        let is_last = UNDER_WAY.fetch_sub(1, Ordering::Relaxed) == 1;
        tell(
            FfiEnded {
                call: self.call,
                outcome,
            },
            is_last,
        );
    }
}

/// How many calls have not ended.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// What Swift has not heard of yet. Where there is something, a task is about to tell it.
static ENDED: Mutex<Vec<FfiEnded>> = Mutex::new(Vec::new());

fn tell(ended: FfiEnded, is_last: bool) {
    let is_first = {
        let mut all = lock(&ENDED);
        all.push(ended);
        all.len() == 1
    };
    // No other call could end soon: a call that is alone waits for nobody.
    if is_last {
        return tell_all();
    }
    if !is_first {
        return;
    }
    match runtime() {
        Ok(runtime) => drop(runtime.spawn(async {
            // Whatever is ready by now goes first: it may end calls, too.
            tokio::task::yield_now().await;
            tell_all();
        })),
        Err(_) => tell_all(),
    }
}

fn tell_all() {
    let all = std::mem::take(&mut *lock(&ENDED));
    if let (Some(desk), false) = (DESK.get(), all.is_empty()) {
        desk.hear(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Problem;
    use std::{
        future::{pending, ready},
        sync::mpsc::{Receiver, Sender, TryRecvError, channel},
    };

    /// Passes on what is told of the calls of a test, and how many were told at once.
    #[derive(Default)]
    struct Desk(Mutex<HashMap<u64, Sender<(FfiOutcome, usize)>>>);

    impl ForeignDesk for Desk {
        fn hear(&self, ended: Vec<FfiEnded>) {
            let at_once = ended.len();
            for FfiEnded { call, outcome } in ended {
                if let Some(listener) = lock(&self.0).get(&call) {
                    let _ = listener.send((outcome, at_once));
                }
            }
        }
    }

    /// Hears of these calls. Tests number theirs apart.
    fn listen(calls: impl IntoIterator<Item = u64>) -> Receiver<(FfiOutcome, usize)> {
        static SHARED: OnceLock<Arc<Desk>> = OnceLock::new();
        let desk = SHARED.get_or_init(|| {
            let desk = Arc::new(Desk::default());
            hear_of_calls(desk.clone());
            desk
        });
        let (told, heard) = channel();
        lock(&desk.0).extend(calls.into_iter().map(|call| (call, told.clone())));
        heard
    }

    fn problem(outcome: FfiOutcome) -> Problem {
        match outcome {
            FfiOutcome::Failed(problem) => problem,
            _ => panic!("it must fail"),
        }
    }

    #[test]
    fn a_cancelled_call_is_told_when_its_future_is_gone() {
        let heard = listen([1]);
        let (alive, dropped) = channel::<()>();
        run(1, async move {
            let _alive = alive;
            pending::<Result<(), Error>>().await
        });
        cancel_call(1);
        assert!(matches!(heard.recv().unwrap().0, FfiOutcome::Cancelled));
        assert_eq!(dropped.try_recv(), Err(TryRecvError::Disconnected));
        // It has ended, and is not told again.
        cancel_call(1);
        assert!(!lock(running(1)).contains_key(&1));
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn a_panic_shows_nothing_of_its_message() {
        let heard = listen([2]);
        panic_in_call(2, "canary-secret".into());
        let problem = problem(heard.recv().unwrap().0);
        assert_eq!(problem.code, "internal");
        assert!(problem.outcome_unknown);
        assert!(!problem.message.contains("canary"));
    }

    #[test]
    fn what_this_border_refuses_is_told_as_a_failure() {
        let heard = listen([3]);
        try_run::<(), _>(3, ready(Err(crate::client::refused("config", "no".into()))));
        assert_eq!(problem(heard.recv().unwrap().0).code, "config");
    }

    #[test]
    fn calls_that_end_together_are_told_together_and_each_once() {
        let calls = 1_000..2_000;
        let heard = listen(calls.clone().chain([4]));
        // None of the others is alone.
        run(4, pending::<Result<(), Error>>());
        for call in calls.clone() {
            run(call, ready(Ok(call.to_string())));
        }
        let mut texts = Vec::new();
        let mut most = 0;
        for _ in calls.clone() {
            let (outcome, at_once) = heard.recv().unwrap();
            most = most.max(at_once);
            match outcome {
                FfiOutcome::Text(text) => texts.push(text),
                _ => panic!("it must answer a text"),
            }
        }
        texts.sort_unstable();
        assert!(texts.into_iter().eq(calls.map(|call| call.to_string())));
        assert!(most > 1);
        cancel_call(4);
        assert!(matches!(heard.recv().unwrap().0, FfiOutcome::Cancelled));
        assert!(heard.try_recv().is_err());
    }
}
