//! What the façade and its logins share.

use crate::{
    Result,
    account::Places,
    api_key,
    config::Config,
    engine::Link,
    session::{Background, Session},
    status::Status,
    store::{CredentialStore, FileStore},
};
use std::sync::Arc;

/// What all clones and views of one client share.
pub(crate) struct Core {
    pub(crate) config: Arc<Config>,
    pub(crate) session: Arc<Session>,
    pub(crate) link: Arc<Link>,
    pub(crate) places: Places,
    pub(crate) api_keys: api_key::Kept,
    /// The caller's, if not the default.
    pub(crate) store: Option<Arc<dyn CredentialStore>>,
}

impl Core {
    pub(crate) fn new(
        config: Arc<Config>,
        link: Link,
        store: Option<Arc<dyn CredentialStore>>,
    ) -> Result<Self> {
        let link = Arc::new(link);
        let used = match &store {
            Some(store) => store.clone(),
            None => Arc::new(FileStore::default_at(
                &config.client_name,
                config.instance().as_deref(),
            )?),
        };
        used.check()?;
        let session = Session::new(
            used,
            config.organization.clone(),
            config.clock.clone(),
            config.lock_timeout,
            Background::new(config.clone(), link.clone()),
        );
        Ok(Core {
            config,
            session: Arc::new(session),
            link,
            places: Places::default(),
            api_keys: api_key::Kept::default(),
            store,
        })
    }

    pub(crate) async fn status(&self) -> Result<Status> {
        let record = self.session.record().await?;
        Ok(Status::of(
            &record,
            self.session.organization(),
            self.session.location(),
            self.config.clock.now().wall,
        ))
    }
}
