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
    ops::ControlFlow,
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
    /// Why only a new login helps, if that is so for what is loaded.
    why_over: String,
    pair: Option<NewPair>,
    failure: Option<Error>,
}

/// What the server gave for the token that was sent last.
struct NewPair {
    tokens: Tokens,
    /// Which registration asked for it.
    client_id: Option<String>,
    /// Whether it is for another organization.
    elsewhere: bool,
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
            why_over: String::new(),
            pair: None,
            failure: None,
        };
        let mut event = Event::Start {
            locked: refresh.held.is_some(),
        };
        loop {
            let effect = lock(refresher).machine.step(event, self.time());
            event = match refresh.perform(effect).await {
                ControlFlow::Continue(event) => event,
                ControlFlow::Break(end) => {
                    let ended = refresh.end(end);
                    refresh.tell(end, &ended);
                    return ended;
                }
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
    async fn perform(&mut self, effect: Effect<Secret>) -> ControlFlow<End, Event<Secret>> {
        ControlFlow::Continue(match effect {
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
                if let Some(pair) = &self.pair {
                    self.session.discard(&pair.tokens).await;
                }
                Event::Waited
            }
            Effect::End(end) => return ControlFlow::Break(end),
        })
    }

    fn login(&self) -> Option<Login> {
        self.loaded.record.login_of(self.key)
    }

    fn seen(&mut self) -> Option<Seen<Secret>> {
        let login = self.login()?;
        let newer = login.access_token != *self.stale;
        let rejected = self.rejected && !newer;
        let usable = match decide(&login, self.session.clock.now().wall, rejected) {
            Decision::Use => Use::Good,
            Decision::RenewEarly => Use::Early,
            Decision::Renew => Use::Expired,
            Decision::LogIn(why) => {
                self.why_over = why;
                Use::Over
            }
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
        match change {
            Change::Save => {}
            Change::Claim(claim) => record.set_claim(self.key, claim),
            Change::Release => record.remove_claim(self.key),
            Change::Refuse(token) => record.mark_refused(self.key, token),
            Change::Commit | Change::Move => self.put_pair(&mut record),
        }
        record
    }

    /// Writes the new pair into the login, or into the one of the organization that it is for.
    fn put_pair(&self, record: &mut Record) {
        let Some(pair) = &self.pair else { return };
        let now = self.session.clock.now();
        match pair.elsewhere {
            true => record.move_login(self.key, &pair.tokens, now),
            false => record.apply(self.key, &pair.tokens, pair.client_id.as_deref(), None, now),
        }
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
        match answer {
            Ok(tokens) => {
                let got = tokens.refresh_token.as_ref().unwrap_or(token).clone();
                if got != *token {
                    self.session.note_spent(self.key, token);
                }
                let theirs = tokens.org_id.as_deref();
                let elsewhere =
                    matches!((org_id, theirs), (Some(ours), Some(theirs)) if ours != theirs);
                self.pair = Some(NewPair {
                    tokens,
                    client_id,
                    elsewhere,
                });
                match elsewhere {
                    true => RefreshOutcome::Elsewhere(got),
                    false => RefreshOutcome::Pair(got),
                }
            }
            Err(error) => {
                let outcome = without_pair(&error);
                // The caller's own request was not sent, and the refresh is ours to repeat.
                self.failure = Some(error.with_outcome_unknown(false));
                outcome
            }
        }
    }

    fn end(&mut self, end: End) -> Result<()> {
        let error = match end {
            End::Adopted | End::Renewed => {
                lock(self.refresher).failure = None;
                return Ok(());
            }
            End::Unsaved => {
                let mut record = (*self.loaded.record).clone();
                self.put_pair(&mut record);
                self.session.keep(&self.loaded, record);
                let error = self.failure.take();
                error
                    .unwrap_or_else(|| self.session.contended())
                    .with_context(KEPT)
            }
            End::Moved => self.moved(),
            End::LoggedOut => self.session.no_login(&self.loaded.record),
            End::Over => Error::login_required(std::mem::take(&mut self.why_over)),
            End::Refused => self.refused(),
            End::Contended => self.session.contended(),
            End::StoreFailed => self.why_failed(),
            End::Failed => {
                let error = self.why_failed();
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

    fn why_failed(&mut self) -> Error {
        self.failure
            .take()
            .unwrap_or_else(|| Error::internal("a refresh failed without a reason"))
    }

    fn moved(&self) -> Error {
        let pair = self.pair.as_ref();
        let theirs = pair.and_then(|pair| pair.tokens.org_id.as_deref());
        Error::login_required(format!(
            "Parallel renewed the login of the organization {} for the organization {}, and it is kept there. Select that organization, or log in again.",
            self.key,
            crate::text::clean(theirs.unwrap_or_default(), 100)
        ))
    }

    fn refused(&mut self) -> Error {
        let error = self.why_failed();
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

/// What an error says of the token that was sent.
fn without_pair(error: &Error) -> RefreshOutcome<Secret> {
    let retry_after = error.retry_after();
    match error.kind() {
        _ if is_refusal(error) => RefreshOutcome::Refused,
        _ if error.outcome_unknown() => RefreshOutcome::Lost { retry_after },
        kind => RefreshOutcome::Unused {
            unsent: matches!(kind, ErrorKind::Connection | ErrorKind::Timeout),
            retry_after,
        },
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
