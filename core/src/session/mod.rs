//! The life of an access token: who may use it, when it is renewed, and that no pair is lost.
//!
//! The store is the truth; what is in memory is a copy of it, or changes that it does not have
//! yet. Changes are made by compare-and-swap, on a runtime that no caller can stop.

mod background;
mod cache;
mod cell;
mod decide;
mod flight;
pub(crate) mod machine;
mod offering;
mod refresh;
mod refusal;

pub(crate) use background::Background;
pub use background::Detached;
pub(crate) use cache::{CONFLICTS, Loaded};
pub(crate) use cell::Held;
pub(crate) use flight::SingleFlight;

use crate::{
    Error, Result, Secret,
    clock::Clock,
    oauth::Tokens,
    store::{CredentialStore, KeyId, Login, Record},
};
use cache::{Cache, KEPT};
use decide::{Decision, decide};
use refresh::Refresher;
use refusal::Refusal;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// An early renewal holds up a call for this long at most: the token at hand works.
const EARLY_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Session {
    store: Arc<dyn CredentialStore>,
    organization: Option<String>,
    clock: Clock,
    lock_timeout: Duration,
    background: Background,
    cache: Mutex<Cache>,
    /// One read of the store at a time, and the number of the last one.
    last_read: tokio::sync::Mutex<u64>,
    reads_begun: AtomicU64,
    /// How often this session has changed what is cached.
    changes: AtomicU64,
    /// Whether what is unsaved is being offered to the store while nobody calls.
    offering: AtomicBool,
    /// By login: one refresh at a time, however many wait for it.
    renewals: Mutex<HashMap<String, Arc<Renewal>>>,
    /// By login: the refresh token that the one in memory was given for.
    spent: Mutex<HashMap<String, Secret>>,
    /// Set by a refused access token, cleared by an accepted one.
    refusal: Mutex<Option<Refusal>>,
    refusing: AtomicBool,
    /// Tells this session's claims from all others.
    owner: OnceLock<u64>,
}

