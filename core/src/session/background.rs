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
use tokio_util::task::TaskTracker;

/// A runtime for work that no caller may stop, and the count of that work. For bindings.
#[derive(Clone, Debug)]
pub struct Detached {
    runtime: Handle,
    running: TaskTracker,
}

impl Detached {
    /// Counts what runs detached on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        Detached {
            runtime,
            running: tracker(),
        }
    }

    /// The runtime itself.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Resolves when nothing runs detached here, of any client.
    pub async fn settled(&self) {
        self.running.wait().await;
    }
}

/// One that can be waited for at any time: "closed" is what its crate calls that.
fn tracker() -> TaskTracker {
    let tracker = TaskTracker::new();
    tracker.close();
    tracker
}

/// A runtime, and a connection pool that belongs to it.
pub(crate) struct Background {
    config: Config,
    /// What of this client runs detached.
    running: TaskTracker,
    /// For the runtime that used it last: connections of one that nobody drives would hang.
    platform: Mutex<Option<(Id, Platform)>>,
}

impl Background {
    pub(crate) fn new(config: Config) -> Self {
        Background {
            config,
            running: tracker(),
            platform: Mutex::default(),
        }
    }

    fn detached(&self) -> Result<Detached> {
        match &self.config.background {
            Some(provider) => Ok(RuntimeProvider::clone(provider)()),
            None => Handle::try_current()
                .map(Detached::new)
                .map_err(|_| Error::config("Call this from within a Tokio runtime.")),
        }
    }

    /// Which runtime that is.
    pub(crate) fn runtime(&self) -> Result<Id> {
        Ok(self.detached()?.runtime.id())
    }

    /// Resolves when nothing of this client runs detached.
    pub(crate) async fn settled(&self) {
        self.running.wait().await;
    }

    /// Runs `work` to its end even if the returned future is dropped.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<Pin<Box<dyn Future<Output = Result<T>> + Send>>> {
        let Detached { runtime, running } = self.detached()?;
        let task = running.spawn_on(self.running.track_future(work), &runtime);
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
        let runtime = self.runtime()?;
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
