//! What a client is told: bases, environment, time-outs, retries.

use crate::{
    Error, Result,
    account::ResponseSlot,
    clock::Clock,
    engine::Detached,
    environment::Environment,
    events::Events,
    transport::{
        Base, Caller, Limits, NetworkOptions, Plain, Proxy, SILENCE, Trust, headers, replace,
    },
};
use reqwest::header::HeaderMap;
use std::{env::consts, ffi::OsStr, fmt, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Gives the runtime on which refreshes run, whatever happens to their callers, or says why there
/// is none ([`Error::no_resources`]). For bindings.
#[doc(hidden)]
pub type RuntimeProvider = Arc<dyn Fn() -> Result<Detached> + Send + Sync>;

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

const PLATFORM_URL: &str = "https://platform.parallel.ai";
const ACCOUNT_URL: &str = "https://api.parallel.ai/account";
/// Overrides the platform's base, as in Parallel's own CLI.
pub(crate) const PLATFORM_VARIABLE: &str = "PARALLEL_PLATFORM_URL";
/// Overrides the Account API's base, as in Parallel's own CLI.
pub(crate) const ACCOUNT_VARIABLE: &str = "PARALLEL_SERVICE_API_URL";

/// Forbids the default store.
const REQUIRE_STORE_VARIABLE: &str = "PARALLEL_ACCOUNT_REQUIRE_STORE";

/// No call takes longer; more is a mistake in the unit.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Options of a single call; what is `None` or empty stays as the client has it.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct CallOptions {
    /// How long one request may take, from connecting to the last byte. More than zero and at
    /// most one day. A connection that is not accepted in 10 s, or silent for 30 s, ends it
    /// sooner.
    pub timeout: Option<Duration>,
    /// How often a request is retried at most where a retry is safe.
    pub max_retries: Option<u32>,
    /// How long the call as a whole may take, retries, a refresh and all waiting included. More
    /// than zero and at most one day.
    pub deadline: Option<Duration>,
    /// Headers to send to the Account API besides the client's; one of the same name replaces
    /// the client's. What this library sets itself is refused.
    pub headers: Vec<(String, String)>,
    /// Where to put what the response says besides its body: its status, headers and request ID.
    pub response: Option<ResponseSlot>,
}

impl CallOptions {
    /// Sets [`CallOptions::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets [`CallOptions::max_retries`].
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = Some(retries);
        self
    }

    /// Sets [`CallOptions::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Adds to [`CallOptions::headers`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets [`CallOptions::response`].
    pub fn response(mut self, slot: &ResponseSlot) -> Self {
        self.response = Some(slot.clone());
        self
    }
}

/// What goes along with calls to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) headers: HeaderMap,
    pub(crate) response: Option<ResponseSlot>,
}

impl Extras {
    /// These with what `options` say.
    pub(crate) fn with(&self, options: &CallOptions) -> Result<Self> {
        let pairs = options.headers.iter();
        let added = headers(pairs.map(|(name, value)| (name.as_str(), value.as_str())))?;
        let mut extras = self.clone();
        replace(&mut extras.headers, &added);
        extras.response = options.response.clone().or(extras.response);
        Ok(extras)
    }
}

/// Limits of calls to come.
#[derive(Clone, Copy)]
pub(crate) struct CallLimits {
    timeout: Duration,
    max_retries: u32,
    deadline: Option<Duration>,
}

impl CallLimits {
    pub(crate) fn with(self, options: &CallOptions) -> Self {
        CallLimits {
            timeout: options.timeout.unwrap_or(self.timeout),
            max_retries: options.max_retries.unwrap_or(self.max_retries),
            deadline: options.deadline.or(self.deadline),
        }
    }

    /// Of a call that starts now.
    pub(crate) fn start(self) -> Result<Limits> {
        self.check()?;
        Ok(Limits {
            timeout: self.timeout,
            silence: SILENCE,
            max_retries: self.max_retries,
            deadline: self.deadline.map(|deadline| Instant::now() + deadline),
        })
    }

