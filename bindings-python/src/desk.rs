//! The calls of one client's store: one at a time, each made where its owner lives.
//!
//! A call of the store that is needed becomes a [`Job`]. It is offered to the places where calls
//! of the client wait: a thread that blocks, an event loop. If nobody waits any more, a thread of
//! Python's carries it out, so that a refresh whose callers left still reaches its store.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use parallel_account::{AccountClient, Error};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use tokio::sync::oneshot;

use crate::process;

/// The stores whose methods are running, outermost first.
pub(crate) type Serving = Vec<u64>;

/// Where a caller waits.
pub(crate) trait Place: Send + Sync {
    /// Has the call made there soon, or gives it back.
    fn offer(&self, call: StoreCall) -> Result<(), StoreCall>;

    /// Whether a call that was taken but not begun for a while will be begun at all.
    fn is_alive(&self) -> bool {
        true
    }
}

/// The one reference to a store that Python's garbage collector sees: what the core holds must not
/// keep a store alive that holds its client.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct Owned(Mutex<Option<Py<PyAny>>>);

impl Owned {
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        Self(Mutex::new(Some(object)))
    }

    fn method<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let object = lock(&self.0).as_ref().map(|it| it.clone_ref(py));
        match object {
            Some(object) => object.into_bound(py).getattr(name),
            None => Ok(py.None().into_bound(py)),
        }
    }
}

#[pymethods]
impl Owned {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.try_lock() {
            Ok(object) => visit.call(&*object),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let object = lock(&self.0).take();
        drop(object);
    }
}

/// Whose call it is; keeps the store alive.
struct Caller {
    store: Py<Owned>,
    context: Py<PyAny>,
    in_trio: bool,
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

    fn is_ours(&self) -> bool {
        self.generation == process::generation()
    }

    /// Has `job` done when it is its turn.
    pub(crate) fn submit(self: &Arc<Self>, job: Arc<Job>) {
        lock(&self.state).waiting.push_back(job);
        self.dispatch();
    }

