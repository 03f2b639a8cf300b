//! A call of a store's method: from the need of it to its outcome.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parallel_account::Error;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use tokio::sync::oneshot;

/// The stores whose methods are running, outermost first.
pub(crate) type Serving = Vec<u64>;

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
pub(crate) struct Caller {
    pub(crate) store: Py<Owned>,
    pub(crate) context: Py<PyAny>,
    pub(crate) in_trio: bool,
}

/// What a job waits in.
pub(crate) trait Queue: Send + Sync {
    fn submit(self: Arc<Self>, job: Arc<Job>);

    /// If `job` was taken by a place that has since died, finds another.
    fn review(self: Arc<Self>, job: &Arc<Job>);

    /// Has `job` done by a thread of Python's.
    fn send_apart(self: Arc<Self>, job: &Arc<Job>);

    /// It is another's turn.
    fn finished(self: Arc<Self>, job: &Arc<Job>);

    /// Belongs to this process, not to the one that it was forked from.
    fn is_ours(&self) -> bool;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a method of the store came to.
pub(crate) enum Outcome {
    Record(Option<String>),
    Replaced(bool),
    Raised(PyErr),
    /// It broke the protocol; says how.
    Faulty(String),
}

type MethodResult = Result<Outcome, Error>;

/// A call of a store's method that somebody needs.
pub(crate) struct Job {
    queue: Arc<dyn Queue>,
    method: &'static str,
    arguments: Vec<Option<String>>,
    serving: Serving,
    timeout: Duration,
    progress: Mutex<Progress>,
}

struct Progress {
    sender: Option<oneshot::Sender<MethodResult>>,
    /// Which offer counts.
    offer: u32,
    begun: bool,
    given_back: bool,
}

/// How often to look whether a job that was taken will be begun.
const REVIEW: Duration = Duration::from_millis(250);

impl Job {
    /// Has `method` called; resolves when it has answered, `None` after `timeout`.
    pub(crate) async fn run(
        queue: Arc<dyn Queue>,
        method: &'static str,
        arguments: Vec<Option<String>>,
        serving: Serving,
        timeout: Duration,
    ) -> Option<MethodResult> {
        let (sender, mut answer) = oneshot::channel();
        let job = Arc::new(Self {
            queue: queue.clone(),
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
        queue.clone().submit(job.clone());
        let waiting = async {
            loop {
                match tokio::time::timeout(REVIEW, &mut answer).await {
                    Ok(answer) => break answer,
                    Err(_) => queue.clone().review(&job),
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
    pub(crate) fn is_given_up(&self) -> bool {
        let progress = lock(&self.progress);
        progress.sender.as_ref().is_none_or(|it| it.is_closed())
    }

    pub(crate) fn offered(self: &Arc<Self>, caller: Arc<Caller>) -> StoreCall {
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
    pub(crate) fn withdraw(&self) -> bool {
        let mut progress = lock(&self.progress);
        if !progress.begun {
            progress.offer += 1;
        }
        !progress.begun
    }

    pub(crate) fn finish(self: &Arc<Self>, answer: MethodResult) {
        let sender = lock(&self.progress).sender.take();
        if let Some(sender) = sender {
            // Nobody waits any more after the time-out.
            let _ = sender.send(answer);
        }
        self.queue.clone().finished(self);
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
    /// The stores that are at work while it is made.
    pub(crate) fn serving(&self) -> &[u64] {
        &self.job.serving
    }

    /// Not taken after all.
    pub(crate) fn forget(self) {
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
        if self.job.queue.is_ours() {
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
            self.job.queue.clone().send_apart(&self.job);
        } else {
            self.job
                .finish(Ok(Outcome::Faulty("it was interrupted twice".into())));
        }
    }
}
