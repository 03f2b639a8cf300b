//! Where work runs that no caller may stop.

use crate::{
    Error, Result,
    config::{Config, RuntimeProvider},
    oauth::Platform,
    transport::{Limits, Transport},
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
};
use tokio::runtime::{Handle, Id};

/// A runtime, and a connection pool that belongs to it.
pub(crate) struct Background {
    config: Config,
    /// For the runtime that used it last: connections of one that nobody drives would hang.
    platform: Mutex<Option<(Id, Platform)>>,
}

impl Background {
    pub(crate) fn new(config: Config) -> Self {
        Background {
            config,
            platform: Mutex::default(),
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
    pub(crate) fn platform(&self) -> Result<Platform> {
        let runtime = self.handle()?.id();
        let mut made = self.platform.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, platform)) = made.as_ref().filter(|(id, _)| *id == runtime) {
            return Ok(platform.clone());
        }
        let platform = Platform {
            transport: Transport::new(&self.config)?,
            base: self.config.platform.clone(),
            limits: Limits {
                timeout: self.config.timeout,
                max_retries: self.config.max_retries,
            },
        };
        *made = Some((runtime, platform.clone()));
        Ok(platform)
    }
}
