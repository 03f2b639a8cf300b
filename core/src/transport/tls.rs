//! Whom to trust: the system's roots, plus those of `ca_bundle` or `SSL_CERT_FILE`.

mod pinned;
mod words;

use crate::{Error, Result};
use pinned::Trust;
use rustls::{
    ClientConfig, RootCertStore,
    client::danger::ServerCertVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};
use rustls_platform_verifier::Verifier;
use std::{env, error::Error as StdError, fs, io, path::Path, sync::Arc};

/// In bytes; a system's own bundle has about 250 kB.
const LARGEST_BUNDLE: u64 = 16 << 20;

/// For clients that only talk `http` to this machine and need no roots.
pub(super) fn trusting_nobody() -> Result<ClientConfig> {
    let config = builder(Arc::new(ring::default_provider()))?;
    let config = config.with_root_certificates(RootCertStore::empty());
    Ok(with_alpn(config.with_no_client_auth()))
}

/// Trusts the system's roots and those of `bundle` and `more`. Reading them takes milliseconds.
pub(super) fn load(bundle: Option<&Path>, more: Option<(&str, &Path)>) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let trust = trust(bundle, more, provider.clone())?;
    let config = builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    Ok(with_alpn(config))
}

fn trust(
    bundle: Option<&Path>,
    more: Option<(&str, &Path)>,
    provider: Arc<CryptoProvider>,
) -> Result<Trust> {
    let mut named = match bundle {
        Some(path) => certificates("ca_bundle", path)?,
        None => Vec::new(),
    };
    let mut extra = named.clone();
    if let Some(path) = env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        let path = Path::new(&path);
        // Elsewhere the verifier reads it by itself, in place of the system's roots, and takes
        // what it can use.
        if bundle.is_none() && cfg!(any(target_vendor = "apple", windows)) {
            named = certificates("SSL_CERT_FILE", path)?;
            extra.clone_from(&named);
        } else {
            named.extend(certificates("SSL_CERT_FILE", path).unwrap_or_default());
        }
    }
    if let Some((name, path)) = more {
        match certificates(name, path) {
            Ok(certificates) => {
                let usable =
                    |it: &CertificateDer<'static>| RootCertStore::empty().add(it.clone()).is_ok();
                named.extend(certificates.iter().cloned());
                extra.extend(certificates.into_iter().filter(usable));
            }
            // The variable belongs to the whole program, so it stops nobody who needs none of it.
            Err(error) => tracing::warn!("{}", error.message()),
        }
    }
    let verifier = match extra.is_empty() {
        // Spares what Windows makes to look the extra ones up in.
        true => Verifier::new(provider.clone()),
        false => Verifier::new_with_extra_roots(extra, provider.clone()),
    };
    let system: Arc<dyn ServerCertVerifier> = Arc::new(
        verifier.map_err(|error| {
            let why = match (&error, bundle) {
                (rustls::Error::InvalidCertificate(_), Some(path)) => {
                    return unusable("ca_bundle", path, "a certificate in it cannot be used");
                }
                (error, _) => words::reason(error),
            };
            Error::config(format!(
                "No root certificates could be loaded ({why}). Install the system's (package ca-certificates), or name a PEM file by ca_bundle or SSL_CERT_FILE."
            ))
        })?,
    );
    Ok(Trust::new(system, named, provider))
}

fn unusable(name: &str, path: &Path, why: &str) -> Error {
    Error::config(format!(
        "{name} {}: {why}. Name a file of PEM certificates.",
        path.display()
    ))
}

/// `name` is the option or variable that `path` comes from.
fn certificates(name: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let refuse = |why: &str| unusable(name, path, why);
    let unreadable = |error: io::Error| refuse(&format!("it cannot be read ({error})"));
    let meta = fs::metadata(path).map_err(unreadable)?;
    // Reading from a pipe or a device could continue forever.
    if !meta.is_file() {
        return Err(refuse("it is not a regular file"));
    }
    if meta.len() > LARGEST_BUNDLE {
        return Err(refuse("it is larger than 16 MiB"));
    }
    let text = fs::read(path).map_err(unreadable)?;
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| match error {
            pem::Error::MissingSectionEnd { .. } => refuse("its last certificate is cut off"),
            _ => refuse("it is not valid PEM"),
        })?;
    if certificates.is_empty() {
        return Err(refuse("it contains no certificate"));
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
            return Some(words::reason(tls));
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
