//! Refreshing: does what the machine says, detached from whoever needs the new pair.

use super::{
    Decision, Session,
    cache::{KEPT, Loaded},
    cell::Held,
    decide,
    machine::{ATTEMPT, Change, Effect, End, Event, Machine, RefreshOutcome, Seen, Time, Use},
};
use crate::{
    Error, ErrorKind, Result, Secret,
    clock::unix_ms,
    events,
    oauth::Tokens,
    store::{Login, Record},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// The refreshing of one login: the machine, and why it last failed.
pub(super) struct Refresher {
    machine: Machine<Secret>,
    failure: Option<Error>,
}

impl Refresher {
    pub(super) fn new(owner: u64) -> Self {
        Refresher {
            machine: Machine::new(owner),
            failure: None,
        }
    }

    /// Why nothing is to be sent yet, after a failure that was so recent.
    pub(super) fn resting(&self, now: Time) -> Option<Error> {
        self.failure
            .clone()
            .filter(|_| self.machine.is_resting(now))
    }
}

/// One refresh, and what it has in hand.
struct Refresh<'a> {
    session: &'a Session,
    refresher: &'a Mutex<Refresher>,
    key: &'a str,
    /// The access token that is to be replaced, and whether the service has refused it.
    stale: &'a Secret,
    rejected: bool,
    held: Held,
    loaded: Loaded,
    tokens: Option<Tokens>,
    /// They are for another organization.
    elsewhere: bool,
    client_id: Option<String>,
    failure: Option<Error>,
}

impl Session {
    /// Replaces `stale`'s access token. Never called twice at once for one login.
    pub(super) async fn refresh(
        &self,
        refresher: &Mutex<Refresher>,
        stale: &Login,
        rejected: bool,
    ) -> Result<()> {
        let mut refresh = Refresh {
            session: self,
            refresher,
            key: &stale.key,
            stale: &stale.access_token,
            rejected,
            held: self.lock().await?,
            loaded: Loaded::default(),
            tokens: None,
            elsewhere: false,
            client_id: None,
            failure: None,
        };
        let mut event = Event::Start {
            locked: refresh.held.is_some(),
        };
        loop {
            let effect = lock(refresher).machine.step(event, self.time());
            event = match effect {
                Effect::End(end) => {
                    let ended = refresh.end(end);
                    refresh.tell(end, &ended);
                    return ended;
                }
                effect => refresh.perform(effect).await,
            };
        }
    }

    pub(crate) fn time(&self) -> Time {
        let now = self.clock.now();
        let wall = Duration::from_millis(unix_ms(SystemTime::now()));
        Time {
            real: self.clock.elapsed(),
            wall,
            client: now.monotonic,
        }
    }
}

