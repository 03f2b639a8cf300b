//! What all clients of one process share: connections, trusted roots, a thread for detached work.

mod executor;
mod link;

pub use executor::Detached;
pub(crate) use link::Link;

use crate::{
    Result,
    per_process::PerProcess,
    transport::{Network, NetworkOptions, Roots},
};
use executor::Executor;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

type Networks = HashMap<Arc<NetworkOptions>, Weak<Network>>;

/// A process has one.
#[derive(Default)]
pub(crate) struct Engine {
    networks: Mutex<Networks>,
    roots: Roots,
    executor: Executor,
}

/// This process's.
pub(crate) fn current() -> &'static Engine {
    static ENGINE: PerProcess<Engine> = PerProcess::new();
    ENGINE.get(Engine::default)
}

impl Engine {
    /// The connections for `options`, which last as long as somebody holds them.
    fn network(&self, options: NetworkOptions) -> Result<Arc<Network>> {
        let known = |networks: &Networks| networks.get(&options).and_then(Weak::upgrade);
        if let Some(network) = known(&self.networks()) {
            return Ok(network);
        }
        // Reading roots takes long, so it happens outside the lock.
        let made = Arc::new(Network::new(options.clone(), &self.roots)?);
        let mut networks = self.networks();
        if let Some(network) = known(&networks) {
            return Ok(network);
        }
        networks.retain(|_, network| network.strong_count() > 0);
        networks.insert(made.options().clone(), Arc::downgrade(&made));
        Ok(made)
    }

    fn networks(&self) -> MutexGuard<'_, Networks> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where detached work runs if nobody provides a runtime for it.
    pub(crate) fn detached(&self) -> Result<Detached> {
        self.executor.detached()
    }
}

#[cfg(test)]
mod tests;
