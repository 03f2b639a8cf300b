//! What the store did not take is offered to it again.

use super::{
    Session,
    cache::{CONFLICTS, Cache, SAVE_AGAIN},
};
use crate::Result;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// For how long it is offered if nobody calls: siblings wait as long as that for a claim that
/// nobody pursues, and then send a token that is spent.
const OFFERED_FOR: Duration = Duration::from_secs(45);

impl Session {
    /// Offers the store again what it did not take, in the background and at most each second
    /// unless `at_once`: a disk may have room again long before the next refresh. One that is under
    /// way does so itself, and what it then sends without a claim must not be stored meanwhile:
    /// another process would send it as well.
    pub(crate) fn save_again(self: &Arc<Self>, at_once: bool) {
        if !self.cached().is_unsaved() || self.is_refreshing() {
            return;
        }
        {
            let mut cache = self.cached();
            let Cache::Unsaved { retry_at, .. } = &mut *cache else {
                return;
            };
            let now = self.clock.now().monotonic;
            if retry_at.is_none_or(|at| at > now && !at_once) {
                return;
            }
            *retry_at = None;
        }
        let offer = Offer(self.clone());
        let started = self.background.spawn(async move {
            if let Err(error) = offer.0.save_now().await {
                tracing::debug!(code = error.code(), "a pair is still in memory only");
            }
            Ok(())
        });
        drop(started);
    }

    /// Offers it for a while even if no call follows, and if the client is dropped.
    pub(crate) fn keep_offering(self: &Arc<Self>) {
        if !self.cached().is_unsaved() || self.offering.swap(true, Ordering::AcqRel) {
            return;
        }
        let offering = Offering(self.clone());
        self.background.spawn_unawaited(async move {
            let session = &offering.0;
            let end = session.clock.now().monotonic + OFFERED_FOR;
            while session.cached().is_unsaved() && session.clock.now().monotonic < end {
                session.clock.sleep(SAVE_AGAIN).await;
                session.save_again(true);
            }
        });
    }

    /// Resolves when nothing calls the store, and nothing will unless somebody calls.
    pub(crate) async fn idle(&self) {
        loop {
            self.background.settled().await;
            if !self.offering.load(Ordering::Acquire) {
                return;
            }
            self.clock.sleep(SAVE_AGAIN / 10).await;
        }
    }

    async fn save_now(&self) -> Result<()> {
        let held = self.lock().await?;
        for _ in 0..CONFLICTS {
            let loaded = self.load(&held, None).await?;
            let record = (*loaded.record).clone();
            if !loaded.unsaved || self.write(&loaded, record, &held).await?.is_some() {
                return Ok(());
            }
        }
        Err(self.contended())
    }
}

/// A change is being offered to the store. However that ends, it may be offered again.
struct Offer(Arc<Session>);

impl Drop for Offer {
    fn drop(&mut self) {
        if let Cache::Unsaved { retry_at, .. } = &mut *self.0.cached() {
            *retry_at = Some(self.0.clock.now().monotonic + SAVE_AGAIN);
        }
    }
}

/// What is unsaved is being offered while nobody calls; over with the runtime, too.
struct Offering(Arc<Session>);

impl Drop for Offering {
    fn drop(&mut self) {
        self.0.offering.store(false, Ordering::Release);
    }
}
