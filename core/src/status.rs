//! Who is logged in, as far as the store knows.

use crate::store::{Login, Record};
use std::time::SystemTime;

/// An organization in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Organization {
    /// Its ID; `default` where the service did not name one.
    pub id: String,
    /// Its name, where the service said it.
    pub name: Option<String>,
    /// Whether clients that name none act for this one.
    pub selected: bool,
    /// Whether there is a login for it.
    pub logged_in: bool,
}

impl Organization {
    pub(crate) fn all(record: &Record) -> Vec<Organization> {
        record
            .keys()
            .into_iter()
            .map(|key| Organization::of(record, key))
            .collect()
    }

    fn of(record: &Record, key: String) -> Organization {
        Organization {
            name: record.org_name(&key),
            selected: record.selected().as_deref() == Some(key.as_str()),
            logged_in: record.login_of(&key).is_some(),
            id: key,
        }
    }
}

/// What the store says of the login that a client acts for. No network is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Status {
    /// Whether there is a login that is not known to be over.
    pub logged_in: bool,
    /// Whose.
    pub organization: Option<Organization>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When the access token ends; it is renewed by itself.
    pub access_token_expires_at: Option<SystemTime>,
    /// When the refresh token ends.
    pub refresh_token_expires_at: Option<SystemTime>,
    /// When the grant ends: after it a new login is needed.
    pub authorization_expires_at: Option<SystemTime>,
    /// The registration.
    pub client_id: Option<String>,
    /// Where the credentials are.
    pub store: String,
    /// Why a stored login cannot be used any more.
    pub problem: Option<String>,
}

impl Status {
    pub(crate) fn of(
        record: &Record,
        wanted: Option<&str>,
        store: String,
        now: SystemTime,
    ) -> Status {
        let login = record.login(wanted);
        let problem = login.as_ref().and_then(|login| login.problem(now));
        let (client_id, organization) = match &login {
            Some(login) => (
                login.client_id.clone(),
                Some(Organization::of(record, login.key.clone())),
            ),
            None => (record.client_id(), None),
        };
        let login = login.as_ref();
        let time = |get: fn(&Login) -> Option<SystemTime>| login.and_then(get);
        Status {
            logged_in: login.is_some() && problem.is_none(),
            organization,
            scopes: login.map(|login| login.scopes.clone()).unwrap_or_default(),
            access_token_expires_at: time(|login| login.expires_at),
            refresh_token_expires_at: time(|login| login.refresh_expires_at),
            authorization_expires_at: time(|login| login.grant_ends_at),
            client_id,
            store,
            problem,
        }
    }
}
