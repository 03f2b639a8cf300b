//! The calls of one client's store: one at a time, each made where its owner lives.
//!
//! A call of the store that is needed becomes a [`Job`]. It is offered to the places where calls
//! of the client wait: a thread that blocks, an event loop. If nobody waits any more, a thread of
//! Python's carries it out, so that a refresh whose callers left still reaches its store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parallel_account::{AccountClient, Error};
use pyo3::prelude::*;

use crate::job::{Caller, Job, Outcome, Owned, Queue, StoreCall};
use crate::process;

/// Where a caller waits.
pub(crate) trait Place: Send + Sync {
    /// Has the call made there soon, or gives it back.
    fn offer(&self, call: StoreCall) -> Result<(), StoreCall>;

    /// Whether a call that was taken but not begun for a while will be begun at all.
    fn is_alive(&self) -> bool {
        true
    }
}

#[derive(Clone)]
struct Attending {
    id: u64,
    place: Arc<dyn Place>,
    caller: Arc<Caller>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Job>>,
    /// Offered or begun.
    current: Option<(Arc<Job>, Arc<dyn Place>)>,
    /// The latest comes last.
    attending: Vec<Attending>,
    /// Who came last, for as long as something may still need the store.
    last: Option<Attending>,
    next_id: u64,
    /// How often there was reason to look for somebody.
    rounds: u64,
}

/// Of one client in one process.
pub(crate) struct Desk {
    generation: u32,
    state: Mutex<State>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody takes this: the thread apart does not wait.
struct Apart;

impl Place for Apart {
    fn offer(&self, call: StoreCall) -> Result<(), StoreCall> {
        Err(call)
    }
}

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            generation: process::generation(),
            state: Mutex::default(),
        })
    }

    /// Looks for somebody who makes the next call, if none is being made.
    pub(crate) fn dispatch(self: &Arc<Self>) {
        lock(&self.state).rounds += 1;
        while let Some((job, round)) = self.take_next() {
            let mut refused = 0;
            let taken = loop {
                // Offered without the lock: an offer may need the GIL.
                let Some((attending, anybody)) = self.candidate(&job, refused) else {
                    self.clone().send_apart(&job);
                    break true;
                };
                match attending.place.offer(job.offered(attending.caller.clone())) {
                    Ok(()) => break true,
                    Err(call) => call.forget(),
                }
                if !anybody {
                    self.clone().send_apart(&job);
                    break true;
                }
                refused += 1;
                if refused == lock(&self.state).attending.len() {
                    break false;
                }
            };
            if taken {
                return;
            }
            // All are busy, and come back for it.
            let mut state = lock(&self.state);
            state.current = None;
            state.waiting.push_front(job);
            if state.rounds == round {
                return;
            }
        }
    }

    fn take_next(&self) -> Option<(Arc<Job>, u64)> {
        let mut state = lock(&self.state);
        if state.current.is_some() {
            return None;
        }
        let job = loop {
            let job = state.waiting.pop_front()?;
            if !job.is_given_up() {
                break job;
            }
        };
        state.current = Some((job.clone(), Arc::new(Apart)));
        Some((job, state.rounds))
    }

    /// Whom to offer `job`, `refused` others having refused; and whether anybody waits at all.
    fn candidate(&self, job: &Arc<Job>, refused: usize) -> Option<(Attending, bool)> {
        let mut state = lock(&self.state);
        let count = state.attending.len();
        let anybody = count > 0;
        let attending = match anybody {
            true => state.attending[count - 1 - refused.min(count - 1)].clone(),
            false => state.last.clone()?,
        };
        state.current = Some((job.clone(), attending.place.clone()));
        Some((attending, anybody))
    }

    fn leave(self: &Arc<Self>, id: u64, client: Option<&AccountClient>) {
        if !self.is_ours() {
            return;
        }
        let (left, alone) = {
            let mut state = lock(&self.state);
            let at = state.attending.iter().rposition(|it| it.id == id);
            let left = at.map(|at| state.attending.remove(at));
            (left, state.attending.is_empty())
        };
        drop(left);
        self.dispatch();
        let Some(client) = client.filter(|_| alone) else {
            return;
        };
        if client.is_settled() && !client.is_unsaved() {
            self.forget_last();
            return;
        }
        // A refresh that outlives its callers needs the store, until it has ended.
        let (desk, client) = (self.clone(), client.clone());
        if let Ok(background) = process::background() {
            background.spawn(async move {
                client.idle().await;
                process::attach(|_| desk.forget_last());
            });
        }
    }

    fn forget_last(&self) {
        let last = {
            let mut state = lock(&self.state);
            match state.attending.is_empty() {
                true => state.last.take(),
                false => None,
            }
        };
        drop(last);
    }
}