impl Refresh<'_> {
    async fn perform(&mut self, effect: Effect<Secret>) -> Event<Secret> {
        match effect {
            Effect::Load => match self.session.load(&self.held, None).await {
                Ok(loaded) => {
                    self.loaded = loaded;
                    Event::Loaded(self.seen())
                }
                Err(error) => {
                    self.failure.get_or_insert(error);
                    Event::Unreadable
                }
            },
            Effect::Replace(change) => {
                let record = self.changed(&change);
                let written = self.session.write(&self.loaded, record, &self.held).await;
                match written {
                    Ok(Some(written)) => {
                        self.loaded = written;
                        Event::Replaced(true)
                    }
                    Ok(None) => Event::Replaced(false),
                    Err(error) => {
                        self.failure = Some(error);
                        Event::Unwritten
                    }
                }
            }
            Effect::Post(token) => Event::Answered(self.post(&token).await),
            Effect::Wait(pause) => {
                tokio::time::sleep(pause).await;
                Event::Waited
            }
            Effect::Revoke => {
                if let Some(tokens) = &self.tokens {
                    self.session.discard(tokens).await;
                }
                Event::Waited
            }
            Effect::End(_) => unreachable!("the loop ends with it"),
        }
    }

    fn login(&self) -> Option<Login> {
        self.loaded.record.login_of(self.key)
    }

    fn seen(&self) -> Option<Seen<Secret>> {
        let login = self.login()?;
        let newer = login.access_token != *self.stale;
        let rejected = self.rejected && !newer;
        let usable = match decide(&login, self.session.clock.now().wall, rejected) {
            Decision::Use => Use::Good,
            Decision::RenewEarly => Use::Early,
            Decision::Renew => Use::Expired,
            Decision::LogIn(_) => Use::Over,
        };
        Some(Seen {
            newer,
            usable,
            claim: self.loaded.record.claim_of(self.key),
            unsaved: self.is_unsaved(&login),
            token: login.refresh_token.unwrap_or_else(|| "".into()),
        })
    }

    /// Whether the store lacks the pair of `login`, and not just some other change: a token that is
    /// stored is known to all.
    fn is_unsaved(&self, login: &Login) -> bool {
        self.loaded.unsaved && {
            let stored = self.loaded.text.as_ref();
            let stored = stored.and_then(|text| Record::parse(text).ok());
            let stored = stored.and_then(|record| record.login_of(self.key));
            stored.is_none_or(|stored| stored.refresh_token != login.refresh_token)
        }
    }

    /// The record as it was loaded, with `change`.
    fn changed(&self, change: &Change<Secret>) -> Record {
        let mut record = (*self.loaded.record).clone();
        let now = self.session.clock.now();
        match change {
            Change::Save => {}
            Change::Claim(claim) => record.set_claim(self.key, claim),
            Change::Release => record.remove_claim(self.key),
            Change::Refuse(token) => record.mark_refused(self.key, token),
            Change::Commit => {
                if let Some(tokens) = &self.tokens {
                    record.apply(self.key, tokens, self.client_id.as_deref(), None, now);
                }
            }
            Change::Move => {
                if let Some(tokens) = &self.tokens {
                    record.move_login(self.key, tokens, now);
                }
            }
        }
        record
    }

    /// Sends the token, once.
    async fn post(&mut self, token: &Secret) -> RefreshOutcome<Secret> {
        let login = self.login();
        let client_id = login.as_ref().and_then(|login| login.client_id.clone());
        let org_id = login.as_ref().and_then(Login::org_id);
        let answer = match self.session.background.platform() {
            Ok(mut platform) => {
                platform.limits.timeout = self.session.clock.shortened(ATTEMPT);
                platform.refresh(token.expose(), client_id.as_deref()).await
            }
            Err(error) => Err(error),
        };
        let answer = match answer {
            Ok(tokens) => {
                let got = tokens
                    .refresh_token
                    .clone()
                    .unwrap_or_else(|| token.clone());
                if got != *token {
                    self.session.note_spent(self.key, token);
                }
                let theirs = tokens.org_id.as_deref();
                self.elsewhere =
                    matches!((org_id, theirs), (Some(ours), Some(theirs)) if ours != theirs);
                self.tokens = Some(tokens);
                match self.elsewhere {
                    true => RefreshOutcome::Elsewhere(got),
                    false => RefreshOutcome::Pair(got),
                }
            }
            Err(error) => {
                let retry_after = error.retry_after();
                let answer = match error.kind() {
                    _ if is_refusal(&error) => RefreshOutcome::Refused,
                    _ if error.outcome_unknown() => RefreshOutcome::Lost { retry_after },
                    ErrorKind::Connection | ErrorKind::Timeout => RefreshOutcome::Unused {
                        unsent: true,
                        retry_after,
                    },
                    _ => RefreshOutcome::Unused {
                        unsent: false,
                        retry_after,
                    },
                };
                // The caller's own request was not sent, and the refresh is ours to repeat.
                self.failure = Some(error.with_outcome_unknown(false));
                answer
            }
        };
        self.client_id = client_id;
        answer
    }

    fn end(&mut self, end: End) -> Result<()> {
        let failure = || Error::internal("a refresh failed without a reason");
        let error = match end {
            End::Adopted | End::Renewed => {
                lock(self.refresher).failure = None;
                return Ok(());
            }
            End::Unsaved => {
                let change = match self.elsewhere {
                    true => Change::Move,
                    false => Change::Commit,
                };
                let record = self.changed(&change);
                self.session.keep(&self.loaded, record);
                let error = self.failure.take();
                error
                    .unwrap_or_else(|| self.session.contended())
                    .prefixed(KEPT)
            }
            End::Moved => self.moved(),
            End::LoggedOut => self.session.no_login(&self.loaded.record),
            End::Over => Error::login_required(self.why_over()),
            End::Refused => self.refused(),
            End::Contended => self.session.contended(),
            End::StoreFailed => self.failure.take().unwrap_or_else(failure),
            End::Failed => {
                let error = self.failure.take().unwrap_or_else(failure);
                lock(self.refresher).failure = Some(error.clone());
                error
            }
        };
        Err(error)
    }

    fn tell(&self, end: End, ended: &Result<()>) {
        self.session.background.events().tell(|| {
            let organization = self.key.to_owned();
            match (end, ended) {
                (_, Err(error)) => events::Event::RefreshFailed {
                    organization,
                    error: error.clone(),
                },
                (End::Renewed, Ok(())) => events::Event::TokenRenewed { organization },
                (_, Ok(())) => events::Event::TokenAdopted { organization },
            }
        });
    }

    fn moved(&self) -> Error {
        let theirs = self
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.org_id.clone());
        Error::login_required(format!(
            "Parallel renewed the login of the organization {} for the organization {}, and it is kept there. Select that organization, or log in again.",
            self.key,
            crate::text::clean(&theirs.unwrap_or_default(), 100)
        ))
    }

    fn why_over(&self) -> String {
        let login = self.login();
        let now = self.session.clock.now().wall;
        match login.map(|login| decide(&login, now, self.rejected)) {
            Some(Decision::LogIn(why)) => why,
            _ => "Log in again: the stored login is not valid any more.".into(),
        }
    }

    fn refused(&mut self) -> Error {
        let Some(error) = self.failure.take() else {
            return Error::login_required(self.why_over());
        };
        let why = error
            .description()
            .or(error.oauth_error())
            .unwrap_or("no reason given");
        Error::login_required(format!(
            "Log in again: Parallel refused the refresh token ({why})."
        ))
        .with_request_id(error.request_id().map(str::to_owned))
        .with_source(error)
    }
}

/// The refresh token, or the client that it belongs to, is not valid any more.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.oauth_error(),
        Some("invalid_grant" | "invalid_client" | "unauthorized_client")
    )
}

pub(super) fn lock(refresher: &Mutex<Refresher>) -> MutexGuard<'_, Refresher> {
    refresher.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Ends a pair that nobody will use, as far as that can be done: its login was ended
    /// meanwhile, or is another's than asked.
    pub(crate) async fn discard(&self, tokens: &Tokens) {
        let Some(token) = &tokens.refresh_token else {
            return;
        };
        let revoked = match self.background.platform() {
            Ok(platform) => platform.revoke(token.expose()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = revoked {
            tracing::debug!(
                code = error.code(),
                "a pair that nobody wants was not revoked"
            );
        }
    }
}
