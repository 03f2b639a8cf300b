//! What TLS says, in sentences: rustls' own texts are made for those who know its types.

use super::pinned::is_marked_as_authority;
use crate::{clock::day, text::clean};
use rustls::{AlertDescription, CertificateError, Error, pki_types::UnixTime};
use std::time::{Duration, SystemTime};

/// Why there is no secure connection, to follow a colon; what to do follows in sentences of its
/// own. Without a full stop at the end.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => refused(*alert),
        Error::InvalidMessage(_) => {
            "what answers there does not speak TLS. Check the host and the port of the base URL"
                .into()
        }
        Error::PeerIncompatible(_) => {
            "the server offers nothing of TLS 1.2 or 1.3 that is supported here. Update the server"
                .into()
        }
        Error::NoCertificatesPresented => "the server shows no certificate".into(),
        Error::NoApplicationProtocol => {
            "the server speaks neither HTTP/2 nor HTTP/1.1. Check the base URL".into()
        }
        Error::DecryptError | Error::PeerSentOversizedRecord => {
            "what the server sent was damaged on the way. Look for a proxy or a firewall that changes traffic".into()
        }
        Error::PeerMisbehaved(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. } => {
            "the server breaks the rules of TLS. Look for a proxy or a firewall that changes traffic".into()
        }
        // What a system's own verifier says is text for display.
        Error::General(text) => clean(text, 200),
        _ => "the TLS handshake failed".into(),
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired => "the server's certificate has expired".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            let day = date(*not_after);
            format!("the server's certificate expired on {day}. Check this machine's clock; if it is right, the server needs a new certificate")
        }
        CertificateError::NotValidYet => "the server's certificate is not valid yet".into(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let day = date(*not_before);
            format!("the server's certificate is not valid before {day}. Check this machine's clock")
        }
        CertificateError::Revoked => "the server's certificate was revoked".into(),
        CertificateError::UnknownIssuer => {
            "the server's certificate is signed by nobody whom this machine trusts".into()
        }
        CertificateError::NotValidForName => {
            "the server's certificate is for another host. Check the base URL".into()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => match names(presented) {
            None => format!(
                "the server's certificate names no host. It needs a subjectAltName with {}",
                expected.to_str()
            ),
            Some(names) => format!(
                "the server's certificate is for {names}, not for {}. Check the base URL",
                expected.to_str()
            ),
        },
        CertificateError::BadEncoding | CertificateError::UnhandledCriticalExtension => {
            "the server's certificate cannot be read".into()
        }
        CertificateError::BadSignature => {
            "the signature of the server's certificate is wrong".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the server's certificate is signed by a method that is not supported here, such as SHA-1. The server needs a new certificate".into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not one for servers".into()
        }
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => {
            "it cannot be found out whether the server's certificate was revoked".into()
        }
        CertificateError::Other(error) if is_marked_as_authority(error) => {
            "the server shows an authority's certificate as its own, such as \"openssl req -x509\" makes. Name that very certificate by ca_bundle or SSL_CERT_FILE, or make one with -addext basicConstraints=critical,CA:FALSE".into()
        }
        _ => "the server's certificate is not one that can be trusted".into(),
    }
}

/// The first few names of a certificate, out of texts such as `DnsName("localhost")`.
fn names(presented: &[String]) -> Option<String> {
    let name = |text: &String| {
        let inner = text
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        let name = inner.map_or(text.as_str(), |(inner, _)| inner);
        clean(name.trim_matches('"'), 100)
    };
    let mut names: Vec<_> = presented.iter().take(3).map(name).collect();
    if presented.len() > names.len() {
        names.push("others".into());
    }
    match names.pop()? {
        last if names.is_empty() => Some(last),
        last => Some(format!("{} and {last}", names.join(", "))),
    }
}

