//! Whom to trust: the system's roots, plus those of `ca_bundle` or `SSL_CERT_FILE`.

use crate::{Error, Result};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::{error::Error as StdError, io, path::Path, sync::Arc};

/// For clients that only talk `http` to this machine and need no roots.
pub(super) fn trusting_nobody() -> Result<ClientConfig> {
    let config = builder(Arc::new(ring::default_provider()))?;
    let config = config.with_root_certificates(RootCertStore::empty());
    Ok(with_alpn(config.with_no_client_auth()))
}

/// Trusts the system's roots and those of `bundle`. Reading them takes milliseconds.
pub(super) fn load(bundle: Option<&Path>) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
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
