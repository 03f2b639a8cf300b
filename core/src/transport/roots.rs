//! The TLS configurations of a process: each set of roots is read once.

use super::tls;
use crate::Result;
use rustls::ClientConfig;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// What decides whom a client trusts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Trust {
    bundle: Option<PathBuf>,
    /// A further file, and the variable that names it.
    more: Option<(&'static str, PathBuf)>,
    /// Read with the system's roots, or in their place.
    variables: [Option<OsString>; 2],
}

impl Trust {
    /// By the option and the environment.
    pub(crate) fn new(ca_bundle: Option<PathBuf>, more: Option<(&'static str, PathBuf)>) -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(set);
        Trust {
            bundle: ca_bundle,
            more,
            variables,
        }
    }

    pub(super) fn bundle(&self) -> Option<&Path> {
        self.bundle.as_deref()
    }

    pub(super) fn more(&self) -> Option<(&'static str, &Path)> {
        self.more.as_ref().map(|(name, path)| (*name, &**path))
    }
}

/// Reading a system's roots takes milliseconds, so what was read is kept.
#[derive(Default)]
pub(crate) struct Roots(Mutex<Vec<(Trust, ClientConfig)>>);

impl Roots {
    pub(super) fn config(&self, trust: &Trust) -> Result<ClientConfig> {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = read.iter().find(|(known, _)| known == trust) {
            return Ok(config.clone());
        }
        let config = tls::load(trust.bundle(), trust.more())?;
        read.push((trust.clone(), config.clone()));
        Ok(config)
    }
}
