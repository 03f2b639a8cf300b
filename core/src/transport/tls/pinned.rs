//! Certificates that a user named one by one: a server that shows one of them is trusted, also
//! where it is marked as an authority's, as `openssl req -x509` marks what it makes.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use std::sync::Arc;

/// The system's verifier first, then what was named.
#[derive(Debug)]
pub(super) struct Trust {
    system: Arc<dyn ServerCertVerifier>,
    named: Vec<CertificateDer<'static>>,
    /// Trusts what was named and nothing else; `None` where nothing usable was.
    own: Option<Arc<WebPkiServerVerifier>>,
}

impl Trust {
    pub(super) fn new(
        system: Arc<dyn ServerCertVerifier>,
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(named.iter().cloned());
        let own = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
        Trust {
            system,
            named,
            own: own.ok(),
        }
    }

    /// The very certificate was named, so who signed it does not matter; its time and its names
    /// do. webpki looks at the time before it minds an authority's certificate.
    fn verify_named(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Result<ServerCertVerified, Error>> {
        if !self.named.iter().any(|named| named == certificate) {
            return None;
        }
        let result = self
            .own
            .as_ref()?
            .verify_server_cert(certificate, &[], name, &[], now);
        Some(match result {
            Err(Error::InvalidCertificate(CertificateError::Other(error)))
                if is_marked_as_authority(&error) =>
            {
                ParsedCertificate::try_from(certificate)
                    .and_then(|parsed| verify_server_name(&parsed, name))
                    .map(|()| ServerCertVerified::assertion())
            }
            result => result,
        })
    }
}

/// Whether the certificate was refused because it is an authority's.
pub(super) fn is_marked_as_authority(error: &OtherError) -> bool {
    matches!(
        error.0.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.system
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
            .or_else(|error| {
                self.verify_named(certificate, name, now)
                    .unwrap_or(Err(error))
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}
