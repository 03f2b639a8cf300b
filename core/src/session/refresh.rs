//! Renewing: one refresh per process, one per machine, and nobody can stop it half-way.

use super::{
    Decision, Session,
    copy::{Held, KEPT},
    decide,
};
use crate::{
    Error, ErrorKind, Result, Secret,
    oauth::Tokens,
    store::{Login, Record},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// How often a refresh token is sent again after an answer was lost, at once and unchanged:
/// servers with a grace window accept it, and on the others the login was lost already.
const LOST_ANSWERS: u32 = 2;

impl Session {
    /// Replaces `stale`'s access token, or waits for whoever is doing so.
    pub(super) async fn refresh(self: &Arc<Self>, stale: &Login, rejected: bool) -> Result<()> {
        let runtime = self.background.runtime()?;
        let (_, mut flight) = {
            let mut flights = self
                .flights
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            match flights.get(&stale.key) {
                // One whose runtime was shut down never lands, and one of a runtime that nobody
                // drives may not.
                Some(flight) if flight.0 == runtime && flight.1.has_changed().is_ok() => {
                    flight.clone()
                }
                _ => {
                    let (result, flight) = watch::channel(None);
                    let flight = (runtime, flight);
                    let session = self.clone();
                    let stale = stale.clone();
                    let key = stale.key.clone();
                    let detached = self.background.spawn(async move {
                        // Removed before the waiters hear of it, also if the refresh panics.
                        let landed = Landed {
                            flights: &session.flights,
                            key: &stale.key,
                        };
                        let outcome = session.refresh_now(&stale, rejected).await;
                        drop(landed);
                        result.send_replace(Some(outcome));
                        Ok(())
                    })?;
                    drop(detached);
                    flights.insert(key, flight.clone());
                    flight
                }
            }
        };
        match flight.wait_for(Option::is_some).await {
            Ok(result) => result.clone().expect("waited for"),
            Err(_) => Err(Error::internal("a refresh ended without a result")),
        }
    }

    async fn refresh_now(&self, stale: &Login, rejected: bool) -> Result<()> {
        let held = self.lock().await?;
        let locked = Instant::now();
        if let Err(error) = self.write_unsaved(&held).await {
            tracing::debug!(
                code = error.code(),
                "an earlier pair is still in memory only"
            );
        }
        // A sibling may have been faster while we waited for the lock.
        let record = self.reload().await?;
        let login = record
            .login_of(&stale.key)
            .ok_or_else(|| self.no_login(&record))?;
        let same = login.access_token == stale.access_token;
        match decide(&login, self.clock.now().wall, rejected && same) {
            Decision::Use if !same => return Ok(()),
            Decision::LogIn(why) => return Err(Error::login_required(why)),
            Decision::Use | Decision::RenewEarly | Decision::Renew => {}
        }
        let Some(refresh_token) = login.refresh_token.clone() else {
            return Err(Error::login_required(
                "Log in again: no refresh token is stored.",
            ));
        };
        match self.exchange(&login, &refresh_token, locked).await {
            Ok(tokens) => {
                self.adopt_answer(&record, &login, &refresh_token, &tokens, &held)
                    .await
            }
            Err(error) if is_refusal(&error) => {
                let lock = (&held, locked);
                self.refused(&record, &login, &refresh_token, error, lock)
                    .await
            }
            Err(error) => Err(error),
        }
    }

    /// The POST, repeated where that can help and cannot harm, and where a repeat would end
    /// before those who wait for the lock, held since `locked`, give up.
    async fn exchange(
        &self,
        login: &Login,
        refresh_token: &Secret,
        locked: Instant,
    ) -> Result<Tokens> {
        let mut platform = self.background.platform()?;
        // So that a repeat is possible after one that took all its time.
        let attempt = platform.limits.timeout.min(self.lock_timeout / 4);
        platform.limits.timeout = attempt;
        let in_time = || locked.elapsed().saturating_add(attempt) < self.lock_timeout;
        let mut lost = 0;
        let mut unsent = 0;
        loop {
            let result = platform
                .refresh(refresh_token.expose(), login.client_id.as_deref())
                .await;
            match result {
                Err(error) if error.outcome_unknown() && lost < LOST_ANSWERS && in_time() => {
                    lost += 1
                }
                Err(error)
                    if error.kind() == ErrorKind::Connection
                        && !error.outcome_unknown()
                        && unsent < platform.limits.max_retries
                        && in_time() =>
                {
                    unsent += 1;
                    self.clock
                        .sleep(Duration::from_millis(u64::from(unsent) * 200))
                        .await;
                }
                // The caller's own request was not sent, and the refresh is ours to repeat.
                result => return result.map_err(|error| error.with_outcome_unknown(false)),
            }
        }
    }

    /// `before` is the record that `login` and the refresh token that was `sent` come from.
    async fn adopt_answer(
        &self,
        before: &Arc<Record>,
        login: &Login,
        sent: &Secret,
        tokens: &Tokens,
        held: &Held,
    ) -> Result<()> {
        if let (Some(ours), Some(theirs)) = (login.org_id(), &tokens.org_id)
            && ours != theirs
        {
            return Err(Error::invalid_response(format!(
                "The refresh for the organisation {ours} was answered for {theirs}. The stored login is unchanged; log in again if this goes on."
            )));
        }
        // Somebody without our lock (Parallel's CLI) may have written something else meanwhile.
        let record = self.reload_or(before).await;
        match record.login_of(&login.key) {
            None => {
                self.discard(tokens).await;
                return Err(self.no_login(&record));
            }
            Some(current) if current.refresh_token.as_ref() != Some(sent) => return Ok(()),
            Some(_) => {}
        }
        let mut record = (*record).clone();
        record.apply(
            &login.key,
            tokens,
            login.client_id.as_deref(),
            None,
            self.clock.now(),
        );
        self.write(record, KEPT, Ok(held)).await.map(drop)
    }

    /// Ends a pair that nobody will use, as far as that can be done: its login was ended
    /// meanwhile, or is another's than asked.
    pub(super) async fn discard(&self, tokens: &Tokens) {
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

    /// Refused: if the store holds another refresh token by now, that one counts. Otherwise the
    /// login is marked as over, and kept.
    async fn refused(
        &self,
        before: &Arc<Record>,
        login: &Login,
        sent: &Secret,
        error: Error,
        lock: (&Held, Instant),
    ) -> Result<()> {
        let (held, locked) = lock;
        let record = self.look_for_another(before, login, sent).await;
        let current = record.login_of(&login.key);
        if let Some(current) = &current
            && current.refresh_token.as_ref() != Some(sent)
        {
            return match decide(current, self.clock.now().wall, false) {
                Decision::Use | Decision::RenewEarly => Ok(()),
                // One more try with the newer token; it cannot loop, as each try needs a new one.
                Decision::Renew => {
                    let newer = current.refresh_token.clone().unwrap_or_else(|| "".into());
                    match self.exchange(current, &newer, locked).await {
                        Ok(tokens) => {
                            self.adopt_answer(&record, current, &newer, &tokens, held)
                                .await
                        }
                        Err(error) if is_refusal(&error) => {
                            let record = self.look_for_another(&record, current, &newer).await;
                            Err(self.over(&record, &login.key, &newer, error, held).await)
                        }
                        Err(error) => Err(error),
                    }
                }
                Decision::LogIn(why) => Err(Error::login_required(why)),
            };
        }
        Err(self.over(&record, &login.key, sent, error, held).await)
    }

    /// The record once it holds another refresh token than the one that was `sent`, or as it is
    /// after a second: whoever used that token before us, and takes no lock, is writing just now.
    async fn look_for_another(
        &self,
        before: &Arc<Record>,
        login: &Login,
        sent: &Secret,
    ) -> Arc<Record> {
        let mut record = self.reload_or(before).await;
        for pause in [30, 70, 150, 300, 450] {
            match record.login_of(&login.key) {
                Some(current)
                    if current.refresh_token.as_ref() == Some(sent) && !current.refused => {}
                _ => break,
            }
            self.clock.sleep(Duration::from_millis(pause)).await;
            record = self.reload_or(&record).await;
        }
        record
    }

    /// Notes in `record`, as just read, that `sent` was refused, and says so.
    async fn over(
        &self,
        record: &Record,
        key: &str,
        sent: &Secret,
        error: Error,
        held: &Held,
    ) -> Error {
        if record.login_of(key).is_some() {
            let mut marked = record.clone();
            marked.mark_refused(key, sent);
            // The refusal is the news; that it could not be noted down is not.
            if let Err(unwritten) = self.write(marked, KEPT, Ok(held)).await {
                tracing::debug!(
                    code = unwritten.code(),
                    "the refusal could not be noted in the store"
                );
            }
        }
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

struct Landed<'a> {
    flights: &'a Mutex<HashMap<String, super::Flight>>,
    key: &'a str,
}

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        self.flights
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .remove(self.key);
    }
}
