//! The address that everything is sent below.

use crate::{Error, Result};
use percent_encoding::percent_decode_str;
use std::{fmt, sync::OnceLock};
use url::{Host, ParseError, Url};

/// The packages contain no Unicode tables (see `idna_adapter` in the workspace's manifest).
pub(crate) const NOT_ASCII: &str =
    "the host is not ASCII. Write it in Punycode, such as xn--bcher-kva.example.";

/// Whether `text` is no URL because its host is not ASCII. What `url` calls an IDNA error may also
/// be a character that no host has, as in `https://<host>`.
pub(super) fn is_beyond_ascii(error: ParseError, text: &str) -> bool {
    error == ParseError::IdnaError && percent_decode_str(text).any(|byte| !byte.is_ascii())
}

/// A base URL: `https`, or `http` to this machine; no trailing slash; it may have a path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Base(Url);

impl Base {
    /// `name` is the option or variable that `text` came from, for the message.
    pub(crate) fn parse(text: &str, name: &str) -> Result<Base> {
        let refuse = |why: &str| Err(Error::config(format!("{name}: {why}")));
        let text = text.trim();
        let mut url = match Url::parse(text) {
            Ok(url) => url,
            Err(error) if is_beyond_ascii(error, text) => return refuse(NOT_ASCII),
            Err(_) => {
                return refuse("this is not a URL. Give one such as https://platform.parallel.ai.");
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("a URL with a user name or password is not supported. Remove them.");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("a base URL has no query and no fragment. Remove them.");
        }
        if !is_secure(&url) {
            return refuse(
                "tokens are only sent by https, or by http to a loopback host. Use an https:// URL.",
            );
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Base(url))
    }

    /// The URL of `path` (starting with `/`, already encoded) below this base.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let mut full = self.0.path().trim_end_matches('/').to_owned();
        full.push_str(path);
        url.set_path(&full);
        url
    }

    /// As [`Base::join`], for a path that a caller wrote: it must stay below the base.
    pub(crate) fn join_untrusted(&self, path: &str) -> Result<Url> {
        let refuse = |why: &str| Error::invalid_request(format!("The path {why}"));
        if !path.starts_with('/') || path.starts_with("//") {
            return Err(refuse(
                "must start with one slash, such as /service/v1/balance.",
            ));
        }
        if path.chars().any(|c| c.is_control() || c == '\\') {
            return Err(refuse("contains a control character or a backslash."));
        }
        let (path_part, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        if path.contains('#') {
            return Err(refuse("must not have a fragment."));
        }
        let dots = |segment: &str| {
            matches!(
                segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
                "." | ".."
            )
        };
        if path_part.split('/').any(dots) {
            return Err(refuse(
                "leaves the base. Remove the \"..\" or \".\" from it.",
            ));
        }
        let mut url = self.join(path_part);
        url.set_query(query);
        Ok(url)
    }

    /// What tells the services behind these two bases from all others, to name a file after;
    /// `None` for the `usual` ones. Both count, as a login of one platform is sent to either.
    pub(crate) fn instance(platform: &Base, account: &Base, usual: [&str; 2]) -> Option<String> {
        let [platform, account] = [platform, account].map(Base::to_string);
        if [platform.as_str(), account.as_str()] == usual {
            return None;
        }
        let short = |url: &str| url.strip_prefix("https://").unwrap_or(url).to_owned();
        Some(format!("{} {}", short(&platform), short(&account)))
    }

    pub(crate) fn is_http(&self) -> bool {
        self.0.scheme() == "http"
    }
}

/// The URL of a path that never changes, joined once: that takes as long as all else that a call
/// does before it is sent.
#[derive(Default)]
pub(crate) struct Fixed(OnceLock<Url>);

impl Fixed {
    pub(crate) fn join(&self, base: &Base, path: &'static str) -> Url {
        self.0.get_or_init(|| base.join(path)).clone()
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `https`, or `http` to a loopback host, which no one else can listen in on.
pub(crate) fn is_secure(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_loopback() {
        for good in [
            "https://a.example",
            "http://localhost:1",
            "http://127.8.9.1",
            "http://[::1]:80/x/",
        ] {
            assert!(Base::parse(good, "url").is_ok(), "{good}");
        }
        for bad in [
            "http://a.example",
            "ftp://localhost",
            "file:///etc",
            "http://localhost.evil.example",
            "https://user@a.example",
            "https://a.example/?q",
            "https://a.example/#f",
            "",
        ] {
            assert!(Base::parse(bad, "url").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_host_that_is_not_ascii_is_named_in_punycode() {
        for host in ["bücher.example", "b%C3%BCcher.example", "例え.example"] {
            let refused = Base::parse(&format!("https://{host}"), "account_url").unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!("account_url: {NOT_ASCII}"),
                "{host}"
            );
        }
        let good = Base::parse("https://xn--bcher-kva.example/", "url").expect("good");
        assert_eq!(good.to_string(), "https://xn--bcher-kva.example");
        for ascii in [
            "https://<host>",
            "https://my host.example",
            "https://100%.example",
        ] {
            let refused = Base::parse(ascii, "account_url").unwrap_err();
            assert!(refused.to_string().contains("not a URL"), "{refused}");
        }
    }

    #[test]
    fn each_pair_of_services_has_a_name_of_its_own() {
        let usual = ["https://platform.example", "https://api.example/account"];
        let name = |platform: &str, account: &str| {
            let base = |url| Base::parse(url, "url").expect("good");
            Base::instance(&base(platform), &base(account), usual)
        };
        assert_eq!(name(usual[0], "https://api.example/account/"), None);
        let others = [
            name("https://platform.example:8443", usual[1]),
            name("https://platform.example/x", usual[1]),
            name(usual[0], "https://staging.example/account"),
            name(usual[0], "https://api.example/other"),
            name("http://localhost:1", "http://localhost:1"),
            name("https://localhost:1", "https://localhost:1"),
        ];
        for (at, other) in others.iter().enumerate() {
            assert!(other.is_some(), "{at}");
            assert!(!others[..at].contains(other), "{other:?}");
        }
    }

    #[test]
    fn paths_join_below_the_base() {
        let base = Base::parse("https://api.example/account/", "url").expect("good");
        assert_eq!(base.to_string(), "https://api.example/account");
        assert_eq!(format!("{base:?}"), "https://api.example/account");
        assert_eq!(base.join("/x").as_str(), "https://api.example/account/x");
        let url = base.join_untrusted("/service/v1/x?a=b%20c").expect("good");
        assert_eq!(
            url.as_str(),
            "https://api.example/account/service/v1/x?a=b%20c"
        );
        for bad in [
            "x",
            "//evil.example/",
            "/../x",
            "/a/%2E%2e/x",
            "/a/.%2e/x",
            "/a\\..\\b",
            "/a#b",
            "/a\n",
            "https://evil.example",
        ] {
            assert!(base.join_untrusted(bad).is_err(), "{bad}");
        }
    }
}
