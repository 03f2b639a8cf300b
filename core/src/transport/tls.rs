//! Whom to trust: the system's roots, plus those of `ca_bundle` or `SSL_CERT_FILE`.

use crate::{Error, Result};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::{
    error::Error as StdError,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// Reading a system's roots takes milliseconds, so each set is read once per process.
static READ: Mutex<Vec<(Option<PathBuf>, ClientConfig)>> = Mutex::new(Vec::new());

/// `trust_nobody` is for clients that only talk `http` to this machine and need no roots.
pub(super) fn config(ca_bundle: Option<&Path>, trust_nobody: bool) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    if trust_nobody && ca_bundle.is_none() {
        let config = builder(provider)?.with_root_certificates(RootCertStore::empty());
        return Ok(with_alpn(config.with_no_client_auth()));
    }
    let bundle = ca_bundle.map(Path::to_path_buf).or_else(variable);
    let mut read = READ.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, config)) = read.iter().find(|(path, _)| *path == bundle) {
        return Ok(config.clone());
    }
    let config = load(bundle.as_deref(), provider)?;
    read.push((bundle, config.clone()));
    Ok(config)
}

/// On Linux the verifier reads `SSL_CERT_FILE` by itself, in place of the system's roots.
fn variable() -> Option<PathBuf> {
    if cfg!(any(target_vendor = "apple", windows)) {
        std::env::var_os("SSL_CERT_FILE")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    } else {
        None
    }
}

fn load(bundle: Option<&Path>, provider: Arc<CryptoProvider>) -> Result<ClientConfig> {
    let extra = bundle.map(certificates).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(extra, provider.clone()).map_err(|error| {
        Error::config(format!(
            "No root certificates could be loaded ({error}). Install the system's (package ca-certificates), or name a PEM file by ca_bundle or SSL_CERT_FILE."
        ))
    })?;
    let config = builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(with_alpn(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let refuse = |why: String| {
        Error::config(format!(
            "ca_bundle {}: {why}. Name a file of PEM certificates.",
            path.display()
        ))
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| refuse(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refuse("it holds no certificate".into()));
    }
    Ok(certificates)
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(format!("TLS versions: {error}")))
}

fn with_alpn(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// What TLS said, if the failure was its.
pub(super) fn failure(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls.to_string());
        }
        // `io::Error::source` skips the error that it wraps, and one may wrap another.
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}