/// What all callers share that need a new pair of one login.
struct Renewal {
    flight: SingleFlight<()>,
    refresher: Arc<Mutex<Refresher>>,
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
            cache: Mutex::default(),
            last_read: tokio::sync::Mutex::default(),
            reads_begun: AtomicU64::default(),
            changes: AtomicU64::default(),
            offering: AtomicBool::new(false),
            renewals: Mutex::default(),
            spent: Mutex::default(),
            refusal: Mutex::default(),
            refusing: AtomicBool::default(),
            owner: OnceLock::new(),
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
        // Whoever selects other organizations faster than this does not want a token.
        for _ in 0..3 {
            let login = self.login().await?;
            let rejected = rejected.is_some_and(|token| *token == login.access_token);
            match decide(&login, self.clock.now().wall, rejected) {
                Decision::Use => return Ok(login.access_token.clone()),
                Decision::LogIn(why) => return Err(Error::login_required(why)),
                Decision::RenewEarly => return self.renewed_early(login).await,
                Decision::Renew => match self.renew(&login, rejected)? {
                    Some(renewing) => renewing.await?,
                    // Another token would be refused as well.
                    None => return Ok(login.access_token.clone()),
                },
            }
            let current = self.login().await?;
            if current.key == login.key {
                if rejected {
                    self.note_successor(&current.access_token);
                }
                return Ok(current.access_token.clone());
            }
        }
        Ok(self.login().await?.access_token.clone())
    }

    /// A renewed token if that takes no longer than a moment, else the one at hand.
    async fn renewed_early(self: &Arc<Self>, login: Arc<Login>) -> Result<Secret> {
        let renewing = match self.renew(&login, false) {
            Ok(Some(renewing)) => renewing,
            Ok(None) | Err(_) => return Ok(login.access_token.clone()),
        };
        match tokio::time::timeout(EARLY_PATIENCE, renewing).await {
            Ok(Ok(())) => Ok(self.login().await?.access_token.clone()),
            // A pair that could not be saved is worth knowing of even if this token works.
            Ok(Err(error)) if self.cached().is_unsaved() => Err(error),
            Ok(Err(error)) => {
                tracing::debug!(
                    code = error.code(),
                    "renewing early failed; the old token still works"
                );
                self.still_valid(error).await
            }
            Err(_) => Ok(login.access_token.clone()),
        }
    }

    /// What is stored now, if it works without the renewal that ended in `error`.
    async fn still_valid(&self, error: Error) -> Result<Secret> {
        let login = self.login().await.map_err(|_| error.clone())?;
        match decide(&login, self.clock.now().wall, false) {
            Decision::Use | Decision::RenewEarly => Ok(login.access_token.clone()),
            Decision::Renew | Decision::LogIn(_) => Err(error),
        }
    }

    /// Resolves when a refresh of `login` has ended, one that is under way or a new one. `None`
    /// where its access token was refused, as others were just before.
    ///
    /// # Errors
    /// At once, why the last one failed, if that was so recent that nothing is to be sent yet.
    fn renew(
        self: &Arc<Self>,
        login: &Arc<Login>,
        rejected: bool,
    ) -> Result<Option<impl Future<Output = Result<()>> + use<>>> {
        let renewal = self.renewal(&login.key);
        let flight = match renewal.flight.current() {
            Some(flight) => flight,
            None => {
                if let Some(error) = refresh::lock(&renewal.refresher).resting(self.time()) {
                    return Err(error);
                }
                if rejected && !self.may_renew(&login.access_token) {
                    return Ok(None);
                }
                let (session, login) = (self.clone(), login.clone());
                let refresher = renewal.refresher.clone();
                renewal.flight.join(&self.background, || async move {
                    let refreshed = session.refresh(&refresher, &login, rejected).await;
                    session.keep_offering();
                    refreshed
                })?
            }
        };
        Ok(Some(flight.result()))
    }

    fn renewal(&self, key: &str) -> Arc<Renewal> {
        let mut renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(renewal) = renewals.get(key) {
            return renewal.clone();
        }
        let renewal = Arc::new(Renewal {
            flight: SingleFlight::default(),
            refresher: Arc::new(Mutex::new(Refresher::new(self.owner()))),
        });
        renewals.insert(key.to_owned(), renewal.clone());
        renewal
    }

    /// Whether a refresh is under way, of whichever login.
    fn is_refreshing(&self) -> bool {
        let renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        let mut flights = renewals.values().map(|renewal| renewal.flight.current());
        flights.any(|flight| flight.is_some())
    }

    /// Whether `token`, which the service has refused, is to be renewed: not if it is the
    /// successor of one that was refused just before.
    fn may_renew(&self, token: &Secret) -> bool {
        let now = self.clock.now().monotonic;
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        refusal
            .as_ref()
            .is_none_or(|last| last.lets_renew(token, now))
    }

    /// `successor` is there because the service refused the token before it.
    fn note_successor(&self, successor: &Secret) {
        let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        *refusal = Some(Refusal::after(
            refusal.take(),
            successor,
            self.clock.now().monotonic,
        ));
        self.refusing.store(true, Ordering::Release);
    }

    /// The service has accepted an access token.
    pub(crate) fn note_accepted(&self) {
        if self.refusing.load(Ordering::Acquire) && self.refusing.swap(false, Ordering::AcqRel) {
            let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
            *refusal = None;
        }
    }

    /// A number of this session's own. From the system, for a forked child would repeat its
    /// parent's.
    pub(crate) fn owner(&self) -> u64 {
        *self.owner.get_or_init(|| {
            let mut bytes = [0; 8];
            let random = rustls::crypto::ring::default_provider().secure_random;
            // Without random numbers there is no TLS either.
            let _ = random.fill(&mut bytes);
            u64::from_ne_bytes(bytes).max(1)
        })
    }

    fn note_spent(&self, key: &str, token: &Secret) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.insert(key.to_owned(), token.clone());
    }

    pub(crate) fn no_login(&self, record: &Record) -> Error {
        let somewhere = record
            .keys()
            .iter()
            .any(|key| record.login_of(key).is_some());
        Error::login_required(match (self.organization(), somewhere) {
            (Some(id), _) => format!("Nobody is logged in for the organization {id}. Log in first."),
            (None, true) => "There are several logins and none is selected. Select an organization, or name one by the org option.".into(),
            (None, false) => "Nobody is logged in. Log in first.".into(),
        })
    }

    pub(crate) async fn set_client_id(self: &Arc<Self>, client_id: &str) -> Result<()> {
        let id = client_id.to_owned();
        let kept = "The registration could not be stored.";
        self.update(kept, false, move |record| {
            record.set_client_id(&id);
            true
        })
        .await
    }

    /// Stores a new login and selects its organization.
    pub(crate) async fn save_login(
        self: &Arc<Self>,
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
                "The login was approved for the organization {got}, and this client acts for {wanted}. Nothing was stored; log in again and choose {wanted}."
            )));
        }
        let now = self.clock.now();
        let (tokens, client_id, asked) = (tokens.clone(), client_id.to_owned(), asked.to_vec());
        // The code is used up: whatever is wrong with the store, the pair is kept.
        self.update(KEPT, true, move |record| {
            record.apply(&key, &tokens, Some(&client_id), Some(&asked), now);
            record.select(&key);
            true
        })
        .await
    }

    pub(crate) async fn select(self: &Arc<Self>, organization: &str) -> Result<()> {
        if self.record().await?.login_of(organization).is_none() {
            return Err(Error::login_required(format!(
                "Nobody is logged in for the organization {}. Log in there first.",
                crate::text::clean(organization, 100)
            )));
        }
        let key = organization.to_owned();
        let kept = "The selection counts in this process only.";
        self.update(kept, false, move |record| {
            record.select(&key);
            true
        })
        .await
    }

    /// Forgets the logins of `keys`, or all, and answers what they were: also where the store could
    /// not be changed, as they count as forgotten here.
    pub(crate) async fn forget(
        self: &Arc<Self>,
        keys: Option<Vec<String>>,
    ) -> (Vec<Forgotten>, Result<()>) {
        let forgotten: Arc<Mutex<Vec<Forgotten>>> = Arc::default();
        let found = forgotten.clone();
        let kept = "You are logged out in this process, but the stored login could not be removed.";
        let removed = self
            .update(kept, false, move |record| {
                let keys = keys.clone().unwrap_or_else(|| record.keys());
                let logins: Vec<_> = keys.iter().filter_map(|key| record.login_of(key)).collect();
                let is_changed = !logins.is_empty();
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                for login in logins {
                    let api_key = record.own_api_key_of(&login.key);
                    let forgotten = Forgotten { login, api_key };
                    if !found.contains(&forgotten) {
                        found.push(forgotten);
                    }
                }
                keys.iter().for_each(|key| record.forget(key));
                is_changed
            })
            .await;
        let mut forgotten = forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut *forgotten), removed)
    }
}

/// A login that is not stored any more, and the API key that was made with it.
#[derive(PartialEq)]
pub(crate) struct Forgotten {
    pub(crate) login: Login,
    pub(crate) api_key: Option<KeyId>,
}
