//! What all clients of one process share: connections, trusted roots, a thread for detached work.

mod executor;
mod link;

pub use executor::Detached;
pub(crate) use link::Link;

use crate::{
    Result,
    transport::{Network, NetworkOptions, Roots},
};
use executor::Executor;
use std::{
    collections::HashMap,
    process,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

type Networks = HashMap<Arc<NetworkOptions>, Weak<Network>>;

/// A process has one. A forked child makes its own, and leaves its parent's alone: other threads
/// may have held its locks at the fork, and nobody in the child would ever release them.
pub(crate) struct Engine {
    process: u32,
    networks: Mutex<Networks>,
    roots: Roots,
    executor: Executor,
    child: OnceLock<Box<Engine>>,
}

static FIRST: OnceLock<Engine> = OnceLock::new();

/// This process's.
pub(crate) fn current() -> &'static Engine {
    let process = process::id();
    FIRST.get_or_init(|| Engine::new(process)).of(process)
}

impl Engine {
    /// The youngest, or one that is younger.
    fn of(&self, process: u32) -> &Engine {
        let mut engine = self;
        while let Some(child) = engine.child.get() {
            engine = child;
        }
        match engine.process == process {
            true => engine,
            false => engine.child.get_or_init(|| Box::new(Engine::new(process))),
        }
    }

    fn new(process: u32) -> Self {
        Engine {
            process,
            networks: Mutex::default(),
            roots: Roots::default(),
            executor: Executor::default(),
            child: OnceLock::new(),
        }
    }

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
