//! One string per user, changed by a script.

use crate::key;
use ::redis::{
    Cmd, ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind, aio::ConnectionLike,
};
use parallel_account::{CredentialStore, Error, Result, StoreFuture};
use std::{fmt, sync::LazyLock, time::Duration};

/// Arguments: whether there was a record, and which; whether there is to be one, and which; how
/// many milliseconds it lives (empty: until it is deleted). `GET` answers `false` for no record.
static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(REPLACE_CODE));
const REPLACE_CODE: &str = "\
local old = ARGV[1] == '1' and ARGV[2]
if redis.call('GET', KEYS[1]) ~= old then return 0 end
if ARGV[3] == '0' then redis.call('DEL', KEYS[1])
elseif ARGV[5] == '' then redis.call('SET', KEYS[1], ARGV[4])
else redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5]) end
return 1";

/// Keeps a user's record as a string in Redis or Valkey, over a connection of redis-rs that can be
/// cloned: `ConnectionManager` (which reconnects), `MultiplexedConnection` or `ClusterConnection`.
///
/// The connection's own limits apply. A `ConnectionManager` gives up an answer after 500 ms and,
/// while Redis is away, pauses between attempts to connect for up to 6 s, in which calls
/// wait: `ConnectionManagerConfig::set_response_timeout` and `set_max_delay` change that.
pub struct RedisStore<C> {
    connection: C,
    prefix: String,
    key: String,
    ttl: Option<Duration>,
    cache_for: Duration,
    time_limit: Duration,
}

impl<C> RedisStore<C> {
    /// The record of the user that `key` names.
    pub fn new(connection: C, key: impl Into<String>) -> Self {
        RedisStore {
            connection,
            prefix: "parallel-account:".into(),
            key: key.into(),
            ttl: None,
            cache_for: Duration::ZERO,
            time_limit: Duration::from_secs(30),
        }
    }

    /// What comes before the key. Default `parallel-account:`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Expires the record this long after it was last changed; each refresh counts. The user of an
    /// expired record must log in again, so the default is never. Milliseconds are the unit;
    /// shorter times count as one.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long a client may use a record before it reads it again. Default: not at all, which
    /// costs one `GET` per call; what another process changes is then seen at once.
    #[must_use]
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.cache_for = time;
        self
    }

    /// How long one call may take before it fails, if the connection has no shorter limit.
    /// Default 30 s.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    fn name(&self) -> String {
        format!("{}{}", self.prefix, self.key)
    }

    fn failed(&self, doing: &str, error: RedisError) -> Error {
        let what_to_do = if error.is_io_error() || error.is_connection_dropped() {
            "Check that Redis can be reached, then retry."
        } else {
            "Check the key's type and the rights of this Redis user."
        };
        let why = error.to_string();
        let message = format!(
            "{doing} the login failed ({}): {}. {what_to_do}",
            self.place(),
            why.trim_end_matches('.')
        );
        Error::store(message, Some(Box::new(error)))
    }

    fn place(&self) -> String {
        format!("Redis, key {:?}", self.name())
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisStore<C> {
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> ::redis::RedisResult<T> {
        command.query_async(&mut self.connection.clone()).await
    }

    /// A connection that the server closed while it was idle is noticed by the next command; a
    /// reading command can simply be sent again.
    async fn read(&self) -> ::redis::RedisResult<Option<Vec<u8>>> {
        let get = ::redis::cmd("GET").arg(self.name()).take();
        match self.ask(&get).await {
            Err(error) if error.is_connection_dropped() => self.ask(&get).await,
            answer => answer,
        }
    }

    async fn swap(&self, old: Option<String>, new: Option<String>) -> ::redis::RedisResult<bool> {
        let call = |command: &str, script: &str| {
            let mut call = ::redis::cmd(command);
            call.arg(script).arg(1).arg(self.name());
            for text in [&old, &new] {
                call.arg(i32::from(text.is_some()));
                call.arg(text.as_deref().unwrap_or_default());
            }
            call.arg(
                self.ttl
                    .map_or_else(String::new, |ttl| ttl.as_millis().max(1).to_string()),
            );
            call
        };
        match self.ask(&call("EVALSHA", REPLACE.get_hash())).await {
            // Redis forgets its scripts when it restarts.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.ask(&call("EVAL", REPLACE_CODE)).await
            }
            answer => answer,
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> CredentialStore for RedisStore<C> {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async {
            let record = self.read().await;
            let record = record.map_err(|error| self.failed("Reading", error))?;
            // What it holds is no text for messages.
            record.map(String::from_utf8).transpose().map_err(|_| {
                let message = format!(
                    "The login is not UTF-8 text ({}). Check what else writes to this key.",
                    self.place()
                );
                Error::store(message, None)
            })
        })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async {
            let swapped = self.swap(old, new).await;
            swapped.map_err(|error| self.failed("Writing", error))
        })
    }

    fn location(&self) -> String {
        self.place()
    }

    fn time_limit(&self) -> Duration {
        self.time_limit
    }

    fn cache_for(&self) -> Duration {
        self.cache_for
    }

    fn check(&self) -> Result<()> {
        key::check(&self.key)
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("key", &self.name())
            .finish_non_exhaustive()
    }
}
