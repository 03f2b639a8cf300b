//! A session's detached work: where it runs, and how it reaches the platform.

pub use crate::engine::Detached;

use crate::{
    Error, Result,
    config::Config,
    engine::{self, Link},
    oauth::Platform,
    transport::Transport,
};
use std::{future::Future, pin::Pin, sync::Arc};
use tokio_util::task::TaskTracker;

/// Runs work that no caller may stop.
pub(crate) struct Background {
    config: Arc<Config>,
    link: Arc<Link>,
    /// What of this client runs detached.
    running: TaskTracker,
}

impl Background {
    pub(crate) fn new(config: Arc<Config>, link: Arc<Link>) -> Self {
        let running = TaskTracker::new();
        running.close();
        Background {
            config,
            link,
            running,
        }
    }

    /// A binding's runtime, or the process's own: never a caller's, which may stand still.
    fn detached(&self) -> Result<Detached> {
        match &self.config.background {
            Some(provider) => provider(),
            None => engine::current().detached(),
        }
    }

    /// Resolves when nothing of this client runs detached.
    pub(crate) async fn settled(&self) {
        self.running.wait().await;
    }

    /// Whether that is so now.
    pub(crate) fn is_settled(&self) -> bool {
        self.running.is_empty()
    }

    /// Runs `work` to its end even if the returned future is dropped.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<Pin<Box<dyn Future<Output = Result<T>> + Send>>> {
        let detached = self.detached()?;
        let work = self.running.track_future(work);
        let task = detached.running().spawn_on(work, detached.runtime());
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

    /// Runs `work` likewise, and nobody who waits for the client to settle waits for it.
    pub(crate) fn spawn_unawaited(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(detached) = self.detached() {
            detached.runtime().spawn(work);
        }
    }

    /// The platform as detached work reaches it, also after the client was closed.
    pub(crate) fn platform(&self) -> Result<Platform> {
        Ok(Platform {
            transport: self.transport()?,
            base: self.config.platform.clone(),
            limits: self.config.detached_limits(),
        })
    }

    /// The way out for detached work, also after the client was closed.
    pub(crate) fn transport(&self) -> Result<Transport> {
        let detached = self.detached()?;
        self.link
            .detached_transport(detached.runtime(), &self.config.clock)
    }
}
