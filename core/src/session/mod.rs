//! The life of an access token: who may use it, when it is renewed, and that no pair is lost.
//!
//! The store is the truth; what is in memory is a copy of it, or a newer pair that could not be
//! saved yet. Changes are made under the store's lock, on a runtime that no caller can stop.

mod background;
mod copy;
mod decide;
mod refresh;

pub(crate) use background::Background;
pub use background::Detached;

use crate::{
    Error, ErrorKind, Result, Secret,
    clock::Clock,
    oauth::{Platform, Tokens},
    store::{CredentialStore, Login, Record},
};
use copy::{Cached, KEPT};
use decide::{Decision, decide};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{runtime, sync::watch};

/// What waiters of one refresh share, and the runtime that it runs on.
type Flight = (runtime::Id, watch::Receiver<Option<Result<()>>>);

pub(crate) struct Session {
    store: Arc<dyn CredentialStore>,
    organization: Option<String>,
    clock: Clock,
    lock_timeout: Duration,
    background: Background,
    cached: Mutex<Cached>,
    /// One refresh per organisation at a time, however many wait for it.
    flights: Mutex<HashMap<String, Flight>>,
    /// One change at a time in this process, also where the store has no lock of its own.
    turn: Arc<tokio::sync::Mutex<()>>,
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
            turn: Arc::default(),
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
        self.save_again(false);
        let login = self.login().await?;
        let rejected = rejected.is_some_and(|token| *token == login.access_token);
        let now = self.clock.now();
        match decide(&login, now.wall, rejected) {
            Decision::Use => Ok(login.access_token.clone()),
            Decision::LogIn(why) => Err(Error::login_required(why)),
            Decision::RenewEarly => {
                if self
                    .cached()
                    .rest_until
                    .is_some_and(|until| now.monotonic < until)
                {
                    return Ok(login.access_token.clone());
                }
                match self.renewed(&login, false).await {
                    // A pair that could not be saved is worth knowing of even if this token works.
                    Err(error) if error.kind() != ErrorKind::Store || !self.cached().unsaved => {
                        self.still_valid(error).await
                    }
                    result => result,
                }
            }
            Decision::Renew => self.renewed(&login, rejected).await,
        }
    }

    /// What is stored now, if it works without the renewal that ended in `error`.
    async fn still_valid(&self, error: Error) -> Result<Secret> {
        let now = self.clock.now();
        match self.login().await {
            Ok(login)
                if matches!(
                    decide(&login, now.wall, false),
                    Decision::Use | Decision::RenewEarly
                ) =>
            {
                tracing::debug!(
                    code = error.code(),
                    "renewing early failed; the old token still works"
                );
                self.cached().rest_until = Some(now.monotonic + Duration::from_secs(1));
                Ok(login.access_token.clone())
            }
            _ => Err(error),
        }
    }

    async fn renewed(self: &Arc<Self>, login: &Login, rejected: bool) -> Result<Secret> {
        self.refresh(login, rejected).await?;
        let mut key = login.key.clone();
        // Whoever selects other organisations faster than this does not want a token.
        for _ in 0..3 {
            let current = self.login().await?;
            let another = current.key != key;
            match decide(&current, self.clock.now().wall, false) {
                Decision::Renew if another => self.refresh(&current, false).await?,
                Decision::LogIn(why) if another => return Err(Error::login_required(why)),
                _ => return Ok(current.access_token.clone()),
            }
            key.clone_from(&current.key);
        }
        Ok(self.login().await?.access_token.clone())
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

    pub(crate) async fn set_client_id(self: &Arc<Self>, client_id: &str) -> Result<()> {
        let id = client_id.to_owned();
        self.update("The registration could not be stored. ", move |record| {
            record.set_client_id(&id);
        })
        .await
    }

    /// Stores a new login and selects its organisation.
    pub(crate) async fn save_login(
        &self,
        tokens: &Tokens,
        client_id: &str,
        asked: &[String],
    ) -> Result<()> {
        // One that the server does not name is taken for the one that was asked for.
        let key = match (self.organization(), &tokens.org_id) {
            (Some(wanted), None) => wanted.to_owned(),
            _ => Record::key_of(tokens).to_owned(),
        };
        if let (Some(wanted), Some(got)) = (self.organization(), &tokens.org_id)
            && wanted != got
        {
            self.discard(tokens).await;
            return Err(Error::invalid_response(format!(
                "The login was approved for the organisation {got}, but this client is for {wanted}. Nothing was stored; log in again and choose {wanted}."
            )));
        }
        let now = self.clock.now();
        // The code is used up: whatever is wrong with the store, the pair is kept.
        let held = self.lock().await;
        let before = self.cached().record.clone().unwrap_or_default();
        let mut record = (*self.reload_or(&before).await).clone();
        record.apply(&key, tokens, Some(client_id), Some(asked), now);
        record.select(&key);
        let held = held.as_ref().map_err(Error::clone);
        self.write(record, KEPT, held).await.map(drop)
    }

    pub(crate) async fn select(self: &Arc<Self>, organization: &str) -> Result<()> {
        if self.record().await?.login_of(organization).is_none() {
            return Err(Error::login_required(format!(
                "Nobody is logged in for the organisation {}. Log in there first.",
                crate::prompt::clean(organization, 100)
            )));
        }
        let key = organization.to_owned();
        let unsaved = "The selection counts in this process only. ";
        self.update(unsaved, move |record| record.select(&key))
            .await
    }

    /// Forgets and revokes the logins of `keys`, or of all. They go from here first, so that
    /// nobody waits for the lock while a server is slow. A failure is reported, the store's before
    /// the server's.
    pub(crate) async fn logout(
        self: Arc<Self>,
        platform: Platform,
        keys: Option<Vec<String>>,
    ) -> Result<()> {
        let mut tokens: Vec<Secret> = Vec::new();
        let forgotten = {
            let held = self.lock().await?;
            let mut record = (*self.reload().await?).clone();
            let keys = keys.unwrap_or_else(|| record.keys());
            let logins: Vec<_> = keys.iter().filter_map(|key| record.login_of(key)).collect();
            if logins.is_empty() {
                return Ok(());
            }
            for token in logins.into_iter().filter_map(|login| login.refresh_token) {
                if !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
            keys.iter().for_each(|key| record.forget(key));
            self.write(
                record,
                "You are logged out in this process, but the stored login could not be removed. ",
                Ok(&held),
            )
            .await
        };
        let mut failure = None;
        for token in &tokens {
            if let Err(error) = platform.revoke(token.expose()).await {
                failure.get_or_insert(error);
            }
        }
        forgotten?;
        match failure {
            None => Ok(()),
            Some(error) => Err(error.prefixed(
                "You are logged out here, but the login could not be revoked at Parallel and lives until it expires. ",
            )),
        }
    }
}
