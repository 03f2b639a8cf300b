//! What is in memory of the store: a copy of it, or changes that it does not have yet.

use super::{
    Session,
    cell::{Held, Text},
};
use crate::{
    Error, ErrorKind, Result,
    store::{Login, Record},
};
use std::{
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// What it means that a pair could not be saved.
pub(super) const KEPT: &str =
    "The login is kept in memory only, and it is lost if this process ends.";
/// How often a change that the store did not take is offered to it again.
pub(super) const SAVE_AGAIN: Duration = Duration::from_secs(1);
/// How often a change is made anew because somebody else was faster.
pub(crate) const CONFLICTS: u32 = 20;

#[derive(Default)]
pub(super) enum Cache {
    /// Nothing was read yet.
    #[default]
    Empty,
    /// As the store had it when it was last read or written.
    Clean(Copy),
    /// With changes that the store does not have, for they could not be written.
    Unsaved {
        copy: Copy,
        /// When to offer them again; `None` while that is being done.
        retry_at: Option<Duration>,
    },
}

pub(super) struct Copy {
    pub(super) record: Arc<Record>,
    /// What `record` says of the login that this client acts for, once somebody has asked.
    login: Option<Arc<Login>>,
    /// What the store held when it was last read or written.
    text: Text,
    /// The store's revision when it was last read; unknown after a write of ours, which somebody
    /// else may have followed at once.
    revision: Option<u64>,
    /// When it was last read.
    read: Instant,
}

impl Copy {
    fn of(loaded: &Loaded, revision: Option<u64>) -> Self {
        Copy {
            record: loaded.record.clone(),
            login: None,
            text: loaded.text.clone(),
            revision,
            read: Instant::now(),
        }
    }
}

impl Cache {
    pub(super) fn copy(&self) -> Option<&Copy> {
        match self {
            Cache::Empty => None,
            Cache::Clean(copy) | Cache::Unsaved { copy, .. } => Some(copy),
        }
    }

    fn copy_mut(&mut self) -> Option<&mut Copy> {
        match self {
            Cache::Empty => None,
            Cache::Clean(copy) | Cache::Unsaved { copy, .. } => Some(copy),
        }
    }

    pub(super) fn is_unsaved(&self) -> bool {
        matches!(self, Cache::Unsaved { .. })
    }
}

/// A record as it was just read: what the store holds, and what it comes to with our changes.
#[derive(Clone, Default)]
pub(crate) struct Loaded {
    pub(super) text: Text,
    pub(crate) record: Arc<Record>,
    pub(super) unsaved: bool,
}

impl Session {
    /// The record as the store has it now; read again only if it may have changed.
    pub(crate) async fn record(&self) -> Result<Arc<Record>> {
        if let Some(copy) = self.cached().copy()
            && copy.read.elapsed() < self.store.cache_for()
        {
            return Ok(copy.record.clone());
        }
        let revision = self.revision().await;
        if let Some(copy) = self.cached().copy()
            && revision.is_some()
            && copy.revision == revision
        {
            return Ok(copy.record.clone());
        }
        // One read at a time; whoever came before it began shares it.
        let arrived = self.reads_begun.load(Ordering::Acquire);
        let mut last = self.last_read.lock().await;
        if *last > arrived
            && let Some(copy) = self.cached().copy()
        {
            return Ok(copy.record.clone());
        }
        let number = self.reads_begun.fetch_add(1, Ordering::AcqRel) + 1;
        let record = match self.load(&None, revision).await {
            Ok(loaded) => match self.cached().copy() {
                Some(copy) => copy.record.clone(),
                None => loaded.record,
            },
            Err(error) => match &*self.cached() {
                Cache::Unsaved { copy, .. } => copy.record.clone(),
                Cache::Empty | Cache::Clean(_) => return Err(error),
            },
        };
        *last = number;
        Ok(record)
    }

    /// The login that this client acts for. Every call asks, so it is read out of a record once.
    pub(crate) async fn login(&self) -> Result<Arc<Login>> {
        let record = self.record().await?;
        if let Some(copy) = self.cached().copy()
            && let Some(login) = &copy.login
            && Arc::ptr_eq(&copy.record, &record)
        {
            return Ok(login.clone());
        }
        let login = record
            .login(self.organization())
            .map(Arc::new)
            .ok_or_else(|| self.no_login(&record))?;
        if let Some(copy) = self.cached().copy_mut()
            && Arc::ptr_eq(&copy.record, &record)
        {
            copy.login = Some(login.clone());
        }
        Ok(login)
    }

    /// Reads the store, whatever is cached. `revision` was asked for before, so that a write in
    /// between is read again rather than missed.
    pub(crate) async fn load(&self, held: &Held, revision: Option<u64>) -> Result<Loaded> {
        let changes = self.changes.load(Ordering::Acquire);
        let text = self.load_text(held).await?;
        if let Some(loaded) = self.known(&text, revision) {
            return Ok(loaded);
        }
        let theirs = self.parse(&text)?;
        let mut cache = self.cached();
        let record = match cache.copy() {
            None => theirs.clone(),
            Some(copy) => {
                let base = match cache.is_unsaved() {
                    true => self.parse(&copy.text),
                    false => Ok((*copy.record).clone()),
                };
                let base = base.unwrap_or_default();
                let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
                Record::merged(&base, &copy.record, &theirs, &spent)
            }
        };
        let loaded = Loaded {
            unsaved: record != theirs,
            record: Arc::new(record),
            text,
        };
        // A change of ours has overtaken this reading: what it made of the cache is newer.
        if changes != self.changes.load(Ordering::Acquire) {
            return Ok(loaded);
        }
        let retry_at = match &*cache {
            Cache::Unsaved { retry_at, .. } => *retry_at,
            Cache::Empty | Cache::Clean(_) => Some(self.clock.now().monotonic),
        };
        let copy = Copy::of(&loaded, revision);
        *cache = match loaded.unsaved {
            true => Cache::Unsaved { copy, retry_at },
            false => Cache::Clean(copy),
        };
        Ok(loaded)
    }

    /// What is in memory already, if the store still holds `text`.
    fn known(&self, text: &Text, revision: Option<u64>) -> Option<Loaded> {
        let mut cache = self.cached();
        let unsaved = cache.is_unsaved();
        let copy = cache.copy_mut().filter(|copy| copy.text == *text)?;
        copy.revision = revision;
        copy.read = Instant::now();
        Some(Loaded {
            text: copy.text.clone(),
            record: copy.record.clone(),
            unsaved,
        })
    }

    fn parse(&self, text: &Text) -> Result<Record> {
        match text {
            None => Ok(Record::default()),
            Some(text) => Record::parse(text)
                .map_err(|error| error.with_context(format_args!("{}:", self.store.location()))),
        }
    }

    /// The same, for a change: a login replaces what is damaged.
    async fn load_for_change(&self, held: &Held) -> Result<Loaded> {
        let text = match self.load(held, None).await {
            Err(error) if error.kind() == ErrorKind::StoreCorrupt => {
                // Where the store has set it aside, there is nothing by now.
                self.load_text(held).await.unwrap_or_default()
            }
            loaded => return loaded,
        };
        Ok(Loaded {
            text,
            ..Loaded::default()
        })
    }

    /// Writes `record` in place of what was `loaded`, and answers it as it would be loaded now;
    /// `None` where somebody was faster.
    pub(crate) async fn write(
        &self,
        loaded: &Loaded,
        record: Record,
        held: &Held,
    ) -> Result<Option<Loaded>> {
        let text = Some(Zeroizing::new(record.to_text()));
        if !self.swap(&loaded.text, &text, held).await? {
            return Ok(None);
        }
        let mut cache = self.cached();
        let all = self.with_kept(&cache, loaded, &record);
        let written = Loaded {
            text,
            unsaved: all.as_ref().is_some_and(|all| *all != record),
            record: Arc::new(all.unwrap_or(record)),
        };
        let copy = Copy::of(&written, None);
        *cache = match &*cache {
            Cache::Unsaved { retry_at, .. } if written.unsaved => Cache::Unsaved {
                copy,
                retry_at: *retry_at,
            },
            _ => Cache::Clean(copy),
        };
        self.changes.fetch_add(1, Ordering::AcqRel);
        Ok(Some(written))
    }

    /// Keeps a change in memory that the store did not take: the server has acted already.
    pub(crate) fn keep(&self, loaded: &Loaded, record: Record) {
        let mut cache = self.cached();
        let record = self.with_kept(&cache, loaded, &record).unwrap_or(record);
        let kept = Loaded {
            text: loaded.text.clone(),
            record: Arc::new(record),
            unsaved: true,
        };
        *cache = Cache::Unsaved {
            copy: Copy::of(&kept, None),
            retry_at: Some(self.clock.now().monotonic + SAVE_AGAIN),
        };
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// `record`, which was made from `loaded`, with what was kept in memory since then.
    fn with_kept(&self, cache: &Cache, loaded: &Loaded, record: &Record) -> Option<Record> {
        match cache {
            Cache::Unsaved { copy, .. } if !Arc::ptr_eq(&copy.record, &loaded.record) => {
                let base = self.parse(&copy.text);
                let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
                let base = base.unwrap_or_default();
                Some(Record::merged(&base, &copy.record, record, &spent))
            }
            _ => None,
        }
    }

    /// Reads, changes and writes the record until nobody else comes in between, whatever becomes
    /// of the caller. `change` says whether there is anything to write. What the store does not
    /// take counts in memory, and `kept` says what that means; where it cannot even be read, only
    /// if there is no way back.
    pub(super) async fn update(
        self: &Arc<Self>,
        kept: &'static str,
        no_way_back: bool,
        change: impl Fn(&mut Record) -> bool + Send + Sync + 'static,
    ) -> Result<()> {
        let session = self.clone();
        let work = async move {
            let (error, loaded) = match session.try_update(&change).await {
                Ok(()) => return Ok(()),
                Err((error, Some(loaded))) => (error, loaded),
                Err((error, None)) if no_way_back => {
                    let loaded = session.load(&None, None).await;
                    (error, loaded.unwrap_or_else(|_| session.last_loaded()))
                }
                Err((error, None)) => return Err(error),
            };
            let mut record = (*loaded.record).clone();
            change(&mut record);
            session.keep(&loaded, record);
            session.keep_offering();
            Err(error.with_context(kept))
        };
        self.background.spawn(work)?.await
    }

    /// With an error comes what was read, if that could be done.
    async fn try_update(
        &self,
        change: &(impl Fn(&mut Record) -> bool + Send + Sync),
    ) -> Result<(), (Error, Option<Loaded>)> {
        let without = |error| (error, None);
        let held = self.lock().await.map_err(without)?;
        let mut loaded = self.load_for_change(&held).await.map_err(without)?;
        for _ in 0..CONFLICTS {
            let mut record = (*loaded.record).clone();
            if !change(&mut record) {
                return Ok(());
            }
            match self.write(&loaded, record, &held).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => loaded = self.load_for_change(&held).await.map_err(without)?,
                Err(error) => return Err((error, Some(loaded))),
            }
        }
        Err((self.contended(), Some(loaded)))
    }

    pub(crate) fn contended(&self) -> Error {
        Error::store(
            format!(
                "The credentials ({}) could not be replaced: the store said {CONFLICTS} times that they had changed meanwhile. Its replace must compare with exactly what its load returns.",
                self.store.location()
            ),
            None,
        )
    }

    fn last_loaded(&self) -> Loaded {
        let cache = self.cached();
        match cache.copy() {
            Some(copy) => Loaded {
                text: copy.text.clone(),
                record: copy.record.clone(),
                unsaved: cache.is_unsaved(),
            },
            None => Loaded::default(),
        }
    }

    /// Whether the store lacks a change.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.cached().is_unsaved()
    }

    pub(super) fn cached(&self) -> MutexGuard<'_, Cache> {
        // Nothing panics while it is held; and were it so, the store is read again.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
