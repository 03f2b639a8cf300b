//! The life of an access token: who may use it, when it is renewed, and that no pair is lost.
//!
//! The store is the truth; what is in memory is a copy of it, or a newer pair that could not be
//! saved yet. Changes are made under the store's lock, on a runtime that no caller can stop.

mod background;
mod decide;
mod refresh;

pub(crate) use background::Background;

use crate::{
    Error, ErrorKind, Result, Secret,
    clock::Clock,
    oauth::{Platform, Tokens},
    store::{CredentialStore, Login, Record, StoreLock},
};
use decide::{Decision, decide};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::sync::watch;

/// What waiters of one refresh share.
type Flight = watch::Receiver<Option<Result<()>>>;

pub(crate) struct Session {
    store: Arc<dyn CredentialStore>,
    organization: Option<String>,
    clock: Clock,
    lock_timeout: Duration,
    background: Background,
    cached: Mutex<Cached>,
    /// One refresh per organisation at a time, however many wait for it.
    flights: Mutex<HashMap<String, Flight>>,
}

#[derive(Default)]
struct Cached {
    record: Option<Arc<Record>>,
    /// The store's revision when `record` was read from it.
    revision: Option<u64>,
    text: Option<String>,
    /// `record` holds a pair that the store does not have, for it could not be written.
    unsaved: bool,
    /// No early renewal before this, as the last one failed.
    rest_until: Option<Duration>,
}

impl Session {
    pub(crate) fn new(
        store: Arc<dyn CredentialStore>,
        organization: Option<String>,
        clock: Clock,
        lock_timeout: Duration,
        background: Background,
    ) -> Self {
        Session {
            store,
            organization,
            clock,
            lock_timeout,
            background,
            cached: Mutex::default(),
            flights: Mutex::default(),
        }
    }

    pub(crate) fn location(&self) -> String {
        self.store.location()
    }

    pub(crate) fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    pub(crate) fn background(&self) -> &Background {
        &self.background
    }

    /// A token that is valid now. `rejected` is one that the service has just refused: it is not
    /// given out again, but a sibling's newer one is.
    pub(crate) async fn access_token(
        self: &Arc<Self>,
        rejected: Option<&Secret>,
    ) -> Result<Secret> {
        let login = self.login().await?;
        let rejected = rejected.is_some_and(|token| *token == login.access_token);
        let now = self.clock.now();
        match decide(&login, now.wall, rejected) {
            Decision::Use => Ok(login.access_token),
            Decision::LogIn(why) => Err(Error::login_required(why)),
            Decision::RenewEarly => {
                if self
                    .cached()
                    .rest_until
                    .is_some_and(|until| now.monotonic < until)
                {
                    return Ok(login.access_token);
                }
                match self.renewed(&login, false).await {
                    // A pair that could not be saved is worth knowing of even if this token works.
                    Err(error) if error.is_passing() && error.kind() != ErrorKind::Store => {
                        tracing::debug!(
                            code = error.code(),
                            "renewing early failed; the old token still works"
                        );
                        self.cached().rest_until =
                            Some(self.clock.now().monotonic + Duration::from_secs(1));
                        Ok(login.access_token)
                    }
                    result => result,
                }
            }
            Decision::Renew => self.renewed(&login, rejected).await,
        }
    }

    async fn renewed(self: &Arc<Self>, login: &Login, rejected: bool) -> Result<Secret> {
        self.refresh(login, rejected).await?;
        Ok(self.login().await?.access_token)
    }

    /// The login that this client acts for.
    pub(crate) async fn login(&self) -> Result<Login> {
        let record = self.record().await?;
        record
            .login(self.organization())
            .ok_or_else(|| self.no_login(&record))
    }

    fn no_login(&self, record: &Record) -> Error {
        let somewhere = record
            .keys()
            .iter()
            .any(|key| record.login_of(key).is_some());
        Error::login_required(match (self.organization(), somewhere) {
            (Some(id), _) => format!("Nobody is logged in for the organisation {id}. Log in first."),
            (None, true) => "There are several logins and none is selected. Select an organisation, or name one by the org option.".into(),
            (None, false) => "Nobody is logged in. Log in first.".into(),
        })
    }

    /// The record as the store has it now; read again only if it may have changed.
    pub(crate) async fn record(&self) -> Result<Arc<Record>> {
        let revision = self.store.revision();
        {
            let cached = self.cached();
            if let Some(record) = &cached.record
                && (cached.unsaved || (revision.is_some() && cached.revision == revision))
            {
                return Ok(record.clone());
            }
        }
        self.reload().await
    }

    /// Reads the store, whatever is cached. The revision is taken first, so that a write in
    /// between is read again rather than missed.
    async fn reload(&self) -> Result<Arc<Record>> {
        let revision = self.store.revision();
        let text = self.store.load().await?;
        let mut cached = self.cached();
        if cached.unsaved
            && let Some(record) = &cached.record
        {
            return Ok(record.clone());
        }
        if let Some(record) = &cached.record
            && cached.text == text
        {
            let record = record.clone();
            cached.revision = revision;
            return Ok(record);
        }
        let record = Arc::new(self.parse(text.as_deref())?);
        *cached = Cached {
            record: Some(record.clone()),
            revision,
            text,
            unsaved: false,
            rest_until: cached.rest_until,
        };
        Ok(record)
    }

