//! The way between one JavaScript thread and the runtime.
//!
//! TypeScript numbers each call and keeps its promise; the runtime answers with that number.
//! Answers queue up and one wake-up of the event loop delivers all that are there, because the
//! wake-ups are what an asynchronous call costs. Nothing here blocks either side.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use napi::bindgen_prelude::ToNapiValue;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use parallel_account::{AccountClient, Error, ResponseSlot};
use tokio::task::AbortHandle;

use crate::batch::{Batch, HostCall, IntoJs, Message};
use crate::failure::Problem;
use crate::kept::{Keeper, Kept};
use crate::questions::{Answer, Questions};
use crate::runtime;

pub(crate) type Wake = ThreadsafeFunction<(), (), Batch, Status, false, true>;

/// What the runtime's threads may touch.
pub(crate) struct Shared {
    queue: Mutex<Vec<Message>>,
    /// True from the first message queued until the event loop has taken the queue.
    waking: AtomicBool,
    event_loop: Mutex<EventLoop>,
    running: Mutex<HashMap<u32, AbortHandle>>,
    questions: Mutex<Questions>,
    /// Calls whose answers somebody wants to see besides their values. Touched on the JavaScript
    /// thread alone.
    seen: Mutex<HashSet<u32>>,
    /// What channels have subscribers, or loggers want: the bits of `events.rs`.
    pub(crate) listening: AtomicU32,
}

