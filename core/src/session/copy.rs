//! The copy of the store in memory: read again when it may have changed, changed under the lock.

use super::Session;
use crate::{
    Error, ErrorKind, Result,
    store::{CredentialStore, Login, Record, StoreFuture, StoreLock},
};
use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};
use tokio::{runtime::Handle, sync::OwnedMutexGuard};

/// What it means that a pair could not be saved.
pub(super) const KEPT: &str =
    "The login is kept in memory only, and it is lost if this process ends. ";

/// The store's lock, released when the last who needs it is done.
pub(super) type Held = Arc<(Option<StoreLock>, OwnedMutexGuard<()>)>;

#[derive(Default)]
pub(super) struct Cached {
    pub(super) record: Option<Arc<Record>>,
    /// What `record` says of the login that this client acts for, once somebody has asked.
    login: Option<Arc<Login>>,
    /// The store's revision when `record` was read from it.
    revision: Option<u64>,
    /// What the store held when it was last read or written: what `record` was made from.
    text: Option<String>,
    /// `record` holds a pair that the store does not have, for it could not be written.
    pub(super) unsaved: bool,
    /// Why the store could not be read when its memory copy was taken instead: nothing is
    /// written over what nobody has seen.
    pub(super) unread: Option<Error>,
    /// Counts writes, so that a slow read does not bring back what was there before one.
    writes: u64,
    /// When to try to write it again; `None` while that is being tried.
    pub(super) save_again: Option<Duration>,
    /// No early renewal before this, as the last one failed.
    pub(super) rest_until: Option<Duration>,
}

impl Session {
    /// The record as the store has it now; read again only if it may have changed.
    pub(crate) async fn record(&self) -> Result<Arc<Record>> {
        let revision = self.store.revision().await?;
        {
            let cached = self.cached();
            if let Some(record) = &cached.record
                && revision.is_some()
                && cached.revision == revision
            {
                return Ok(record.clone());
            }
        }
        self.reload().await
    }

    /// The login that this client acts for. Every call asks, so it is read out of a record once.
    pub(crate) async fn login(&self) -> Result<Arc<Login>> {
        let record = self.record().await?;
        let is_current = |cached: &Cached| {
            let current = cached.record.as_ref();
            current.is_some_and(|current| Arc::ptr_eq(current, &record))
        };
        {
            let cached = self.cached();
            if let Some(login) = &cached.login
                && is_current(&cached)
            {
                return Ok(login.clone());
            }
        }
        let login = record
            .login(self.organization())
            .map(Arc::new)
            .ok_or_else(|| self.no_login(&record))?;
        let mut cached = self.cached();
        if is_current(&cached) {
            cached.login = Some(login.clone());
        }
        Ok(login)
    }

    /// Reads the store, whatever is cached. The revision is taken first, so that a write in
    /// between is read again rather than missed. What could not be saved is put into what the
    /// store holds by now, or used alone where the store cannot be read.
    pub(super) async fn reload(&self) -> Result<Arc<Record>> {
        let revision = self.store.revision().await?;
        let writes = self.cached().writes;
        let read = in_time("read", &*self.store, self.store.load()).await;
        let read = read.and_then(|text| Ok((self.parse(text.as_deref())?, text)));
        let mut cached = self.cached();
        let overtaken = cached.writes != writes;
        if let Some(record) = cached.record.clone() {
            match &read {
                Err(error) if cached.unsaved => {
                    cached.unread = Some(error.clone());
                    return Ok(record);
                }
                Ok(_) if overtaken => return Ok(record),
                Ok((_, text)) if cached.text == *text => {
                    cached.revision = revision;
                    cached.unread = None;
                    return Ok(record);
                }
                _ => {}
            }
        }
        let (theirs, text) = read?;
        let record = match &cached.record {
            Some(ours) if cached.unsaved => {
                let base = self.parse(cached.text.as_deref()).unwrap_or_default();
                Record::merged(&base, ours, &theirs)
            }
            _ => theirs.clone(),
        };
        cached.unsaved = record != theirs;
        let record = Arc::new(record);
        cached.record = Some(record.clone());
        cached.login = None;
        cached.revision = revision;
        cached.text = text;
        cached.unread = None;
        Ok(record)
    }

    /// As [`Session::reload`], when the server has acted already and there is no way back: where
    /// the store cannot be read any more, what was read `before` counts.
    pub(super) async fn reload_or(&self, before: &Arc<Record>) -> Arc<Record> {
        match self.reload().await {
            Ok(record) => record,
            Err(error) => {
                self.cached().unread = Some(error);
                before.clone()
            }
        }
    }

    fn parse(&self, text: Option<&str>) -> Result<Record> {
        match text {
            None => Ok(Record::default()),
            Some(text) => Record::parse(text)
                .map_err(|error| error.prefixed(&format!("{}: ", self.store.location()))),
        }
    }

