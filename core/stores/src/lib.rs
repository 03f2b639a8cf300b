//! Keeps the logins of many users in the database that a service already has: one record per user,
//! shared by every process and machine.
//!
//! Each store takes the application's own connection and a key, which is the user's ID. Nothing is
//! compiled in by default; name what you use:
//!
//! ```toml
//! parallel-account-stores = { version = "0.1", features = ["redis"] }    # RedisStore
//! parallel-account-stores = { version = "0.1", features = ["postgres"] } # PostgresStore
//! parallel-account-stores = { version = "0.1", features = ["deadpool"] } # … over deadpool_postgres::Pool
//! ```
//!
#![cfg_attr(feature = "redis", doc = "```no_run")]
#![cfg_attr(not(feature = "redis"), doc = "```ignore")]
//! use parallel_account::AccountClient;
//! use parallel_account_stores::RedisStore;
//!
//! # async fn run(connection: redis::aio::MultiplexedConnection) -> parallel_account::Result<()> {
//! // `connection` is made once, when the service starts; a client is made per user or per request.
//! let client = AccountClient::builder()
//!     .client_id("the-id-that-this-service-registered-once")
//!     .store(RedisStore::new(connection.clone(), "user-4711"))
//!     .build()?;
//! println!("{} cents", client.balance().get().await?.credit_balance_cents);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! The stores of Python and Node use the same layout, so services in several languages can share
//! their users' logins.
//!
//! | | where the record of `user-4711` is | one statement per change |
//! |---|---|---|
//! | Redis | the string `parallel-account:user-4711` | a Lua script that compares and sets |
//! | Postgres | the row of `parallel_account_logins` whose `key` is `user-4711` | `UPDATE … WHERE key = $1 AND record = $2` |
//!
//! **Several tenants or applications** in one database: put the tenant into the key
//! (`tenant-1/user-4711`), or give each its own prefix (Redis) or table (Postgres). Keys appear in
//! error messages, so use an ID and never a secret such as a session cookie.
//!
//! **The record is a secret**: it holds the user's tokens. Restrict who can read it.
//!
//! # When the database fails
//!
//! A call of a client whose store cannot be reached fails with `store` and can be retried. Logins
//! survive restarts, failovers and lost replies of the database: a client that was not told whether
//! its write succeeded reads the record again before it sends a refresh token. The database must
//! keep what it has confirmed, though. Postgres does so by default. Redis does with
//! `appendonly yes` and `appendfsync always`; with the weaker settings, a crash can bring back a
//! record from before a refresh, and that user must log in again.

#[cfg(any(feature = "postgres", feature = "redis"))]
mod key;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "postgres")]
pub use postgres::{BoxError, Connections, PostgresStore, Rows};
#[cfg(feature = "redis")]
pub use redis::RedisStore;