struct EventLoop {
    wake: Option<Wake>,
    /// Calls that are not settled, or whose client works on: the event loop stays alive for these
    /// alone.
    pending: usize,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::default(),
            waking: AtomicBool::new(false),
            event_loop: Mutex::new(EventLoop {
                wake: None,
                pending: 0,
            }),
            running: Mutex::default(),
            questions: Mutex::default(),
            seen: Mutex::default(),
            listening: AtomicU32::new(0),
        }
    }

    /// Wakes the event loop by this from now on.
    pub(crate) fn wake_by(&self, wake: Wake) {
        lock(&self.event_loop).wake = Some(wake);
    }

    /// What JavaScript keeps under that number.
    pub(crate) fn kept(self: &Arc<Self>, number: u32) -> Kept {
        Kept {
            keeper: Arc::clone(self) as Arc<dyn Keeper>,
            number,
        }
    }

    /// Stops a call: its future is dropped.
    pub(crate) fn cancel(&self, call: u32) {
        if let Some(task) = lock(&self.running).remove(&call) {
            task.abort();
        }
    }

    /// Has the answer of a call handed over before its value.
    pub(crate) fn see(&self, call: u32) {
        lock(&self.seen).insert(call);
    }

    /// The JavaScript thread has ended: nobody is left to hear the answers.
    pub(crate) fn end(&self) {
        for (_, task) in lock(&self.running).drain() {
            task.abort();
        }
        lock(&self.event_loop).wake = None;
        self.listening.store(0, Ordering::Relaxed);
        self.forget_all();
    }

    /// Runs `work` on the runtime; its end settles the promise numbered `call`, exactly once.
    pub(crate) fn run<T, F>(self: &Arc<Self>, env: Env, call: u32, work: F)
    where
        T: ToNapiValue + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.start(env, call, None, None, boxed(work));
    }

    /// The same for a call of `client`. It holds the event loop until nothing of the client runs
    /// detached, for a process that ended before would lose the tokens that a refresh brings.
    pub(crate) fn run_for<T, F>(
        self: &Arc<Self>,
        client: &AccountClient,
        env: Env,
        call: u32,
        work: F,
    ) where
        T: ToNapiValue + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.start(env, call, Some(client.clone()), None, boxed(work));
    }

    /// The same for a call whose answer goes to `slot`.
    pub(crate) fn run_seen<T, F>(
        self: &Arc<Self>,
        client: &AccountClient,
        slot: ResponseSlot,
        env: Env,
        call: u32,
        work: F,
    ) where
        T: ToNapiValue + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.start(env, call, Some(client.clone()), Some(slot), boxed(work));
    }

    fn start(
        self: &Arc<Self>,
        env: Env,
        call: u32,
        client: Option<AccountClient>,
        slot: Option<ResponseSlot>,
        work: Work,
    ) {
        self.hold(env);
        let ticket = Ticket {
            shared: Arc::clone(self),
            call,
            client,
            slot,
            unsettled: true,
        };
        let runtime = match runtime::handle() {
            Ok(runtime) => runtime,
            Err(error) => return ticket.settle(Err(Problem::Error(error))),
        };
        let task = runtime.spawn(async move {
            ticket.settle(match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => Err(Problem::Error(error)),
                Err(_panic) => Err(Problem::Panic),
            });
        });
        // Removed by `take`, on this same thread, so never before it is here.
        lock(&self.running).insert(call, task.abort_handle());
    }

    /// Calls a method of a store.
    pub(crate) async fn ask(&self, call: HostCall) -> Answer {
        let (question, receiver) = lock(&self.questions).ask();
        let _forget = Question {
            shared: self,
            question,
        };
        self.push(Message::Ask { question, call });
        receiver.await.unwrap_or(Answer::Gone)
    }

    pub(crate) fn push(&self, message: Message) {
        lock(&self.queue).push(message);
        if self.waking.swap(true, Ordering::AcqRel) {
            return;
        }
        let status = match &lock(&self.event_loop).wake {
            Some(wake) => wake.call((), ThreadsafeFunctionCallMode::NonBlocking),
            None => Status::Closing,
        };
        if status != Status::Ok {
            // Whoever pushes next must find out as well.
            self.waking.store(false, Ordering::Release);
            self.forget_all();
        }
    }

    /// On the JavaScript thread: everything queued, and the hold on the event loop given back.
    pub(crate) fn take(&self, env: Env) -> Batch {
        self.waking.store(false, Ordering::Release);
        let mut messages = std::mem::take(&mut *lock(&self.queue));
        let (mut held, mut released) = (0, 0);
        {
            let mut running = lock(&self.running);
            let mut seen = lock(&self.seen);
            for message in &mut messages {
                match message {
                    Message::Settled { call, slot, .. } => {
                        running.remove(call);
                        released += 1;
                        if !seen.remove(call) {
                            *slot = None;
                        }
                    }
                    Message::Cancelled { call } => {
                        running.remove(call);
                        released += 1;
                        seen.remove(call);
                    }
                    Message::Linger { .. } => held += 1,
                    Message::Release { .. } | Message::Idle { holding: true, .. } => released += 1,
                    _ => {}
                }
            }
        }
        self.release(env, held, released);
        Batch(messages)
    }

    #[expect(deprecated, reason = "the only way to hold the event loop for a while")]
    fn hold(&self, env: Env) {
        let mut event_loop = lock(&self.event_loop);
        event_loop.pending += 1;
        if event_loop.pending == 1
            && let Some(wake) = &mut event_loop.wake
        {
            // Fails only while the thread is ending, when there is nothing to hold.
            let _ = wake.refer(&env);
        }
    }

    #[expect(deprecated, reason = "the counterpart of `hold`")]
    fn release(&self, env: Env, held: usize, released: usize) {
        let mut event_loop = lock(&self.event_loop);
        event_loop.pending = (event_loop.pending + held).saturating_sub(released);
        if event_loop.pending == 0
            && let Some(wake) = &mut event_loop.wake
        {
            let _ = wake.unref(&env);
        }
    }

    pub(crate) fn answer(&self, question: u32, answer: Answer) {
        lock(&self.questions).answer(question, answer);
    }

    /// The JavaScript thread is gone: whoever waits for it must not wait on.
    fn forget_all(&self) {
        let messages = std::mem::take(&mut *lock(&self.queue));
        let questions = std::mem::take(&mut *lock(&self.questions));
        drop((messages, questions));
    }
}

impl Keeper for Shared {
    fn forget(&self, number: u32) {
        self.push(Message::Forget { kept: number });
    }
}

