//! The same work one step at a time, for bindings: they call the wrapped store themselves, where
//! its owner lives.

use super::EncryptedStore;
use crate::{
    Error, Result,
    store::{CredentialStore, StoreFuture},
};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// A call of [`EncryptedStore`] that is under way.
pub struct SteppedCall {
    running: Pin<Box<dyn Future<Output = Result<StoreAnswer>> + Send>>,
    cell: Cell,
}

/// What comes next.
pub enum Step {
    /// Load the wrapped store's record.
    Load,
    /// Have the wrapped store put the second in place of the first.
    Replace(Option<String>, Option<String>),
    /// The call is done.
    Done(StoreAnswer),
}

/// What a method of a store answers.
pub enum StoreAnswer {
    /// To `load`.
    Record(Option<String>),
    /// To `replace`.
    Replaced(bool),
}

impl EncryptedStore {
    /// [`CredentialStore::load`] in steps.
    #[doc(hidden)]
    pub fn stepped_load(&self) -> SteppedCall {
        self.stepped(|store| Box::pin(async move { Ok(StoreAnswer::Record(store.load().await?)) }))
    }

    /// [`CredentialStore::replace`] in steps.
    #[doc(hidden)]
    pub fn stepped_replace(&self, old: Option<String>, new: Option<String>) -> SteppedCall {
        self.stepped(|store| {
            Box::pin(async move { Ok(StoreAnswer::Replaced(store.replace(old, new).await?)) })
        })
    }

    fn stepped(
        &self,
        start: impl FnOnce(Self) -> Pin<Box<dyn Future<Output = Result<StoreAnswer>> + Send>>,
    ) -> SteppedCall {
        let cell = Cell::default();
        let running = start(self.around(cell.clone()));
        SteppedCall { running, cell }
    }
}

impl SteppedCall {
    /// Continues with the answer to the last step; none for the first. Not to be called again once
    /// it is done or has failed.
    pub fn next(&mut self, answer: Option<StoreAnswer>) -> Result<Step> {
        self.cell.slots().answer = answer;
        let mut context = Context::from_waker(Waker::noop());
        match self.running.as_mut().poll(&mut context) {
            Poll::Ready(done) => done.map(Step::Done),
            Poll::Pending => match self.cell.slots().asked.take() {
                Some(step) => Ok(step),
                None => Err(Error::internal("a step without an answer")),
            },
        }
    }
}

/// The wrapped store, which somebody else calls.
#[derive(Clone, Default)]
struct Cell(Arc<Mutex<Slots>>);

#[derive(Default)]
struct Slots {
    asked: Option<Step>,
    answer: Option<StoreAnswer>,
}

impl Cell {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, step: Step) -> StoreAnswer {
        self.slots().asked = Some(step);
        // Whoever answers polls again.
        poll_fn(|_| match self.slots().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }
}

fn wrong_answer<T>() -> Result<T> {
    Err(Error::internal("another answer than was asked for"))
}

impl CredentialStore for Cell {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async {
            match self.ask(Step::Load).await {
                StoreAnswer::Record(record) => Ok(record),
                StoreAnswer::Replaced(_) => wrong_answer(),
            }
        })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async {
            match self.ask(Step::Replace(old, new)).await {
                StoreAnswer::Replaced(replaced) => Ok(replaced),
                StoreAnswer::Record(_) => wrong_answer(),
            }
        })
    }

    fn location(&self) -> String {
        "the wrapped store".into()
    }
}
