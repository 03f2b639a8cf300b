//! One row per user, changed by one statement.

use crate::key;
use parallel_account::{CredentialStore, Error, Result, StoreFuture};
use std::{error, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio_postgres::{
    Client, Row,
    error::{DbError, SqlState},
    types::{ToSql, Type},
};

/// A pool may hold several connections that the server has closed.
const READ_AGAIN: u32 = 3;

/// Why a pool gave no connection, or a statement failed.
pub type BoxError = Box<dyn error::Error + Send + Sync>;

/// The rows of a statement, once it has run.
pub type Rows<'a> =
    Pin<Box<dyn Future<Output = std::result::Result<Vec<Row>, BoxError>> + Send + 'a>>;

/// Where [`PostgresStore`] gets its connections: a `deadpool_postgres::Pool` (feature `deadpool`),
/// an `Arc<tokio_postgres::Client>`, or a type of yours around another pool. Clones share what they
/// are made of.
///
/// ```
/// use parallel_account_stores::{Connections, Rows};
/// use tokio_postgres::types::{ToSql, Type};
///
/// #[derive(Clone)]
/// struct OneByOne(std::sync::Arc<tokio::sync::Mutex<tokio_postgres::Client>>);
///
/// impl Connections for OneByOne {
///     fn query<'a>(&'a self, statement: &'a str, parameters: &'a [(&'a (dyn ToSql + Sync), Type)]) -> Rows<'a> {
///         Box::pin(async move { Ok(self.0.lock().await.query_typed(statement, parameters).await?) })
///     }
/// }
/// ```
pub trait Connections: Send + Sync + 'static {
    /// Runs a statement by `query_typed` on any connection that is not in a transaction. (Typed, as
    /// that is one round trip and leaves no prepared statement behind: PgBouncer may sit between.)
    fn query<'a>(
        &'a self,
        statement: &'a str,
        parameters: &'a [(&'a (dyn ToSql + Sync), Type)],
    ) -> Rows<'a>;
}

impl Connections for Arc<Client> {
    fn query<'a>(
        &'a self,
        statement: &'a str,
        parameters: &'a [(&'a (dyn ToSql + Sync), Type)],
    ) -> Rows<'a> {
        Box::pin(async move { Ok(self.query_typed(statement, parameters).await?) })
    }
}

#[cfg(feature = "deadpool")]
impl Connections for deadpool_postgres::Pool {
    fn query<'a>(
        &'a self,
        statement: &'a str,
        parameters: &'a [(&'a (dyn ToSql + Sync), Type)],
    ) -> Rows<'a> {
        Box::pin(async move {
            let connection = self.get().await?;
            let rows = connection.query_typed(statement, parameters).await;
            let rows = rows.map_err(BoxError::from);
            if rows.as_ref().is_err_and(is_closed) {
                // The pool would give it out until it has noticed, too.
                drop(deadpool_postgres::Object::take(connection));
            }
            rows
        })
    }
}

/// Keeps a user's record as a row in Postgres.
pub struct PostgresStore {
    connections: Arc<dyn Connections>,
    table: String,
    key: String,
    cache_for: Duration,
    time_limit: Duration,
}

impl PostgresStore {
    /// The table that the stores of all languages use, for a migration of yours.
    pub const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS parallel_account_logins (
    key text PRIMARY KEY,
    record text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
)";

    /// The record of the user that `key` names.
    pub fn new(connections: impl Connections, key: impl Into<String>) -> Self {
        PostgresStore {
            connections: Arc::new(connections),
            table: quoted("parallel_account_logins"),
            key: key.into(),
            cache_for: Duration::ZERO,
            time_limit: Duration::from_secs(30),
        }
    }

    /// Another table with the columns of [`PostgresStore::SCHEMA`]: `name` or `schema.name`, in the
    /// case that Postgres keeps it in.
    #[must_use]
    pub fn table(mut self, name: &str) -> Self {
        self.table = quoted(name);
        self
    }

