//! What a client is told: bases, environment, time-outs, retries.

use crate::{
    Error, Result,
    clock::Clock,
    session::Detached,
    transport::{Base, SILENCE_TIMEOUT},
};
use std::{env, fmt, path::PathBuf, sync::Arc, time::Duration};

/// Gives the runtime on which refreshes run, whatever happens to their callers. For bindings.
#[doc(hidden)]
pub type RuntimeProvider = Arc<dyn Fn() -> Detached + Send + Sync>;

/// The scopes that the Account API knows, asked for unless others are named.
pub const ALL_SCOPES: [&str; 8] = [
    "keys:read",
    "keys:create",
    "keys:delete",
    "apps:read",
    "apps:create",
    "apps:delete",
    "balance:read",
    "balance:add",
];

pub(crate) const PLATFORM_URL: &str = "https://platform.parallel.ai";
const ACCOUNT_URL: &str = "https://api.parallel.ai/account";
/// Overrides the platform's base, as in Parallel's own CLI.
pub(crate) const PLATFORM_VARIABLE: &str = "PARALLEL_PLATFORM_URL";
/// Overrides the Account API's base, as in Parallel's own CLI.
pub(crate) const ACCOUNT_VARIABLE: &str = "PARALLEL_SERVICE_API_URL";

/// Limits of a single call; what is `None` stays as the client has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions {
    /// How long one request may take, from connecting to the last byte; not zero. A connection
    /// that is not accepted in 10 s, or silent for 30 s, ends it sooner.
    pub timeout: Option<Duration>,
    /// How often a request is repeated at most where a repeat is safe.
    pub max_retries: Option<u32>,
    /// How long the call as a whole may take: repeats, a renewal and all waiting included.
    pub deadline: Option<Duration>,
}

/// Options as the caller gave them.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) client_name: String,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) platform_url: Option<String>,
    pub(crate) account_url: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) max_retries: u32,
    pub(crate) organization: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) first_poll_at_once: bool,
    pub(crate) lock_timeout: Duration,
    pub(crate) language: Option<String>,
    pub(crate) background: Option<RuntimeProvider>,
    pub(crate) time_scale: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            client_name: "parallel-account".into(),
            client_id: None,
            scopes: ALL_SCOPES.map(String::from).to_vec(),
            platform_url: None,
            account_url: None,
            timeout: Duration::from_secs(30),
            deadline: None,
            max_retries: 2,
            organization: None,
            user_agent: None,
            proxy: None,
            ca_bundle: None,
            first_poll_at_once: false,
            lock_timeout: Duration::from_secs(60),
            language: None,
            background: None,
            time_scale: 1.0,
        }
    }
}

/// Options that were found good.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) client_name: String,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) platform: Base,
    pub(crate) account: Base,
    pub(crate) timeout: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) max_retries: u32,
    pub(crate) organization: Option<String>,
    pub(crate) user_agent: String,
    pub(crate) proxy: Option<String>,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) first_poll_at_once: bool,
    pub(crate) lock_timeout: Duration,
    pub(crate) background: Option<RuntimeProvider>,
    pub(crate) silence_timeout: Duration,
    pub(crate) clock: Clock,
}

impl Options {
    pub(crate) fn check(self) -> Result<Config> {
        let platform = base(
            self.platform_url,
            "platform_url",
            PLATFORM_VARIABLE,
            PLATFORM_URL,
        )?;
        let account = base(
            self.account_url,
            "account_url",
            ACCOUNT_VARIABLE,
            ACCOUNT_URL,
        )?;
        check_scopes(&self.scopes)?;
        if self.timeout.is_zero() {
            return Err(Error::config("timeout must be longer than nothing."));
        }
        if self.lock_timeout.is_zero() {
            return Err(Error::config("lock_timeout must be longer than nothing."));
        }
        if !(1.0..=1e6).contains(&self.time_scale) {
            return Err(Error::config("time_scale must be 1 to 1000000."));
        }
        let user_agent = user_agent(self.language.as_deref(), self.user_agent.as_deref())?;
        Ok(Config {
            client_name: printable(self.client_name, "client_name")?,
            client_id: self
                .client_id
                .map(|id| printable(id, "client_id"))
                .transpose()?,
            scopes: self.scopes,
            platform,
            account,
            timeout: self.timeout,
            deadline: self.deadline,
            max_retries: self.max_retries,
            organization: self
                .organization
                .map(|id| printable(id, "org"))
                .transpose()?,
            user_agent,
            proxy: self.proxy,
            ca_bundle: self.ca_bundle,
            first_poll_at_once: self.first_poll_at_once,
            lock_timeout: self.lock_timeout,
            background: self.background,
            silence_timeout: SILENCE_TIMEOUT,
            clock: Clock::new(self.time_scale),
        })
    }
}