    fn parse(&self, text: Option<&str>) -> Result<Record> {
        match text {
            None => Ok(Record::default()),
            Some(text) => Record::parse(text)
                .map_err(|error| error.prefixed(&format!("{}: ", self.store.location()))),
        }
    }

    async fn lock(&self) -> Result<StoreLock> {
        match tokio::time::timeout(self.lock_timeout, self.store.lock()).await {
            Ok(lock) => lock,
            Err(_) => Err(Error::store(
                format!(
                    "The credentials ({}) stayed locked by another process for {} s. Look for one that hangs, or allow more time by lock_timeout.",
                    self.store.location(),
                    self.lock_timeout.as_secs_f64()
                ),
                None,
            )),
        }
    }

    /// Reads, changes and writes the record under the lock. A failed write leaves the change in
    /// memory, so that what the server has already rotated is not lost with it.
    async fn update(&self, change: impl FnOnce(&mut Record)) -> Result<Arc<Record>> {
        let _lock = self.lock().await?;
        let mut record = (*self.reload().await?).clone();
        change(&mut record);
        self.write(record).await
    }

    /// The caller holds the lock.
    async fn write(&self, record: Record) -> Result<Arc<Record>> {
        let text = record.to_text();
        let record = Arc::new(record);
        let saved = self.store.save(text.clone()).await;
        let mut cached = self.cached();
        cached.record = Some(record.clone());
        match saved {
            Ok(()) => {
                cached.revision = self.store.revision();
                cached.text = Some(text);
                cached.unsaved = false;
                Ok(record)
            }
            Err(error) => {
                cached.unsaved = true;
                Err(error.prefixed(
                    "The login is kept in memory only, and it is lost if this process ends. ",
                ))
            }
        }
    }

    /// Writes what could not be written before. The caller holds the lock.
    async fn write_unsaved(&self) -> Result<()> {
        let record = {
            let cached = self.cached();
            match &cached.record {
                Some(record) if cached.unsaved => (**record).clone(),
                _ => return Ok(()),
            }
        };
        self.write(record).await.map(drop)
    }

    pub(crate) async fn set_client_id(&self, client_id: &str) -> Result<()> {
        self.update(|record| record.set_client_id(client_id))
            .await
            .map(drop)
    }

    /// Stores a new login and selects its organisation.
    pub(crate) async fn save_login(
        &self,
        tokens: &Tokens,
        client_id: &str,
        asked: &[String],
    ) -> Result<()> {
        let key = Record::key_of(tokens).to_owned();
        if let (Some(wanted), Some(got)) = (self.organization(), &tokens.org_id)
            && wanted != got
        {
            return Err(Error::invalid_response(format!(
                "The login was approved for the organisation {got}, but this client is for {wanted}. Nothing was stored; log in again and choose {wanted}."
            )));
        }
        let now = self.clock.now();
        self.update(|record| {
            record.apply(&key, tokens, Some(client_id), Some(asked), now);
            record.select(&key);
        })
        .await
        .map(drop)
    }

    pub(crate) async fn select(&self, organization: &str) -> Result<()> {
        if self.record().await?.login_of(organization).is_none() {
            return Err(Error::login_required(format!(
                "Nobody is logged in for the organisation {}. Log in there first.",
                crate::prompt::clean(organization, 100)
            )));
        }
        self.update(|record| record.select(organization))
            .await
            .map(drop)
    }

    /// Revokes and forgets the logins of `keys`, or of all. What is stored here goes even if
    /// revoking fails; the failure is reported.
    pub(crate) async fn logout(
        self: Arc<Self>,
        platform: Platform,
        keys: Option<Vec<String>>,
    ) -> Result<()> {
        let _lock = self.lock().await?;
        let mut record = (*self.reload().await?).clone();
        let keys = keys.unwrap_or_else(|| record.keys());
        let mut tokens: Vec<Secret> = Vec::new();
        for token in keys
            .iter()
            .filter_map(|key| record.login_of(key)?.refresh_token)
        {
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        if !keys.iter().any(|key| record.login_of(key).is_some()) {
            return Ok(());
        }
        let mut failure = None;
        for token in &tokens {
            if let Err(error) = platform.revoke(token.expose()).await {
                failure.get_or_insert(error);
            }
        }
        keys.iter().for_each(|key| record.forget(key));
        self.write(record).await?;
        match failure {
            None => Ok(()),
            Some(error) => Err(error.prefixed(
                "You are logged out here, but the login could not be revoked at Parallel and lives until it expires. ",
            )),
        }
    }

    fn cached(&self) -> MutexGuard<'_, Cached> {
        // Nothing panics while it is held; and were it so, the copy is read again from the store.
        self.cached
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