    /// Looks for somebody who makes the next call, if none is being made.
    pub(crate) fn dispatch(self: &Arc<Self>) {
        lock(&self.state).rounds += 1;
        while let Some((job, round)) = self.take_next() {
            let mut refused = 0;
            let taken = loop {
                // Offered without the lock: an offer may need the GIL.
                let Some((attending, anybody)) = self.candidate(&job, refused) else {
                    break self.send_apart(&job);
                };
                match attending.place.offer(job.offered(attending.caller.clone())) {
                    Ok(()) => break true,
                    Err(call) => call.forget(),
                }
                if !anybody {
                    break self.send_apart(&job);
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

    /// Has `job` done by a thread of Python's.
    fn send_apart(self: &Arc<Self>, job: &Arc<Job>) -> bool {
        let caller = {
            let mut state = lock(&self.state);
            state.current = Some((job.clone(), Arc::new(Apart)));
            let last = state.attending.last().or(state.last.as_ref());
            last.map(|it| it.caller.clone())
        };
        let Some(caller) = caller else {
            job.finish(Err(Error::internal("nobody uses this store any more")));
            return true;
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
        true
    }

    /// If `job` was taken by a place that has since died, finds another.
    fn review(self: &Arc<Self>, job: &Arc<Job>) {
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
        if client.idle().now_or_never().is_some() {
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

/// What a method of the store came to.
pub(crate) enum Outcome {
    Record(Option<String>),
    Replaced(bool),
    Raised(PyErr),
    /// It broke the protocol; says how.
    Faulty(String),
}

type Answer = Result<Outcome, Error>;

/// A call of a store's method that somebody needs.
pub(crate) struct Job {
    desk: Arc<Desk>,
    method: &'static str,
    arguments: Vec<Option<String>>,
    serving: Serving,
    timeout: Duration,
    progress: Mutex<Progress>,
}

struct Progress {
    sender: Option<oneshot::Sender<Answer>>,
    /// Which offer counts.
    offer: u32,
    begun: bool,
    given_back: bool,
}

/// How often to look whether a job that was taken will be begun.
const REVIEW: Duration = Duration::from_millis(250);

impl Job {
    /// Has `method` called; resolves when it has answered, `None` when `timeout` is over.
    pub(crate) async fn run(
        desk: Arc<Desk>,
        method: &'static str,
        arguments: Vec<Option<String>>,
        serving: Serving,
        timeout: Duration,
    ) -> Option<Answer> {
        let (sender, mut answer) = oneshot::channel();
        let job = Arc::new(Self {
            desk: desk.clone(),
            method,
            arguments,
            serving,
            timeout,
            progress: Mutex::new(Progress {
                sender: Some(sender),
                offer: 0,
                begun: false,
                given_back: false,
            }),
        });
        desk.submit(job.clone());
        let waiting = async {
            loop {
                match tokio::time::timeout(REVIEW, &mut answer).await {
                    Ok(answer) => break answer,
                    Err(_) => desk.review(&job),
                }
            }
        };
        match tokio::time::timeout(timeout, waiting).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(_)) => Some(Ok(Outcome::Faulty(
                "the interpreter is shutting down".into(),
            ))),
            Err(_) => None,
        }
    }

    /// Nobody waits for it any more: it must not act on the store later.
    fn is_given_up(&self) -> bool {
        let progress = lock(&self.progress);
        progress.sender.as_ref().is_none_or(|it| it.is_closed())
    }

    fn offered(self: &Arc<Self>, caller: Arc<Caller>) -> StoreCall {
        let offer = {
            let mut progress = lock(&self.progress);
            progress.offer += 1;
            progress.begun = false;
            progress.offer
        };
        StoreCall {
            job: self.clone(),
            offer,
            caller,
        }
    }

    /// Makes the offer void, unless the call has begun.
    fn withdraw(&self) -> bool {
        let mut progress = lock(&self.progress);
        if !progress.begun {
            progress.offer += 1;
        }
        !progress.begun
    }

    fn finish(self: &Arc<Self>, answer: Answer) {
        let sender = lock(&self.progress).sender.take();
        if let Some(sender) = sender {
            // Nobody waits any more after the time-out.
            let _ = sender.send(answer);
        }
        let finished = {
            let mut state = lock(&self.desk.state);
            match &state.current {
                Some((current, _)) if Arc::ptr_eq(current, self) => mem::take(&mut state.current),
                _ => None,
            }
        };
        if finished.is_some() {
            self.desk.dispatch();
        }
    }
}

/// A call of a store's method, for whoever was asked to make it. One that is dropped without an
/// answer is made elsewhere.
#[pyclass(frozen, module = "parallel_account._native")]
pub(crate) struct StoreCall {
    job: Arc<Job>,
    offer: u32,
    caller: Arc<Caller>,
}

impl StoreCall {
    /// Not taken after all.
    fn forget(self) {
        self.job.withdraw();
    }

    /// Whether this one counts; it does so no more after `true`.
    fn close(&self) -> bool {
        let mut progress = lock(&self.job.progress);
        let counts = progress.offer == self.offer;
        if counts {
            progress.offer += 1;
        }
        counts
    }

    pub(crate) fn answer(&self, outcome: Outcome) {
        if self.close() {
            self.job.finish(Ok(outcome));
        }
    }
}

impl Drop for StoreCall {
    fn drop(&mut self) {
        if self.job.desk.is_ours() {
            self.give_back();
        }
    }
}

#[pymethods]
impl StoreCall {
    /// The method, its arguments, the stores that are at work then, and the seconds it may take.
    /// None: nobody needs it any more.
    #[expect(clippy::type_complexity, reason = "a tuple of Python's")]
    fn begin<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Vec<Option<String>>, Serving, f64)>> {
        if self.job.is_given_up() {
            if self.close() {
                self.job
                    .finish(Err(Error::internal("nobody waits for this")));
            }
            return Ok(None);
        }
        {
            let mut progress = lock(&self.job.progress);
            if progress.offer != self.offer {
                return Ok(None);
            }
            progress.begun = true;
        }
        let method = self.caller.store.get().method(py, self.job.method)?;
        Ok(Some((
            method,
            self.job.arguments.clone(),
            self.job.serving.clone(),
            self.job.timeout.as_secs_f64(),
        )))
    }

    /// The context of a call that waits for it.
    #[getter]
    fn context(&self, py: Python<'_>) -> Py<PyAny> {
        self.caller.context.clone_ref(py)
    }

    /// The seconds that it may take.
    #[getter]
    fn timeout(&self) -> f64 {
        self.job.timeout.as_secs_f64()
    }

    /// Whether that call was made under trio.
    #[getter]
    fn in_trio(&self) -> bool {
        self.caller.in_trio
    }

    fn returned(&self, value: Bound<'_, PyAny>) -> PyResult<()> {
        let kind = value.get_type().name()?;
        self.answer(if self.job.method == "load" {
            match value.extract() {
                Ok(record) => Outcome::Record(record),
                Err(_) => Outcome::Faulty(format!("it must return a str or None, not {kind}")),
            }
        } else {
            match value.extract() {
                Ok(replaced) => Outcome::Replaced(replaced),
                Err(_) => Outcome::Faulty(format!("it must return True or False, not {kind}")),
            }
        });
        Ok(())
    }

    fn raised(&self, error: Bound<'_, PyAny>) {
        self.answer(Outcome::Raised(PyErr::from_value(error)));
    }

    /// It was interrupted: to be made once more, by a thread apart.
    fn give_back(&self) {
        if !self.close() {
            return;
        }
        let again = !mem::replace(&mut lock(&self.job.progress).given_back, true);
        if again && !self.job.is_given_up() {
            self.job.desk.send_apart(&self.job);
        } else {
            self.job
                .finish(Ok(Outcome::Faulty("it was interrupted twice".into())));
        }
    }
}