/// The option, else the variable, else the default. An empty variable counts as not set.
fn base(option: Option<String>, name: &str, variable: &str, default: &str) -> Result<Base> {
    if let Some(url) = option {
        return Base::parse(&url, name);
    }
    match env::var(variable) {
        Ok(url) if !url.is_empty() => Base::parse(&url, variable),
        _ => Base::parse(default, name),
    }
}

/// Scopes travel space-separated (RFC 6749 §3.3), so none may hold a space.
pub(crate) fn check_scopes(scopes: &[String]) -> Result<()> {
    let allowed = |c: char| matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    match scopes
        .iter()
        .find(|scope| scope.is_empty() || !scope.chars().all(allowed))
    {
        None => Ok(()),
        Some(bad) => Err(Error::config(format!(
            "{bad:?} is not a scope. Give scopes one by one, such as \"balance:read\"."
        ))),
    }
}

fn printable(value: String, name: &str) -> Result<String> {
    if value.trim().is_empty() {
        return Err(Error::config(format!("{name} must not be empty.")));
    }
    if value.chars().any(char::is_control) || value.len() > 256 {
        return Err(Error::config(format!(
            "{name} must be at most 256 bytes without control characters."
        )));
    }
    Ok(value)
}

fn user_agent(language: Option<&str>, callers: Option<&str>) -> Result<String> {
    let mut agent = format!("parallel-account/{}", env!("CARGO_PKG_VERSION"));
    if let Some(language) = language {
        agent.push(' ');
        agent.push_str(language);
    }
    agent.push_str(&format!(" ({}; {})", env::consts::OS, env::consts::ARCH));
    if let Some(callers) = callers.filter(|text| !text.is_empty()) {
        agent.push(' ');
        agent.push_str(callers);
    }
    if agent.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(agent)
    } else {
        Err(Error::config(
            "user_agent must be printable ASCII, such as \"my-app/1.2\".",
        ))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("client_name", &self.client_name)
            .field("platform", &self.platform)
            .field("account", &self.account)
            .field("organization", &self.organization)
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Options)) -> String {
        let mut options = Options::default();
        change(&mut options);
        options.check().expect_err("must be refused").to_string()
    }

    #[test]
    fn bad_options_are_named() {
        assert!(refusal(|o| o.platform_url = Some("http://example.com".into())).contains("https"));
        assert!(refusal(|o| o.account_url = Some("nonsense".into())).contains("account_url"));
        assert!(refusal(|o| o.client_name = "  ".into()).contains("client_name"));
        assert!(refusal(|o| o.scopes = vec!["a b".into()]).contains("one by one"));
        assert!(refusal(|o| o.user_agent = Some("a\nb".into())).contains("user_agent"));
        assert!(refusal(|o| o.timeout = Duration::ZERO).contains("timeout"));
        assert!(refusal(|o| o.time_scale = 1e300).contains("time_scale"));
        assert!(refusal(|o| o.time_scale = f64::NAN).contains("time_scale"));
    }

    #[test]
    fn the_user_agent_names_everyone() {
        let agent = user_agent(Some("python/3.11"), Some("my-app/2")).expect("good");
        assert!(agent.starts_with("parallel-account/"), "{agent}");
        assert!(
            agent.contains(" python/3.11 (") && agent.ends_with(") my-app/2"),
            "{agent}"
        );
    }
}
