//! From a login to an API key.

use super::right::{Asked, Right};
use crate::{
    Error, ErrorKind, Result, Secret,
    account::{Account, Bearer, label, segment, uuid},
    session::{
        CONFLICTS,
        machine::{ATTEMPT, LEASE},
    },
    shared::Core,
    store::{KeyId, Login},
};
use reqwest::header::HeaderMap;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// All requests together end before the right to make a key does.
const LONGEST: Duration = LEASE.saturating_sub(Duration::from_secs(5));
/// How often what the store did not take is offered to it at once.
const WRITES: u32 = 3;

impl Core {
    pub(crate) async fn api_key(self: &Arc<Self>) -> Result<Secret> {
        let record = self.session.record().await?;
        let organization = record.acting_for(self.session.organization());
        if let Some(organization) = organization
            && let Some(api_key) = record.api_key_of(&organization)
        {
            self.api_keys.give(&organization, &api_key);
            return Ok(api_key);
        }
        self.make_api_key(self.session.login().await?, None).await
    }

    /// `refused`: the key that is to be replaced, if the caller knows.
    pub(crate) async fn renew_api_key(self: &Arc<Self>, refused: Option<Secret>) -> Result<Secret> {
        let login = self.session.login().await?;
        let stored = self.session.record().await?.api_key_of(&login.key);
        let known = refused.or_else(|| self.api_keys.given(&login.key));
        let stale = stored.map(|stored| known.unwrap_or(stored));
        self.make_api_key(login, stale).await
    }

    /// Joins whoever is making a key for the organization already.
    async fn make_api_key(
        self: &Arc<Self>,
        login: Arc<Login>,
        stale: Option<Secret>,
    ) -> Result<Secret> {
        for scope in ["apps:read", "keys:create"] {
            check_scope(&login, scope)?;
        }
        let organization = login.key.clone();
        let making = self.api_keys.making(&organization);
        loop {
            let mut is_ours = false;
            let work = || {
                is_ours = true;
                let (core, organization, stale) =
                    (self.clone(), organization.clone(), stale.clone());
                async move { core.made_api_key(&organization, stale).await }
            };
            let flight = making.join(self.session.background(), work)?;
            let api_key = flight.result().await?;
            // Whoever was joined replaced another key, and found the one that is refused here.
            if !is_ours && Some(&api_key) == stale.as_ref() {
                continue;
            }
            self.api_keys.give(&organization, &api_key);
            return Ok(api_key);
        }
    }

    async fn made_api_key(&self, organization: &str, stale: Option<Secret>) -> Result<Secret> {
        let mut rejected = None;
        loop {
            // Before the right is taken: with the store's lock held, no token could be renewed.
            let login = self.valid_login(organization, rejected.as_ref()).await?;
            let made = self.try_to_make(&login, stale.as_ref()).await;
            match made {
                Err(error) if error.kind() == ErrorKind::Unauthorized && rejected.is_none() => {
                    rejected = Some(login.access_token.clone());
                }
                made => return made,
            }
        }
    }

    /// The organization's login with a token that is valid now.
    async fn valid_login(
        &self,
        organization: &str,
        rejected: Option<&Secret>,
    ) -> Result<Arc<Login>> {
        for _ in 0..3 {
            let token = self.session.access_token(rejected).await?;
            let login = self.session.login().await?;
            if login.key == organization && login.access_token == token {
                return Ok(login);
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "Another organization was selected while the API key was being made. Ask for the key again.",
        ))
    }

    async fn try_to_make(&self, login: &Login, stale: Option<&Secret>) -> Result<Secret> {
        // What may fail comes before the right, which would have to be given back.
        let mut account = self.detached_account(&login.access_token)?;
        let asked = Right::ask(&self.session, &login.key, stale).await?;
        let right = match asked {
            Asked::Found(api_key) => return Ok(api_key),
            Asked::Granted(right) => right,
        };
        // The right lasts from now on, however long it was waited for.
        account.limits.deadline = Some(Instant::now() + LONGEST);
        let making = Making {
            core: self,
            account,
            login,
            right,
        };
        match making.create().await {
            Ok((api_key, id)) => making.store(api_key, id, stale).await,
            Err(error) => {
                making.right.release().await;
                Err(error)
            }
        }
    }

