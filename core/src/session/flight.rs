//! Work that many wait for and nobody can stop.

use super::Background;
use crate::{Error, Result};
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Runs one piece of work at a time, detached; whoever asks meanwhile gets the same result.
pub(crate) struct SingleFlight<T>(Arc<Mutex<Option<Waiter<T>>>>);

type Waiter<T> = watch::Receiver<Option<Result<T>>>;

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// Joins the work that is under way.
    pub(crate) fn current(&self) -> Option<Flight<T>> {
        // One whose runtime was shut down never lands.
        let flying = lock(&self.0).clone()?;
        flying.has_changed().is_ok().then(|| Flight(flying))
    }

    /// The same, or starts `work`.
    pub(crate) fn join<F>(
        &self,
        background: &Background,
        work: impl FnOnce() -> F,
    ) -> Result<Flight<T>>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (result, flight) = watch::channel(None);
        {
            let mut flying = lock(&self.0);
            if let Some(flight) = &*flying
                && flight.has_changed().is_ok()
            {
                return Ok(Flight(flight.clone()));
            }
            *flying = Some(flight.clone());
        }
        let landed = Landed(self.0.clone());
        let work = work();
        let detached = background.spawn(async move {
            let outcome = work.await;
            // Removed before the waiters hear of it; also where the work panics.
            drop(landed);
            result.send_replace(Some(outcome));
            Ok(())
        })?;
        drop(detached);
        Ok(Flight(flight))
    }
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        SingleFlight(Arc::default())
    }
}

/// Work that is waited for. Dropping it stops the waiting, not the work.
pub(crate) struct Flight<T>(Waiter<T>);

impl<T: Clone> Flight<T> {
    pub(crate) async fn result(mut self) -> Result<T> {
        match self.0.wait_for(Option::is_some).await {
            Ok(result) => result.clone().expect("waited for"),
            Err(_) => Err(Error::internal("detached work ended without a result")),
        }
    }
}

struct Landed<T>(Arc<Mutex<Option<Waiter<T>>>>);

impl<T> Drop for Landed<T> {
    fn drop(&mut self) {
        lock(&self.0).take();
    }
}

fn lock<T>(flying: &Mutex<T>) -> MutexGuard<'_, T> {
    flying.lock().unwrap_or_else(PoisonError::into_inner)
}