/// An alert by which the server ended the handshake (RFC 8446 §6.2).
fn refused(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it accepts nothing of what is supported here"
        }
        AlertDescription::ProtocolVersion => "it accepts neither TLS 1.2 nor TLS 1.3",
        AlertDescription::UnrecognisedName => "it does not know this host. Check the base URL",
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "it wants a certificate of the client, which is not supported"
        }
        AlertDescription::AccessDenied => "it denies access",
        AlertDescription::InternalError => "it failed by itself. Try again later",
        _ => "",
    };
    let number = u8::from(alert);
    match why {
        "" => format!("the server refused the handshake (TLS alert {number})"),
        why => format!("the server refused the handshake (TLS alert {number}): {why}"),
    }
}

fn date(time: UnixTime) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    day(time.unwrap_or(SystemTime::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{
        InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved, pki_types::ServerName,
    };
    use std::sync::Arc;

    fn other(error: webpki::Error) -> CertificateError {
        CertificateError::Other(OtherError(Arc::new(error)))
    }

    #[test]
    #[expect(
        clippy::too_many_lines,
        reason = "two lists, and what holds for each entry"
    )]
    fn every_reason_is_a_sentence() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let expected = || ServerName::try_from("a.example").expect("a name");
        let wrong = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: expected(),
            presented: presented.iter().map(|name| (*name).to_owned()).collect(),
        };
        let certificates = [
            CertificateError::BadEncoding,
            CertificateError::Expired,
            CertificateError::ExpiredContext {
                time: at(1),
                not_after: at(0),
            },
            CertificateError::NotValidYetContext {
                time: at(0),
                not_before: at(86_400),
            },
            CertificateError::Revoked,
            CertificateError::UnknownIssuer,
            CertificateError::NotValidForName,
            wrong(&[]),
            wrong(&["DnsName(\"b.example\")"]),
            wrong(&[
                "DnsName(\"b.example\")",
                "IpAddress(10.0.0.1)",
                "x\u{1b}[2J",
                "y",
            ]),
            CertificateError::BadSignature,
            CertificateError::InvalidPurpose,
            CertificateError::ApplicationVerificationFailure,
            other(webpki::Error::CaUsedAsEndEntity),
            other(webpki::Error::UnsupportedCertVersion),
        ];
        let errors = [
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::PeerIncompatible(PeerIncompatible::Tls12NotOfferedOrEnabled),
            Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived),
            Error::AlertReceived(AlertDescription::HandshakeFailure),
            Error::AlertReceived(AlertDescription::ProtocolVersion),
            Error::AlertReceived(AlertDescription::UnrecognisedName),
            Error::AlertReceived(AlertDescription::CertificateRequired),
            Error::AlertReceived(AlertDescription::UnsupportedExtension),
            Error::AlertReceived(AlertDescription::Unknown(200)),
            Error::DecryptError,
            Error::NoApplicationProtocol,
            Error::General("The certificate is not trusted".into()),
            Error::HandshakeNotComplete,
        ];
        let all = certificates
            .map(Error::InvalidCertificate)
            .into_iter()
            .chain(errors);
        for error in all {
            let reason = reason(&error);
            let debug = |text: &str| {
                let camel = text.chars().any(char::is_uppercase)
                    && text.chars().any(char::is_lowercase)
                    && text.chars().skip(1).any(char::is_uppercase);
                camel && text.chars().all(char::is_alphanumeric) && text != "subjectAltName"
            };
            let words = reason.split(|c: char| !c.is_alphanumeric());
            let odd: Vec<_> = words.filter(|word| debug(word)).collect();
            assert!(odd == [""; 0] || odd == ["basicConstraints"], "{reason}");
            assert!(!reason.contains(['{', '}', '\u{1b}']), "{reason}");
            assert!(!reason.ends_with('.') && reason.contains(' '), "{reason}");
        }
        let said = |error| certificate(&error);
        assert!(
            said(wrong(&["DnsName(\"b.example\")", "IpAddress(10.0.0.1)"]))
                .contains("is for b.example and 10.0.0.1, not for a.example")
        );
        assert!(
            said(CertificateError::ExpiredContext {
                time: at(1),
                not_after: at(0)
            })
            .contains("1970-01-01")
        );
    }
}
