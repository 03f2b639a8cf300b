//! Which proxy requests go through: the option's, or the environment's for `https`.

use super::base::{NOT_ASCII, is_beyond_ascii};
use crate::{Error, Result, environment::Environment};
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

/// A proxy that was found good. Its URL may hold a password, so nothing shows it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    url: String,
    /// Hosts that are reached without it, as `NO_PROXY` lists them.
    except: String,
    /// Whether requests to this machine by plain `http` go through it too.
    for_http: bool,
}

impl Proxy {
    /// For everything, by the option.
    pub(crate) fn of_option(environment: &Environment, url: &str) -> Result<Proxy> {
        Ok(Proxy {
            url: check(url.trim(), "proxy")?,
            except: first_of(environment, ["NO_PROXY", "no_proxy"])
                .unwrap_or_default()
                .1,
            for_http: true,
        })
    }

    /// What the environment says, if requests to one of `bases` would go through it. The variables
    /// are those of curl, in the order in which hyper-util reads them.
    pub(crate) fn of_environment(
        environment: &Environment,
        bases: &[String],
    ) -> Result<Option<Proxy>> {
        // The environment of a CGI script is partly its caller's.
        if environment.var_os("REQUEST_METHOD").is_some() {
            return Ok(None);
        }
        let set =
            |names| first_of(environment, names).filter(|(_, value)| !value.trim().is_empty());
        let Some((name, value)) =
            set(["HTTPS_PROXY", "https_proxy"]).or_else(|| set(["ALL_PROXY", "all_proxy"]))
        else {
            return Ok(None);
        };
        let except = first_of(environment, ["NO_PROXY", "no_proxy"])
            .unwrap_or_default()
            .1;
        let anything = Matcher::builder()
            .https("http://proxy.example")
            .no(except.as_str())
            .build();
        let used = |base: &String| {
            base.parse()
                .is_ok_and(|base| anything.intercept(&base).is_some())
        };
        if !bases.iter().any(used) {
            return Ok(None);
        }
        let value = value.trim();
        let url = match value.contains("://") {
            true => check(value, name)?,
            // As curl and others take it. A word alone is nobody's proxy.
            false if value.contains(['.', ':']) => check(&format!("http://{value}"), name)?,
            false => return Err(refusal(name, "this is not a URL.")),
        };
        Ok(Some(Proxy {
            url,
            except,
            for_http: false,
        }))
    }

    pub(super) fn build(&self) -> Result<reqwest::Proxy> {
        let proxy = match self.for_http {
            true => reqwest::Proxy::all(&self.url),
            false => reqwest::Proxy::https(&self.url),
        };
        let proxy = proxy.map_err(|_| refusal("proxy", "this is not a URL."))?;
        Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&self.except)))
    }
}

fn first_of(environment: &Environment, names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names
        .iter()
        .find_map(|name| environment.var(name).map(|value| (*name, value)))
}

/// The URL as it is used, or why it cannot be; `name` is the option or variable.
fn check(text: &str, name: &str) -> Result<String> {
    let url = Url::parse(text).map_err(|error| match is_beyond_ascii(error, text) {
        true => refusal(name, NOT_ASCII),
        false => refusal(name, "this is not a URL."),
    })?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err(refusal(
            name,
            "a proxy's URL starts with http://, https://, socks5:// or socks5h://.",
        ));
    }
    let empty = match url.host() {
        Some(Host::Domain(name)) => name.is_empty(),
        Some(_) => false,
        None => true,
    };
    if empty || url.port() == Some(0) {
        return Err(refusal(name, "it does not say where the proxy is."));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(refusal(name, "a proxy's URL ends with its port."));
    }
    // What reqwest cannot read it ignores, and would go past the proxy.
    let somewhere = http::Uri::from_static("https://host.example");
    let matcher = Matcher::builder().all(url.as_str()).build();
    match matcher.intercept(&somewhere) {
        Some(_) => Ok(url.into()),
        None => Err(refusal(
            name,
            "it contains characters that must be percent-encoded.",
        )),
    }
}

/// The URL may hold a password, so it is not shown.
fn refusal(name: &str, why: &str) -> Error {
    Error::config(format!(
        "{name}: {why} Give one such as http://proxy.example:8080 or socks5h://proxy.example:1080."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_checked_before_they_are_used() {
        for good in [
            "http://proxy.example:8080",
            "http://me:w%20rd@proxy.example",
            "https://[::1]:3128/",
            "socks5://127.0.0.1",
            "socks5h://me:word@proxy.example:1080",
        ] {
            assert!(
                Proxy::of_option(&Environment::default(), good)
                    .and_then(|p| p.build())
                    .is_ok(),
                "{good}"
            );
        }
        for bad in [
            "",
            "nonsense",
            "proxy.example:8080",
            "ftp://proxy.example",
            "socks4://proxy.example",
            "http://",
            "socks5://",
            "http://proxy.example:0",
            "http://proxy.example:99999",
            "http://bücher.example",
            "http://me:pass-word@proxy.example/path",
            "http://me:pass-word@proxy.example?a",
        ] {
            let error = Proxy::of_option(&Environment::default(), bad)
                .err()
                .unwrap_or_else(|| panic!("{bad}"));
            assert_eq!(error.code(), "config", "{bad}");
            let message = error.message();
            assert!(message.starts_with("proxy: "), "{message}");
            assert!(message.contains("http://proxy.example:8080"), "{message}");
            assert!(!message.contains("pass-word"), "{message}");
            assert_eq!(message.contains("Punycode"), bad.contains('ü'), "{message}");
        }
    }
}
