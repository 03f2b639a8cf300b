//! What a sandbox can be told at its start, and the command's arguments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a sandbox behaves. Times are seconds and may be fractional.
///
/// What the sandbox *answers* stays as the standards have it: `expires_in` and
/// `interval` are whole seconds, at least 1, rounded up; what it *enforces* is the
/// exact value. A token with a life of 0.5 s is announced with `expires_in: 1`
/// and refused after half a second.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// TCP port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Least seconds between two polls of a device code (RFC 8628 §3.2).
    pub interval: f64,
    /// Seconds that a `slow_down` adds to the interval of its code (RFC 8628 §3.5).
    pub slow_down_step: f64,
    /// Life of a device code, in seconds.
    pub expires_in: f64,
    /// Life of an access token, in seconds.
    pub access_token_lifetime: f64,
    /// Life of a refresh token, in seconds.
    pub refresh_token_lifetime: f64,
    /// Life of a whole grant, in seconds: nothing can be refreshed after it.
    pub authorization_lifetime: f64,
    /// Seconds in which a refresh token that has been used once is still taken.
    /// 0 is strict: an old token revokes its family.
    pub grace: f64,
    /// Approve every device code by itself after so many seconds.
    pub approve_after: Option<f64>,
    /// Identifier of the first organization.
    pub org_id: String,
    /// Name of the first organization.
    pub org_name: String,
    /// What every organization starts with, in cents.
    pub starting_balance_cents: f64,
    /// How long a task run takes, in seconds.
    pub task_duration: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            interval: 5.0,
            slow_down_step: 5.0,
            expires_in: 600.0,
            access_token_lifetime: 3600.0,
            refresh_token_lifetime: 30.0 * 86_400.0,
            authorization_lifetime: 90.0 * 86_400.0,
            grace: 0.0,
            approve_after: None,
            org_id: "org_sandbox".into(),
            org_name: "Sandbox Inc.".into(),
            starting_balance_cents: 5_000.0,
            task_duration: 0.1,
        }
    }
}

/// What the arguments of the command ask for.
#[derive(Debug)]
pub enum Invocation {
    /// Serve.
    Run {
        /// How.
        options: Box<Options>,
        /// End when standard input is closed, as it is when the program that started this
        /// one has ended.
        until_stdin_closes: bool,
    },
    /// Print this text and end.
    Print(String),
}

/// The text of `--help`.
pub const HELP: &str = "\
A local Parallel: device flow, Account API, a part of the data API, approval page,
fault injection.

Usage: parallel-account-sandbox [OPTIONS]

Listens on 127.0.0.1 and prints one line of JSON with its addresses:
platform_url, account_url, data_url, control_url, pid. Ends on SIGTERM and SIGINT.
Its control surface is described by CONTROL_URL/openapi.json.

Options (SECONDS may be fractional):
  --port PORT                        default 0: any free port
  --interval SECONDS                 least time between polls, default 5
  --slow-down-step SECONDS           what a slow_down adds to it, default 5
  --expires-in SECONDS               life of a device code, default 600
  --access-token-lifetime SECONDS    default 3600
  --refresh-token-lifetime SECONDS   default 2592000 (30 days)
  --authorization-lifetime SECONDS   life of a grant, default 7776000 (90 days)
  --grace SECONDS                    an old refresh token is taken for so long after
                                     its use; default 0: it revokes its family
  --approve-after SECONDS            approve every login by itself
  --org-id ID                        default org_sandbox
  --org-name NAME                    default \"Sandbox Inc.\"
  --starting-balance-cents CENTS     default 5000
  --task-duration SECONDS            how long a task run takes, default 0.1
  --until-stdin-closes               end when standard input is closed, as by the end of
                                     the program that started this one
  --help, --version
";

impl Invocation {
    /// Reads the arguments that follow the command's name.
    ///
    /// # Errors
    /// A sentence for the person who typed them.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Options::default();
        let mut until_stdin_closes = false;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            if name == "--help" || name == "-h" {
                return Ok(Self::Print(HELP.into()));
            }
            if name == "--version" || name == "-V" {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Self::Print(format!("parallel-account-sandbox {version}\n")));
            }
            if name == "--until-stdin-closes" {
                if inline.is_some() {
                    return Err(format!("{name} takes no value"));
                }
                until_stdin_closes = true;
                continue;
            }
            let value = || {
                inline
                    .or_else(|| arguments.next())
                    .ok_or_else(|| format!("{name} needs a value"))
            };
            options.set(&name, value)?;
        }
        options.check()?;
        Ok(Self::Run {
            options: Box::new(options),
            until_stdin_closes,
        })
    }
}

impl Options {
    /// Sets what the option `name` of the command stands for.
    fn set(
        &mut self,
        name: &str,
        value: impl FnOnce() -> Result<String, String>,
    ) -> Result<(), String> {
        match name {
            "--port" => {
                self.port = value()?
                    .parse()
                    .map_err(|_| "--port must be a number from 0 to 65535".to_owned())?;
            }
            "--interval" => self.interval = seconds(name, &value()?)?,
            "--slow-down-step" => self.slow_down_step = seconds(name, &value()?)?,
            "--expires-in" => self.expires_in = seconds(name, &value()?)?,
            "--access-token-lifetime" => {
                self.access_token_lifetime = seconds(name, &value()?)?;
            }
            "--refresh-token-lifetime" => {
                self.refresh_token_lifetime = seconds(name, &value()?)?;
            }
            "--authorization-lifetime" => {
                self.authorization_lifetime = seconds(name, &value()?)?;
            }
            "--grace" => self.grace = seconds(name, &value()?)?,
            "--approve-after" => self.approve_after = Some(seconds(name, &value()?)?),
            "--org-id" => self.org_id = value()?,
            "--org-name" => self.org_name = value()?,
            "--starting-balance-cents" => {
                self.starting_balance_cents = seconds(name, &value()?)?;
            }
            "--task-duration" => self.task_duration = seconds(name, &value()?)?,
            _ => return Err(format!("{name} is no option of this command; see --help")),
        }
        Ok(())
    }

    /// Refuses what no clock can count.
    pub(crate) fn check(&self) -> Result<(), String> {
        let times = [
            ("interval", self.interval),
            ("slow_down_step", self.slow_down_step),
            ("expires_in", self.expires_in),
            ("access_token_lifetime", self.access_token_lifetime),
            ("refresh_token_lifetime", self.refresh_token_lifetime),
            ("authorization_lifetime", self.authorization_lifetime),
            ("grace", self.grace),
            ("task_duration", self.task_duration),
            ("approve_after", self.approve_after.unwrap_or(0.0)),
        ];
        for (name, value) in times {
            if Duration::try_from_secs_f64(value).is_err() || value > 1e10 {
                return Err(format!("{name} must be from 0 to 10000000000 seconds"));
            }
        }
        if self.org_id.is_empty() {
            return Err("org_id must not be empty".into());
        }
        if !self.starting_balance_cents.is_finite() {
            return Err("starting_balance_cents must be a number".into());
        }
        Ok(())
    }
}

fn seconds(name: &str, value: &str) -> Result<f64, String> {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err(format!(
            "{name} must be a number that is 0 or more, not \"{value}\""
        )),
    }
}