    /// How long a client may use a record before it reads it again. Default: not at all, which
    /// costs one `SELECT` per call; what another process changes is then seen at once.
    #[must_use]
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.cache_for = time;
        self
    }

    /// How long one call may take before it fails, waiting for a connection included. Default 30 s.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    async fn query(
        &self,
        statement: &str,
        texts: &[&str],
    ) -> std::result::Result<Vec<Row>, BoxError> {
        let parameters: Vec<_> = texts
            .iter()
            .map(|text| (text as &(dyn ToSql + Sync), Type::TEXT))
            .collect();
        self.connections.query(statement, &parameters).await
    }

    /// A connection that the server closed while it was idle may be noticed only now; a statement
    /// that reads can simply run again.
    async fn read(&self) -> std::result::Result<Option<String>, BoxError> {
        let select = format!("SELECT record FROM {} WHERE key = $1", self.table);
        let mut rows = self.query(&select, &[self.key.as_str()]).await;
        for _ in 0..READ_AGAIN {
            if rows.as_ref().is_err_and(is_closed) {
                rows = self.query(&select, &[self.key.as_str()]).await;
            }
        }
        let rows = rows?;
        Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
    }

    async fn swap(
        &self,
        old: Option<String>,
        new: Option<String>,
    ) -> std::result::Result<bool, BoxError> {
        let (table, key) = (&self.table, self.key.as_str());
        let rows = match (&old, &new) {
            (None, None) => return Ok(self.read().await?.is_none()),
            (None, Some(new)) => {
                let insert = format!(
                    "INSERT INTO {table} (key, record) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING RETURNING 1"
                );
                self.query(&insert, &[key, new]).await
            }
            (Some(old), Some(new)) => {
                let update = format!(
                    "UPDATE {table} SET record = $3, updated_at = now() WHERE key = $1 AND record = $2 RETURNING 1"
                );
                self.query(&update, &[key, old, new]).await
            }
            (Some(old), None) => {
                let delete =
                    format!("DELETE FROM {table} WHERE key = $1 AND record = $2 RETURNING 1");
                self.query(&delete, &[key, old]).await
            }
        };
        match rows {
            Ok(rows) => Ok(!rows.is_empty()),
            // What "somebody was faster" is called above READ COMMITTED.
            Err(error) if state(&error) == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn failed(&self, doing: &str, error: &BoxError) -> Error {
        let what_to_do = match state(error) {
            Some(&SqlState::UNDEFINED_TABLE) => "Create the table of PostgresStore::SCHEMA.",
            Some(&SqlState::UNDEFINED_COLUMN) => "Compare the table with PostgresStore::SCHEMA.",
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                "Grant SELECT, INSERT, UPDATE and DELETE on the table."
            }
            Some(state) if !is_shutdown(state) => "Look at the log of Postgres.",
            _ => "Check that Postgres can be reached, then retry.",
        };
        let message = format!(
            "{doing} the login failed ({}): {}. {what_to_do}",
            self.location(),
            without_rows(error)
        );
        Error::store(message, None)
    }
}

impl CredentialStore for PostgresStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async {
            let record = self.read().await;
            record.map_err(|error| self.failed("Reading", &error))
        })
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async {
            let swapped = self.swap(old, new).await;
            swapped.map_err(|error| self.failed("Writing", &error))
        })
    }

    fn location(&self) -> String {
        format!("Postgres, table {}, key {:?}", self.table, self.key)
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

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("table", &self.table)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    let parts = name
        .split('.')
        .map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
    parts.collect::<Vec<_>>().join(".")
}

/// The error and its causes: pools wrap what Postgres said.
fn causes(error: &BoxError) -> impl Iterator<Item = &(dyn error::Error + 'static)> {
    let first: &(dyn error::Error + 'static) = &**error;
    std::iter::successors(Some(first), |error| error.source())
}

fn state(error: &BoxError) -> Option<&SqlState> {
    let said = causes(error).find_map(|cause| cause.downcast_ref::<DbError>());
    said.map(DbError::code)
}

fn is_closed(error: &BoxError) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<tokio_postgres::Error>())
        .any(tokio_postgres::Error::is_closed)
        || state(error).is_some_and(is_shutdown)
}

/// Said before the connection closes.
fn is_shutdown(state: &SqlState) -> bool {
    [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(state)
}

/// What went wrong. What Postgres says in detail is left out, as it can quote the whole row, and so
/// a user's tokens; and what a pool says around it, as that can quote the detail.
fn without_rows(error: &BoxError) -> String {
    if let Some(said) = causes(error).find_map(|cause| cause.downcast_ref::<DbError>()) {
        return format!("{} (SQLSTATE {})", said.message(), said.code().code());
    }
    let mut told = error.to_string();
    for cause in causes(error).skip(1).map(ToString::to_string) {
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}
