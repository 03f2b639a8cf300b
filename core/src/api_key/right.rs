//! The right to make an organization's API key, which one session has at a time: the store's lock,
//! or a claim in the record, as for a refresh.

use crate::{
    Error, ErrorKind, Result, Secret,
    session::{
        CONFLICTS, Held, Loaded, Session,
        machine::{Claim, LEASE, Time, in_time, watch},
    },
};
use std::sync::Arc;

/// The right, and the record as it was last read or written.
pub(super) struct Right<'a> {
    session: &'a Arc<Session>,
    organization: &'a str,
    held: Held,
    pub(super) loaded: Loaded,
    began: Time,
}

/// What came of asking for the right.
pub(super) enum Asked<'a> {
    Granted(Right<'a>),
    /// There is another key than the one that is to be replaced.
    Found(Secret),
}

impl<'a> Right<'a> {
    /// Waits until nobody else has the right. Also with the lock held, a claim is written: where the
    /// store takes nothing, no key must be made, for each would be lost.
    ///
    /// `stale` is the key that is to be replaced.
    pub(super) async fn ask(
        session: &'a Arc<Session>,
        organization: &'a str,
        stale: Option<&Secret>,
    ) -> Result<Asked<'a>> {
        let held = session.lock().await?;
        let mut right = Right {
            session,
            organization,
            loaded: session.load(&held, None).await?,
            held,
            began: session.time(),
        };
        let mut watched = None;
        let mut conflicts = 0;
        loop {
            if let Some(found) = right.other_than(stale) {
                return Ok(Asked::Found(found));
            }
            if right.loaded.record.login_of(organization).is_none() {
                return Err(session.no_login(&right.loaded.record));
            }
            right.began = session.time();
            let claimed = right.loaded.record.api_key_claim_of(organization);
            // A claim of our own is left over: this session makes one key at a time. So is any for
            // whoever holds the lock.
            let is_over = |claim: &Claim| right.held.is_some() || claim.owner == session.owner();
            if let Some(claim) = claimed.filter(|claim| !is_over(claim)) {
                let (since, look) = watch(claim, watched, right.began);
                if let Some(pause) = look {
                    watched = Some((claim, since));
                    tokio::time::sleep(pause).await;
                    right.reload().await?;
                    continue;
                }
            }
            if right.claim().await? {
                return Ok(Asked::Granted(right));
            }
            conflicts += 1;
            if conflicts > CONFLICTS {
                return Err(session.contended());
            }
            right.reload().await?;
        }
    }

    /// The stored key, unless it is `stale`.
    pub(super) fn other_than(&self, stale: Option<&Secret>) -> Option<Secret> {
        let stored = self.loaded.record.api_key_of(self.organization)?;
        (Some(&stored) != stale).then_some(stored)
    }

    pub(super) async fn reload(&mut self) -> Result<()> {
        self.loaded = self.session.load(&self.held, None).await?;
        Ok(())
    }

    /// Writes the changed record; false where somebody was faster.
    pub(super) async fn write(&mut self, record: crate::store::Record) -> Result<bool> {
        let written = self.session.write(&self.loaded, record, &self.held).await?;
        let is_written = written.is_some();
        if let Some(written) = written {
            self.loaded = written;
        }
        Ok(is_written)
    }

    async fn claim(&mut self) -> Result<bool> {
        let claim = Claim {
            owner: self.session.owner(),
            number: 1,
            lease: LEASE,
            made: self.began.wall,
        };
        let mut record = (*self.loaded.record).clone();
        record.set_api_key_claim(self.organization, &claim);
        match self.write(record).await {
            // It may have been written anyway.
            Err(error) => {
                self.reload().await.map_err(|_| error.clone())?;
                match self.is_ours() {
                    true => Ok(true),
                    false => Err(error),
                }
            }
            written => written,
        }
    }

    fn is_ours(&self) -> bool {
        let claim = self.loaded.record.api_key_claim_of(self.organization);
        claim.is_some_and(|claim| claim.owner == self.session.owner())
    }

    /// # Errors
    /// `timeout` if a request that is sent now could be answered after the right has ended.
    pub(super) fn check_time(&self) -> Result<()> {
        if self.held.is_some() || in_time(self.began, self.session.time()) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Timeout,
            "Parallel responded too slowly, so no API key was requested: another process may be creating it. Try again.",
        ))
    }

    /// Lets others try, as far as the store takes that.
    pub(super) async fn release(mut self) {
        for _ in 0..CONFLICTS {
            if self.reload().await.is_err() || !self.is_ours() {
                return;
            }
            let mut record = (*self.loaded.record).clone();
            record.remove_api_key_claim(self.organization);
            if !matches!(self.write(record).await, Ok(false)) {
                return;
            }
        }
    }
}
