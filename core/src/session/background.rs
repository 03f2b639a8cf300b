//! Where work runs that no caller may stop.

use crate::{
    Error, Result,
    config::{Config, RuntimeProvider},
    oauth::Platform,
    transport::{Limits, Transport},
};
use std::{future::Future, pin::Pin, sync::OnceLock};
use tokio::runtime::Handle;

/// A runtime, and a connection pool that belongs to it.
pub(crate) struct Background {
    config: Config,
    platform: OnceLock<Platform>,
}

impl Background {
    pub(crate) fn new(config: Config) -> Self {
        Background {
            config,
            platform: OnceLock::new(),
        }
    }

    fn handle(&self) -> Result<Handle> {
        match &self.config.background {
            Some(provider) => Ok(RuntimeProvider::clone(provider)()),
            None => Handle::try_current()
                .map_err(|_| Error::config("Call this from within a Tokio runtime.")),
        }
    }

    /// Runs `work` to its end even if the returned future is dropped.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<Pin<Box<dyn Future<Output = Result<T>> + Send>>> {
        let task = self.handle()?.spawn(work);
        Ok(Box::pin(async {
            match task.await {
                Ok(result) => result,
                Err(error) if error.is_panic() => {
                    Err(Error::internal("a background task panicked"))
                }
                Err(_) => Err(Error::config("The runtime was shut down during the call.")),
            }
        }))
    }

    /// The platform as the background runtime reaches it.
    pub(crate) fn platform(&self) -> Result<&Platform> {
        if let Some(platform) = self.platform.get() {
            return Ok(platform);
        }
        let platform = Platform {
            transport: Transport::new(&self.config)?,
            base: self.config.platform.clone(),
            limits: Limits {
                timeout: self.config.timeout,
                max_retries: self.config.max_retries,
            },
        };
        Ok(self.platform.get_or_init(|| platform))
    }
}
