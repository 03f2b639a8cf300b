//! What the command accepts, as clap derives it: parser, help, completion and reference alike.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// The longest time that the library waits for anything.
const LONGEST_SECONDS: f64 = 86_400.0;

const EXIT_CODES: &str = "\
Exit codes:
  0    success
  2    invalid input: arguments, options, a refused request (422)
  3    not logged in, refused, or missing permission
  4    an error of the API, the network, or the credentials store
  5    timeout, or the login was not approved in time
  130  interrupted (143 by SIGTERM, 129 by SIGHUP)

Results go to standard output, everything else to standard error. With --json, an error is an
object on standard error: {\"error\": {\"code\", \"message\", \"outcome_unknown\", \"retryable\", …}}.

Environment:
  PARALLEL_PLATFORM_URL     base URL of the platform (login)
  PARALLEL_SERVICE_API_URL  base URL of the Account API
  NO_COLOR, CLICOLOR_FORCE  never, or always, print colors

Secrets are printed only by token, key, env and keys create.";

/// Log in to Parallel and act on the account
#[derive(Debug, Parser)]
#[command(
    name = "parallel-account",
    bin_name = "parallel-account",
    version,
    after_help = EXIT_CODES,
    no_binary_name = true,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Accepted before and after the subcommand.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print JSON: results on standard output, errors on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Act for this organization instead of the selected one
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) org: Option<String>,
    /// Credentials file to use instead of the default one
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) store: Option<PathBuf>,
    /// Use the login of Parallel's own CLI (parallel-cli) instead of --store
    #[arg(long, global = true)]
    pub(crate) parallel_cli: bool,
    /// Application to act as: its credentials file, its app on Parallel
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "parallel-account"
    )]
    pub(crate) client_name: String,
    /// Give up after this many seconds
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds,
        allow_negative_numbers = true)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in: show a code, wait for its approval, store the login
    ///
    /// On a terminal, Enter opens the approval page in a browser, c copies the code, and Ctrl-C
    /// cancels. Elsewhere the link is printed as plain lines. With --json, each event is an object
    /// on a line of its own: auth_start, device_code, auth_waiting, auth_offline, then auth_success,
    /// auth_error or auth_pending.
    Login(Login),
    /// Revoke and forget the login, and delete the API key that it made
    Logout {
        /// All organizations, not only the one acted for
        #[arg(long)]
        all: bool,
    },
    /// Show who is logged in, without any network; exit with 3 if nobody is
    Status,
    /// Print an access token that is valid now (a secret)
    Token,
    /// List or select organizations
    #[command(subcommand)]
    Orgs(Orgs),
    /// Read or top up the prepaid balance
    #[command(subcommand)]
    Balance(Balance),
    /// List, create or delete apps
    #[command(subcommand)]
    Apps(Apps),
    /// Create or delete API keys of an app
    #[command(subcommand)]
    Keys(Keys),
    /// Print the API key for Parallel's data API and SDKs (a secret)
    ///
    /// The key is created when it is first needed and stored with the login.
    Key {
        /// Create a new key and delete the previous one
        #[arg(long)]
        renew: bool,
    },
    /// Print PARALLEL_API_KEY for a shell to evaluate (a secret)
    ///
    /// sh:         eval "$(parallel-account env)"
    /// fish:       parallel-account env --format fish | source
    /// PowerShell: parallel-account env --format powershell | Invoke-Expression
    #[command(verbatim_doc_comment)]
    Env {
        /// How to quote; --json selects json
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// Run a command with PARALLEL_API_KEY set
    ///
    /// The command replaces this process: its exit code and signals are its own. 126 and 127 mean
    /// that it could not be run, or was not found.
    Exec {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, value_hint = ValueHint::CommandWithArguments)]
        command: Vec<OsString>,
    },
    /// Send any other request to the Account API and print the response
    Request(Request),
    /// Print a completion script
    Completion {
        /// The shell to complete in
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Login {
    /// Never open a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Show the link as a QR code, also where there is no terminal or little room
    #[arg(long)]
    pub(crate) qr: bool,
    /// Scopes to ask for; repeat or separate by commas [default: all]
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scope: Vec<String>,
    /// Split the login in two runs: the first starts it, the second waits (holds a secret)
    ///
    /// If FILE does not exist or is empty, a login is started, recorded in FILE (mode 0600) and
    /// shown, and the command ends. If FILE holds a login, the command waits for its approval.
    /// FILE is removed when the login is approved, denied or expired; it is kept after a timeout
    /// or an interruption, so that a later run can continue.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pending: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Orgs {
    /// List the organizations in the store; * marks the selected one
    List,
    /// Select the organization that later commands act for
    Use {
        /// The organization's ID
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Balance {
    /// Print the balance
    Get,
    /// Charge the default payment method and add the amount to the balance
    ///
    /// The idempotency key is printed on standard error before anything is sent. Repeating a
    /// command with the same key within 24 hours charges once.
    Add {
        /// USD 0.01 to 100.00, as dollars (5.00), cents (500c), or plain cents (500)
        #[arg(allow_negative_numbers = true)]
        amount: String,
        /// Charge without asking; needed where standard input is no terminal
        #[arg(long, short)]
        yes: bool,
        /// 8 to 128 characters; retry with the same key to charge once
        #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
        idempotency_key: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Apps {
    /// List the organization's apps
    List,
    /// Create an app and print its ID
    Create {
        /// The app's name
        name: String,
    },
    /// Delete an app
    Delete {
        /// The app's ID, a UUID
        app_id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Create an API key and print it (a secret, shown only once)
    Create {
        /// The app's ID, a UUID
        app_id: String,
        /// The key's name
        name: String,
    },
    /// Delete an API key
    Delete {
        /// The app's ID, a UUID
        app_id: String,
        /// The key's ID, not the key itself
        key_id: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Request {
    /// GET, HEAD, POST, PUT, PATCH or DELETE
    pub(crate) method: String,
    /// Path below the Account API's base, such as /service/v1/balance
    pub(crate) path: String,
    /// JSON to send: the text itself, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// bash, zsh and other POSIX shells
    #[default]
    Sh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    /// A line for a .env file
    Dotenv,
    Json,
}

/// Checked before it is shown, and before anybody is asked.
fn idempotency_key(text: &str) -> Result<String, String> {
    match (8..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        true => Ok(text.into()),
        false => Err("expected 8 to 128 characters, none of them a control character".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= LONGEST_SECONDS => {
            Ok(Duration::from_secs_f64(seconds).max(Duration::from_millis(1)))
        }
        _ => Err("expected seconds, greater than 0 and at most 86400 (one day)".into()),
    }
}
