//! Act on a user's Parallel account from your own program: log them in by the device flow
//! (RFC 8628), then read and top up the balance, manage apps and API keys.
//!
//! ```no_run
//! use parallel_account::{AccountClient, LoginOptions};
//!
//! # async fn run() -> parallel_account::Result<()> {
//! let client = AccountClient::builder().client_name("my-app").build()?;
//! if !client.status().await?.logged_in {
//!     client.login(LoginOptions::default()).await?;
//! }
//! println!("{} cents", client.balance().get().await?.credit_balance_cents);
//! # Ok(())
//! # }
//! ```
//!
//! Every future must be awaited within a Tokio runtime. Dropping one cancels the call, except for
//! work that must not be lost half-way: a refresh, and a poll that may bring tokens, run to their
//! end on the background.

mod account;
mod answer;
mod api_key;
mod client;
mod clock;
mod config;
mod engine;
mod environment;
mod error;
mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[allow(missing_docs, unreachable_pub)]
pub mod fuzzing;
mod login;
mod oauth;
mod per_process;
pub mod prompt;
mod qr;
mod secret;
mod session;
mod shared;
mod status;
mod store;
mod text;
mod transport;
mod warnings;

pub use account::{ApiKey, ApiResponse, App, Balance, ResponseInfo, ResponseSlot};
pub use client::{AccountClient, AccountClientBuilder, Apps, BalanceApi, Keys, OAuth};
#[doc(hidden)]
pub use config::RuntimeProvider;
pub use config::{ALL_SCOPES, CallOptions};
pub use error::{Error, ErrorKind, FieldError, Result};
pub use events::{Event, EventListener, RequestInfo};
pub use login::{DeviceLogin, LoginEvent, LoginOptions};
pub use oauth::{DeviceCode, PollAnswer, Registration, Tokens};
pub use qr::Qr;
pub use secret::Secret;
#[doc(hidden)]
pub use session::Detached;
pub use status::{Organization, Status};
#[doc(hidden)]
pub use store::{Answer as StoreAnswer, Step as StoreStep, SteppedCall};
pub use store::{
    CredentialStore, EncryptedStore, FileStore, MemoryStore, Revision, StoreFuture, StoreLock,
};
#[doc(hidden)]
pub use warnings::on_warning;