/// A call on its way. In a box, for it is large, and so that one kind of task serves every call.
type Work = Pin<Box<dyn Future<Output = Result<Box<dyn IntoJs>, Error>> + Send>>;

fn boxed<T, F>(work: F) -> Work
where
    T: ToNapiValue + Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    Box::pin(async move {
        let value = work.await?;
        Ok(Box::new(value) as Box<dyn IntoJs>)
    })
}

/// The right to settle one call. Dropped unused (the task was aborted), it says so.
struct Ticket {
    shared: Arc<Shared>,
    call: u32,
    client: Option<AccountClient>,
    slot: Option<ResponseSlot>,
    unsettled: bool,
}

impl Ticket {
    fn settle(mut self, outcome: Result<Box<dyn IntoJs>, Problem>) {
        self.unsettled = false;
        let (call, slot) = (self.call, self.slot.take());
        self.end(Message::Settled {
            call,
            outcome,
            slot,
        });
    }

    /// Says how the call ended, and when its client has come to rest.
    fn end(&mut self, ending: Message) {
        let call = self.call;
        let busy = self
            .client
            .take()
            .filter(|client| !client.is_settled() || client.is_unsaved());
        let (Some(client), Ok(runtime)) = (busy, runtime::handle()) else {
            return self.shared.push(ending);
        };
        self.shared.push(Message::Linger { call });
        self.shared.push(ending);
        let shared = Arc::clone(&self.shared);
        runtime.spawn(async move {
            let mut settled = pin!(async {
                client.settled().await;
                client.idle().await;
            });
            // A service that does not answer must not keep the process for long.
            let holding = tokio::time::timeout(SETTLING, &mut settled).await.is_ok();
            if !holding {
                shared.push(Message::Release { call });
                settled.await;
            }
            shared.push(Message::Idle { call, holding });
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.unsettled {
            let call = self.call;
            self.end(Message::Cancelled { call });
        }
    }
}

/// How long a call that has ended may hold the event loop for what its client does behind it.
const SETTLING: Duration = Duration::from_secs(5);

/// Takes the question back when the core stops waiting (time-out, cancelled).
struct Question<'a> {
    shared: &'a Shared,
    question: u32,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if lock(&self.shared.questions).withdraw(self.question) {
            let question = self.question;
            self.shared.push(Message::Withdraw { question });
        }
    }
}

/// A panic elsewhere must not take the bridge down with it: its maps stay consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> HostCall {
        HostCall {
            store: 1,
            method: "load",
            old: None,
            new: None,
        }
    }

    #[test]
    fn nobody_waits_for_a_thread_that_has_ended() {
        let shared = Arc::new(Shared::new());
        shared.end();
        for _ in 0..2 {
            let answer = shared.ask(load()).now_or_never();
            assert!(matches!(answer, Some(Answer::Gone)));
        }
        assert!(lock(&shared.queue).is_empty());
    }

    #[test]
    fn one_wake_up_is_asked_for_until_the_queue_is_taken() {
        let shared = Shared::new();
        // As if the event loop had been woken by the first message.
        shared.waking.store(true, Ordering::Release);
        let mut asked = Box::pin(shared.ask(load()));
        assert!(asked.as_mut().now_or_never().is_none());
        shared.push(Message::Warned("a".into()));
        assert_eq!(lock(&shared.queue).len(), 2);
        shared.answer(1, Answer::Record(None));
        let answer = asked.as_mut().now_or_never();
        assert!(matches!(answer, Some(Answer::Record(None))));
    }

    #[test]
    fn a_question_that_is_given_up_is_withdrawn() {
        let shared = Shared::new();
        shared.waking.store(true, Ordering::Release);
        let mut asked = Box::pin(shared.ask(load()));
        assert!(asked.as_mut().now_or_never().is_none());
        drop(asked);
        let queue = lock(&shared.queue);
        assert!(matches!(
            queue[..],
            [
                Message::Ask { question: 1, .. },
                Message::Withdraw { question: 1 }
            ]
        ));
    }
}