impl Queue for Desk {
    fn submit(self: Arc<Self>, job: Arc<Job>) {
        lock(&self.state).waiting.push_back(job);
        self.dispatch();
    }

    fn review(self: Arc<Self>, job: &Arc<Job>) {
        let place = match &lock(&self.state).current {
            Some((current, place)) if Arc::ptr_eq(current, job) => place.clone(),
            _ => return,
        };
        if place.is_alive() || !job.withdraw() {
            return;
        }
        {
            let mut state = lock(&self.state);
            state.attending.retain(|it| !Arc::ptr_eq(&it.place, &place));
            state.current = None;
            state.waiting.push_front(job.clone());
        }
        self.dispatch();
    }

    fn send_apart(self: Arc<Self>, job: &Arc<Job>) {
        let caller = {
            let mut state = lock(&self.state);
            state.current = Some((job.clone(), Arc::new(Apart)));
            let last = state.attending.last().or(state.last.as_ref());
            last.map(|it| it.caller.clone())
        };
        let Some(caller) = caller else {
            job.finish(Err(Error::internal("nobody uses this store any more")));
            return;
        };
        let call = job.offered(caller);
        let sent = process::dispatch(Box::new(move |py| {
            let Ok(call) = Bound::new(py, call) else {
                return;
            };
            let run = py
                .import("parallel_account._store_calls")
                .and_then(|it| it.call_method1("run_apart", (&call,)));
            if let Err(error) = run {
                call.get().answer(Outcome::Raised(error));
            }
        }));
        if let Err(error) = sent {
            job.finish(Err(error));
        }
    }

    fn finished(self: Arc<Self>, job: &Arc<Job>) {
        let finished = {
            let mut state = lock(&self.state);
            match &state.current {
                Some((current, _)) if Arc::ptr_eq(current, job) => state.current.take(),
                _ => None,
            }
        };
        if finished.is_some() {
            self.dispatch();
        }
    }

    fn is_ours(&self) -> bool {
        self.generation == process::generation()
    }
}

/// What a call needs to serve its client's store while it waits.
pub(crate) struct Home {
    pub(crate) desk: Arc<Desk>,
    pub(crate) store: Py<Owned>,
    /// Whose detached work needs the store after the last call; without, there is none.
    pub(crate) client: Option<AccountClient>,
}

impl Home {
    /// The caller waits at `place` from now on.
    pub(crate) fn attend(
        &self,
        py: Python<'_>,
        place: Arc<dyn Place>,
        in_trio: bool,
    ) -> PyResult<Attendance> {
        let context = py.import("contextvars")?.call_method0("copy_context")?;
        let caller = Arc::new(Caller {
            store: self.store.clone_ref(py),
            context: context.unbind(),
            in_trio,
        });
        let (id, previous) = {
            let mut state = lock(&self.desk.state);
            let id = state.next_id;
            state.next_id += 1;
            let attending = Attending { id, place, caller };
            state.attending.push(attending.clone());
            (id, state.last.replace(attending))
        };
        drop(previous);
        Ok(Attendance {
            desk: self.desk.clone(),
            client: self.client.clone(),
            id,
        })
    }
}

/// A caller waits; dropped when it does no more.
pub(crate) struct Attendance {
    desk: Arc<Desk>,
    client: Option<AccountClient>,
    id: u64,
}

impl Attendance {
    /// The caller can make a call now.
    pub(crate) fn ready(&self) {
        self.desk.dispatch();
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.desk.leave(self.id, self.client.as_ref());
    }
}
