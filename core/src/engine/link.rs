//! One client's share in the connections of its process.

use crate::{
    Error, Result,
    transport::{Caller, Network, NetworkOptions, Transport},
};
use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};
use tokio::runtime::Handle;

/// Holds the connections until the client is closed; the last link that lets go ends them.
pub(crate) struct Link {
    options: Arc<NetworkOptions>,
    /// Apart from the lock, which a fork may have left locked.
    closed: AtomicBool,
    network: RwLock<Option<Arc<Network>>>,
}

impl Link {
    pub(crate) fn new(options: NetworkOptions) -> Result<Self> {
        let network = super::current().network(options)?;
        Ok(Link {
            options: network.options().clone(),
            closed: AtomicBool::new(false),
            network: RwLock::new(Some(network)),
        })
    }

    /// The same in a forked child.
    pub(crate) fn after_fork(&self) -> Result<Self> {
        let link = Link::new((*self.options).clone())?;
        if self.is_closed() {
            link.close();
        }
        Ok(link)
    }

    /// For a call on the current runtime.
    pub(crate) fn transport(&self, caller: &Arc<Caller>) -> Result<Transport> {
        let runtime = Handle::try_current()
            .map_err(|_| Error::config("Call this from within a Tokio runtime."))?;
        let network = self.network.read().unwrap_or_else(PoisonError::into_inner);
        match &*network {
            Some(network) => Transport::new(network, &runtime, caller.clone()),
            None => Err(closed()),
        }
    }

    /// For work on `runtime` that outlives its callers, and so the closing of their client.
    pub(crate) fn detached_transport(
        &self,
        runtime: &Handle,
        caller: &Arc<Caller>,
    ) -> Result<Transport> {
        let held = self.network.read().unwrap_or_else(PoisonError::into_inner);
        let network = match &*held {
            Some(network) => network.clone(),
            None => super::current().network((*self.options).clone())?,
        };
        drop(held);
        Transport::new(&network, runtime, caller.clone())
    }

    /// Lets go of the connections at once; calls in flight keep theirs.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let network = self
            .network
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(network);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        match self.is_closed() {
            false => Ok(()),
            true => Err(closed()),
        }
    }
}

fn closed() -> Error {
    Error::config("The client is closed. Create a new one.")
}
