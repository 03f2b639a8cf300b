//! Calls of the store: each with a time limit, and none that a store makes of its own client.

use super::Session;
use crate::{
    Error, Result,
    events::Event,
    store::{Revision, StoreFuture, StoreLock},
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

/// A call of a store that takes so long is worth knowing of.
const SLOW: Duration = Duration::from_secs(1);

/// A record as a store keeps it.
pub(super) type Text = Option<Zeroizing<String>>;

/// The store's lock, where it has one; released when the last who needs it is done.
pub(crate) type Held = Option<Arc<StoreLock>>;

tokio::task_local! {
    /// The session whose store is at work.
    static ASKED_BY: usize;
}

impl Session {
    /// # Errors
    /// `config` where the store of this very session makes the call: it would wait for itself.
    pub(crate) fn check_caller(&self) -> Result<()> {
        match ASKED_BY.try_with(|session| *session == self.address()) {
            Ok(true) => Err(Error::config(format!(
                "The credential store ({}) called the client that it serves. A store must not use its own client; give it another one.",
                self.store.location()
            ))),
            _ => Ok(()),
        }
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The store's lock, or `None` where a claim takes its place.
    pub(crate) async fn lock(&self) -> Result<Held> {
        let lock = ASKED_BY.scope(self.address(), self.store.lock());
        match tokio::time::timeout(self.lock_timeout, lock).await {
            Ok(lock) => Ok(lock?.map(Arc::new)),
            Err(_) => Err(Error::store(
                format!(
                    "The credentials ({}) stayed locked by another process or call for {} s. Check for a hung process, or raise lock_timeout.",
                    self.store.location(),
                    self.lock_timeout.as_secs_f64()
                ),
                None,
            )),
        }
    }

    pub(super) async fn load_text(&self, held: &Held) -> Result<Text> {
        let cell = held.as_deref().map_or(&*self.store, |lock| &**lock);
        let text = self.ask("read", cell.load()).await?;
        Ok(text.map(Zeroizing::new))
    }

    pub(super) async fn revision(&self) -> Option<u64> {
        match self.store.revision() {
            Revision::Unknown => None,
            Revision::Known(revision) => Some(revision),
            // A store that fails to tell is read.
            Revision::Asked(asked) => self.ask("read", asked).await.unwrap_or_default(),
        }
    }

    /// A store that takes too long is not waited for, but it continues, and the lock is its own
    /// until it is done.
    pub(super) async fn swap(&self, old: &Text, new: &Text, held: &Held) -> Result<bool> {
        let (store, held) = (self.store.clone(), held.clone());
        let [old, new] = [old, new].map(|text| text.as_deref().cloned());
        let swap = async move {
            let cell = held.as_deref().map_or(&*store, |lock| &**lock);
            cell.replace(old, new).await
        };
        let swap = ASKED_BY.scope(self.address(), swap);
        let swap = self.background.spawn(swap)?;
        self.ask("written", swap).await
    }

    /// `what` is what becomes of the credentials by this call.
    async fn ask<T>(&self, what: &str, call: StoreFuture<'_, T>) -> Result<T> {
        let mut call = pin!(ASKED_BY.scope(self.address(), call));
        // Most answers are there at once, and need no clock.
        let at_once = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        if let Poll::Ready(answer) = at_once {
            return self.told(answer);
        }
        let began = Instant::now();
        let answer = self.told(self.ask_in_time(what, call).await);
        let duration = began.elapsed();
        if duration >= SLOW {
            self.background.events().tell(|| Event::StoreSlow {
                location: self.store.location(),
                duration,
            });
        }
        answer
    }

    fn told<T>(&self, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer {
            self.background.events().tell(|| Event::StoreFailed {
                location: self.store.location(),
                error: error.clone(),
            });
        }
        answer
    }

    async fn ask_in_time<T>(&self, what: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
        if Handle::try_current().is_err() {
            return Err(Error::config("Call this from within a Tokio runtime."));
        }
        let limit = self.store.time_limit();
        match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::store(
                format!(
                    "The credentials ({}) could not be {what} within {} s. Check what the store is waiting for, then try again.",
                    self.store.location(),
                    limit.as_secs_f64()
                ),
                None,
            )),
        }
    }
}