    pub(super) fn detached_account<'a>(&'a self, token: &'a Secret) -> Result<Account<'a>> {
        let mut limits = self.config.detached_limits();
        limits.timeout = self.config.clock.shortened(limits.timeout.min(ATTEMPT));
        limits.deadline = Some(Instant::now() + LONGEST);
        Ok(Account {
            bearer: Bearer::Only(token),
            transport: self.session.background().transport()?,
            base: &self.config.account,
            places: &self.places,
            limits,
            headers: HeaderMap::new(),
            response: None,
        })
    }
}

/// The making of one key, by whoever has the right to.
struct Making<'a> {
    core: &'a Core,
    account: Account<'a>,
    login: &'a Login,
    right: Right<'a>,
}

impl Making<'_> {
    fn name(&self) -> &str {
        &self.core.config.client_name
    }

    async fn create(&self) -> Result<(Secret, KeyId)> {
        let first = self.create_key().await;
        match first {
            // The app was deleted after it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => self.create_key().await,
            first => first,
        }
    }

    async fn create_key(&self) -> Result<(Secret, KeyId)> {
        let name = label(self.name(), "The client's name")?;
        let app_id = self.app().await.map_err(|error| self.explained(error))?;
        self.right.check_time()?;
        let made = self.account.create_key(&app_id, name).await;
        let made = made.map_err(|error| match error.outcome_unknown() {
            true => error.with_context(format_args!(
                "A key may be left behind in the app {name} ({app_id}), with a secret that nobody has seen: delete it on Parallel's site. Asking again makes another."
            )),
            false => self.explained(error),
        })?;
        let id = KeyId {
            app_id,
            id: made.api_key_id,
        };
        let is_usable = |api_key: &Secret| {
            let mut bytes = api_key.expose().bytes();
            bytes.all(|byte| (0x21..=0x7e).contains(&byte))
        };
        match made.raw_api_key.filter(is_usable) {
            Some(api_key) => Ok((api_key, id)),
            None => {
                let left = match self.delete(&id).await {
                    Ok(true) => "It was deleted again.".to_owned(),
                    Ok(false) | Err(_) => format!("Delete the key {} on Parallel's site.", id.id),
                };
                Err(Error::invalid_response(format!(
                    "Parallel made an API key and did not say what it is (the answer has no usable raw_api_key). {left}"
                )))
            }
        }
    }

    /// The ID of the app that is named like the client; of several, everybody takes the same.
    async fn app(&self) -> Result<String> {
        if let Some(id) = self.find_app().await? {
            return Ok(id);
        }
        check_scope(self.login, "apps:create")?;
        let name = label(self.name(), "The client's name")?;
        match self.account.create_app(name).await {
            Ok(app) => Ok(uuid(&app.app_id, "app_id")
                .map_err(|error| Error::invalid_response(error.message()))?
                .to_owned()),
            // It is found by its name if it was made: now, or when somebody asks again.
            Err(error) if error.outcome_unknown() => match self.find_app().await? {
                Some(id) => Ok(id),
                None => Err(error.with_outcome_unknown(false)),
            },
            Err(error) => Err(error),
        }
    }

    async fn find_app(&self) -> Result<Option<String>> {
        let apps = self.account.apps().await?;
        let ours = apps.into_iter().filter(|app| {
            app.app_name == self.name()
                && (app.org_id.is_none() || app.org_id.as_deref() == self.login.org_id())
        });
        Ok(ours
            .map(|app| app.app_id)
            .filter(|id| uuid(id, "app_id").is_ok())
            .min())
    }

    fn explained(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::PermissionDenied if error.status().is_some() => {
                error.with_context(format_args!(
                    "The organization {} does not let this login make an API key. Ask one of its administrators, or log in to another organization.",
                    self.login.org_name.as_deref().unwrap_or(&self.login.key)
                ))
            }
            _ => error,
        }
    }

    /// Whether the key was deleted, which the login may not allow.
    async fn delete(&self, id: &KeyId) -> Result<bool> {
        delete(&self.account, self.login, id).await
    }

    /// Stores the key in place of the one that it replaces, which is deleted then. Where a sibling
    /// has stored another meanwhile, that one counts, and ours is deleted.
    async fn store(mut self, api_key: Secret, id: KeyId, stale: Option<&Secret>) -> Result<Secret> {
        let organization = &self.login.key;
        let mut replaced = None;
        let (mut conflicts, mut failures) = (0, 0);
        loop {
            let found = self.right.other_than(stale);
            if found.as_ref() == Some(&api_key) {
                // It was written by a try that was thought to have failed.
                self.delete_replaced(replaced).await?;
                return Ok(api_key);
            }
            if let Some(found) = found {
                self.discard(&id).await;
                return Ok(found);
            }
            let record = &self.right.loaded.record;
            if record.login_of(organization).is_none() {
                self.discard(&id).await;
                return Err(Error::login_required(
                    "Somebody logged out while the API key was being made. Log in again.",
                ));
            }
            replaced = record.own_api_key_of(organization);
            let mut changed = (**record).clone();
            changed.set_api_key(organization, &api_key, &id);
            let failure = match self.right.write(changed.clone()).await {
                Ok(true) => {
                    self.delete_replaced(replaced).await?;
                    return Ok(api_key);
                }
                Ok(false) => {
                    conflicts += 1;
                    self.core.session.contended()
                }
                Err(error) => {
                    failures += 1;
                    error
                }
            };
            if failures == WRITES || conflicts == CONFLICTS {
                self.core.session.keep(&self.right.loaded, changed);
                self.core.session.keep_offering();
                return Err(failure.with_context(format_args!(
                    "The new API key ({}, in the app {}) is kept in memory only. If this process ends before the key can be stored, delete it on Parallel's site.",
                    id.id, id.app_id
                )));
            }
            // A store that cannot be read now may still be writable.
            let _ = self.right.reload().await;
        }
    }

    /// A key that nobody was given.
    async fn discard(&self, id: &KeyId) {
        if !matches!(self.delete(id).await, Ok(true)) {
            tracing::warn!(
                api_key_id = id.id,
                app_id = id.app_id,
                "an API key that nobody has could not be deleted"
            );
        }
    }

    async fn delete_replaced(&self, replaced: Option<KeyId>) -> Result<()> {
        let Some(old) = replaced else { return Ok(()) };
        match self.delete(&old).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::warn!(
                    api_key_id = old.id,
                    app_id = old.app_id,
                    "the replaced API key stays valid, as the login lacks the scope keys:delete"
                );
                Ok(())
            }
            Err(error) => Err(error.with_outcome_unknown(false).with_context(format_args!(
                "The new API key is stored and counts, but the old one ({}, in the app {}) could not be deleted. Delete it on Parallel's site.",
                old.id, old.app_id
            ))),
        }
    }
}

/// Deletes a key; whether that could be done, as the login may lack the scope. One that is gone
/// already counts as deleted.
pub(super) async fn delete(account: &Account<'_>, login: &Login, id: &KeyId) -> Result<bool> {
    if login.lacks("keys:delete") {
        return Ok(false);
    }
    let app_id = uuid(&id.app_id, "app_id")?;
    match account
        .delete_key(app_id, &segment(&id.id, "api_key_id")?)
        .await
    {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

fn check_scope(login: &Login, scope: &str) -> Result<()> {
    if !login.lacks(scope) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::PermissionDenied,
        format!(
            "Making an API key needs the scope {scope}, which this login does not have. Log in again with it among the scopes."
        ),
    ))
}