    pub(super) async fn lock(&self) -> Result<Held> {
        let both = async {
            let turn = self.turn.clone().lock_owned().await;
            let lock = self.store.lock().await?;
            Ok(Arc::new((lock, turn)))
        };
        match tokio::time::timeout(self.lock_timeout, both).await {
            Ok(lock) => lock,
            Err(_) => Err(Error::store(
                format!(
                    "The credentials ({}) stayed locked by another process or call for {} s. Look for one that hangs, or allow more time by lock_timeout.",
                    self.store.location(),
                    self.lock_timeout.as_secs_f64()
                ),
                None,
            )),
        }
    }

    /// Reads, changes and writes the record under the lock, whatever becomes of the caller: a
    /// write that outlived the lock would undo what a sibling writes under its own.
    pub(super) async fn update(
        self: &Arc<Self>,
        unsaved: &'static str,
        change: impl FnOnce(&mut Record) + Send + 'static,
    ) -> Result<()> {
        let session = self.clone();
        let work = async move {
            let held = session.lock().await?;
            let mut record = match session.reload().await {
                Ok(record) => (*record).clone(),
                // A login replaces what is damaged; who could set it aside has done so.
                Err(error) if error.kind() == ErrorKind::StoreCorrupt => Record::default(),
                Err(error) => return Err(error),
            };
            change(&mut record);
            session.write(record, unsaved, Ok(&held)).await.map(drop)
        };
        self.background.spawn(work)?.await
    }

    /// Writes under the lock, or keeps the change in memory where that, or the lock, is not to be
    /// had: what the server has already rotated is not lost; `unsaved` says what that means.
    pub(super) async fn write(
        &self,
        record: Record,
        unsaved: &str,
        held: Result<&Held, Error>,
    ) -> Result<Arc<Record>> {
        let text = record.to_text();
        let record = Arc::new(record);
        let unread = self.cached().unread.clone();
        let saved = match (
            held,
            unread.filter(|error| error.kind() != ErrorKind::StoreCorrupt),
        ) {
            (Err(error), _) | (_, Some(error)) => Err(error),
            (Ok(held), None) => self.save(text.clone(), held.clone()).await,
        };
        let mut cached = self.cached();
        cached.record = Some(record.clone());
        cached.login = None;
        // Unknown: a writer without our lock may have followed at once.
        cached.revision = None;
        cached.writes += 1;
        match saved {
            Ok(()) => {
                cached.text = Some(text);
                cached.unsaved = false;
                cached.unread = None;
                Ok(record)
            }
            Err(error) => {
                cached.unsaved = true;
                cached.save_again = Some(self.clock.now().monotonic + Duration::from_secs(1));
                Err(error.prefixed(unsaved))
            }
        }
    }

    /// A store that takes too long is not waited for, but it goes on, and the lock is its own
    /// until it is done: a late write must not undo a sibling's.
    async fn save(&self, text: String, held: Held) -> Result<()> {
        let store = self.store.clone();
        let saving = self.background.spawn(async move {
            let cell = held.0.as_deref().unwrap_or(&*store);
            for _ in 0..5 {
                let old = cell.load().await.unwrap_or_default();
                if cell.replace(old, Some(text.clone())).await? {
                    return Ok(());
                }
            }
            Err(Error::store("The record keeps changing.", None))
        })?;
        in_time("written", &*self.store, saving).await
    }

    /// Writes what could not be written before.
    pub(super) async fn write_unsaved(&self, held: &Held) -> Result<()> {
        if !self.cached().unsaved {
            return Ok(());
        }
        let record = self.reload().await?;
        if self.cached().unsaved {
            self.write((*record).clone(), KEPT, Ok(held)).await?;
        }
        Ok(())
    }

    /// Tries to write what could not be written before, in the background and at most each
    /// second unless `at_once`: a disk may have room again long before the next refresh.
    pub(crate) fn save_again(self: &Arc<Self>, at_once: bool) {
        {
            let mut cached = self.cached();
            let due = cached
                .save_again
                .is_some_and(|at| at_once || at <= self.clock.now().monotonic);
            if !cached.unsaved || !due {
                return;
            }
            cached.save_again = None;
        }
        let session = self.clone();
        let started = self.background.spawn(async move {
            let held = session.lock().await;
            let saved = match &held {
                Ok(held) => session.write_unsaved(held).await,
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = saved {
                tracing::debug!(code = error.code(), "a pair is still in memory only");
            }
            let mut cached = session.cached();
            if cached.unsaved {
                let later = session.clock.now().monotonic + Duration::from_secs(1);
                cached.save_again = Some(later);
            }
            Ok(())
        });
        drop(started);
    }

    pub(super) fn cached(&self) -> MutexGuard<'_, Cached> {
        // Nothing panics while it is held; and were it so, the copy is read again from the store.
        self.cached
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// One call of a store, `what` being what becomes of the credentials by it.
async fn in_time<T>(
    what: &str,
    store: &dyn CredentialStore,
    call: StoreFuture<'_, T>,
) -> Result<T> {
    if Handle::try_current().is_err() {
        return Err(Error::config("Call this from within a Tokio runtime."));
    }
    let limit = store.time_limit();
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result,
        Err(_) => Err(Error::store(
            format!(
                "The credentials ({}) could not be {what} within {} s. Look at what the store waits for, then try again.",
                store.location(),
                limit.as_secs_f64()
            ),
            None,
        )),
    }
}
