//! The stored record, as far as refreshing is concerned. Two records are equal where their texts
//! would be.

use super::super::machine::{Claim, ours_counts};
use super::server::Token;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Login {
    /// The refresh token; it stands for its access token as well.
    pub(crate) token: Token,
    /// By the wall clock of whoever wrote it, in ticks.
    pub(crate) expires: i32,
    /// The refresh token that the server has refused.
    pub(crate) refused: Option<Token>,
    pub(crate) claim: Option<Claim>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) orgs: [Option<Login>; 2],
}

impl Record {
    pub(crate) fn token(&self, org: usize) -> Option<Token> {
        self.orgs[org].map(|login| login.token)
    }

    /// As the core's `Record::apply`.
    pub(crate) fn apply(&mut self, org: usize, token: Token, expires: i32) {
        let (refused, claim) = (None, None);
        self.orgs[org] = Some(Login {
            token,
            expires,
            refused,
            claim,
        });
    }

    /// As the core's `Record::move_login`: never over another login.
    pub(crate) fn move_login(&mut self, from: usize, to: usize, token: Token, expires: i32) {
        let Some(old) = self.orgs[from] else {
            return;
        };
        if self.orgs[to].is_none() {
            self.apply(to, token, expires);
        }
        self.mark_refused(from, old.token);
    }

    pub(crate) fn mark_refused(&mut self, org: usize, token: Token) {
        if let Some(login) = &mut self.orgs[org] {
            login.refused = Some(token);
            login.claim = None;
        }
    }

    pub(crate) fn set_claim(&mut self, org: usize, claim: Option<Claim>) {
        if let Some(login) = &mut self.orgs[org] {
            login.claim = claim;
        }
    }

    /// As the core's `Record::merged`.
    pub(crate) fn merged(
        base: &Record,
        ours: &Record,
        theirs: &Record,
        spent: &[Option<Token>; 2],
    ) -> Record {
        let mut merged = *theirs;
        for (org, spent) in spent.iter().enumerate() {
            let stored = theirs.token(org);
            let is_spent = |token: &Token| *spent == Some(*token);
            let changed = base.orgs[org] != ours.orgs[org]
                || (stored.as_ref().is_some_and(is_spent) && ours.token(org) != stored);
            if changed && ours_counts(base.token(org).as_ref(), stored.as_ref(), is_spent) {
                merged.orgs[org] = ours.orgs[org];
            }
        }
        merged
    }
}