    fn check(self) -> Result<()> {
        check_time("timeout", self.timeout)?;
        self.deadline
            .map_or(Ok(()), |deadline| check_time("deadline", deadline))
    }
}

fn check_time(name: &str, time: Duration) -> Result<()> {
    match time.is_zero() || time > LONGEST {
        false => Ok(()),
        true => Err(Error::config(format!(
            "{name} must be greater than zero and at most one day."
        ))),
    }
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
    pub(crate) more_roots: Option<(&'static str, PathBuf)>,
    pub(crate) first_poll_at_once: bool,
    pub(crate) lock_timeout: Duration,
    pub(crate) language: Option<String>,
    pub(crate) background: Option<RuntimeProvider>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) events: Events,
    pub(crate) environment: Environment,
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
            more_roots: None,
            first_poll_at_once: false,
            lock_timeout: Duration::from_secs(60),
            language: None,
            background: None,
            headers: Vec::new(),
            events: Events::default(),
            environment: Environment::default(),
            time_scale: 1.0,
        }
    }
}

/// Options that were found good.
pub(crate) struct Config {
    pub(crate) client_name: String,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) platform: Base,
    pub(crate) account: Base,
    pub(crate) limits: CallLimits,
    pub(crate) organization: Option<String>,
    pub(crate) first_poll_at_once: bool,
    pub(crate) lock_timeout: Duration,
    pub(crate) background: Option<RuntimeProvider>,
    pub(crate) clock: Clock,
    pub(crate) caller: Arc<Caller>,
}

impl Config {
    /// Of work that no caller waits for.
    pub(crate) fn detached_limits(&self) -> Limits {
        Limits {
            timeout: self.limits.timeout,
            silence: SILENCE,
            max_retries: self.limits.max_retries,
            deadline: None,
        }
    }

    /// What tells the services of these bases from Parallel's own, to name a file after.
    pub(crate) fn instance(&self) -> Option<String> {
        Base::instance(&self.platform, &self.account, [PLATFORM_URL, ACCOUNT_URL])
    }
}

impl Options {
    /// The configuration, and how the network is reached.
    pub(crate) fn check(mut self) -> Result<(Config, NetworkOptions)> {
        let environment = &self.environment;
        let platform = base(
            environment,
            self.platform_url.take(),
            "platform_url",
            PLATFORM_VARIABLE,
            PLATFORM_URL,
        )?;
        let account = base(
            environment,
            self.account_url.take(),
            "account_url",
            ACCOUNT_VARIABLE,
            ACCOUNT_URL,
        )?;
        check_scopes(&self.scopes)?;
        let limits = CallLimits {
            timeout: self.timeout,
            max_retries: self.max_retries,
            deadline: self.deadline,
        };
        limits.check()?;
        check_time("lock_timeout", self.lock_timeout)?;
        if !(1.0..=1e6).contains(&self.time_scale) {
            return Err(Error::config("time_scale must be 1 to 1000000."));
        }
        let network = self.network(&platform, &account)?;
        let clock = Clock::new(self.time_scale);
        let pairs = self.headers.iter();
        let caller = Caller {
            clock: clock.clone(),
            headers: headers(pairs.map(|(name, value)| (name.as_str(), value.as_str())))?,
            events: self.events,
        };
        let id = |id: Option<String>, option| id.map(|id| printable(id, option)).transpose();
        let config = Config {
            client_name: printable(self.client_name, "client_name")?,
            client_id: id(self.client_id, "client_id")?,
            scopes: self.scopes,
            platform,
            account,
            limits,
            organization: id(self.organization, "org")?,
            first_poll_at_once: self.first_poll_at_once,
            lock_timeout: self.lock_timeout,
            background: self.background,
            clock,
            caller: Arc::new(caller),
        };
        Ok((config, network))
    }

    fn network(&self, platform: &Base, account: &Base) -> Result<NetworkOptions> {
        let environment = &self.environment;
        Ok(NetworkOptions {
            user_agent: user_agent(self.language.as_deref(), self.user_agent.as_deref())?,
            proxy: match &self.proxy {
                Some(url) => Some(Proxy::of_option(environment, url)?),
                None => {
                    let bases = [platform.to_string(), account.to_string()];
                    Proxy::of_environment(environment, &bases)?
                }
            },
            trust: Trust::new(self.ca_bundle.clone(), self.more_roots.clone()),
            plain: match (platform.is_http(), account.is_http()) {
                (true, true) => Plain::BothBases,
                (false, false) => Plain::Nowhere,
                _ => Plain::OneBase,
            },
        })
    }
}

/// # Errors
/// `config` where the environment forbids a client that was given no store.
pub(crate) fn check_default_store(environment: &Environment) -> Result<()> {
    check_required(environment.var_os(REQUIRE_STORE_VARIABLE).as_deref())
}

/// An empty variable counts as not set. One that cannot be understood forbids, too.
fn check_required(value: Option<&OsStr>) -> Result<()> {
    let value = value.unwrap_or_default().to_string_lossy();
    match &*value.trim().to_ascii_lowercase() {
        "" | "0" | "false" | "no" | "off" => Ok(()),
        "1" | "true" | "yes" | "on" => Err(Error::config(format!(
            "store must be given: {REQUIRE_STORE_VARIABLE} is set, and without a store all users of this process would share one login. Give each user's client a store of its own."
        ))),
        _ => Err(Error::config(format!(
            "{REQUIRE_STORE_VARIABLE} must be 1 or 0. Set it to 1 to refuse clients without a store."
        ))),
    }
}

/// The option, else the variable, else the default. An empty variable counts as not set.
fn base(
    environment: &Environment,
    option: Option<String>,
    name: &str,
    variable: &str,
    default: &str,
) -> Result<Base> {
    if let Some(url) = option {
        return Base::parse(&url, name);
    }
    match environment.var(variable) {
        Some(url) if !url.is_empty() => Base::parse(&url, variable),
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
    agent.push_str(&format!(" ({}; {})", consts::OS, consts::ARCH));
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
            .field("timeout", &self.limits.timeout)
            .field("max_retries", &self.limits.max_retries)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Options)) -> String {
        let mut options = Options::default();
        change(&mut options);
        let refusal = options.check().err().expect("must be refused");
        assert_eq!(refusal.code(), "config");
        refusal.to_string()
    }

    #[test]
    fn bad_options_are_named() {
        assert!(refusal(|o| o.platform_url = Some("http://example.com".into())).contains("https"));
        assert!(refusal(|o| o.account_url = Some("nonsense".into())).contains("account_url"));
        assert!(refusal(|o| o.client_name = "  ".into()).contains("client_name"));
        assert!(refusal(|o| o.scopes = vec!["a b".into()]).contains("one by one"));
        assert!(refusal(|o| o.user_agent = Some("a\nb".into())).contains("user_agent"));
        for time in [
            Duration::ZERO,
            Duration::from_millis(86_400_001),
            Duration::MAX,
        ] {
            assert!(refusal(|o| o.timeout = time).starts_with("timeout must"));
            assert!(refusal(|o| o.deadline = Some(time)).starts_with("deadline must"));
            assert!(refusal(|o| o.lock_timeout = time).starts_with("lock_timeout must"));
        }
        assert!(refusal(|o| o.proxy = Some("nonsense".into())).starts_with("proxy: "));
        assert!(refusal(|o| o.time_scale = 1e300).contains("time_scale"));
        assert!(refusal(|o| o.time_scale = f64::NAN).contains("time_scale"));
    }

    #[test]
    fn a_store_can_be_required() {
        let check = |value: &str| check_required(Some(OsStr::new(value)));
        assert!(check_required(None).is_ok());
        for off in ["", " ", "0", "false", "No", "off"] {
            assert!(check(off).is_ok(), "{off}");
        }
        for on in ["1", "true", "YES", " on "] {
            let error = check(on).expect_err("required");
            assert_eq!(error.code(), "config");
            assert!(
                error.message().starts_with("store must be given"),
                "{error}"
            );
        }
        // A typing mistake must not open what somebody meant to close.
        let error = check("ture").expect_err("not understood");
        assert!(error.message().contains("must be 1 or 0"), "{error}");
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
