//! Whose login it is.

use parallel_account::{Error, Result};

/// An empty key would be one login for all users that have no ID yet; and Postgres has no NUL.
///
/// # Errors
/// `config`.
pub(crate) fn check(key: &str) -> Result<()> {
    let problem = match key {
        "" => "is empty",
        key if key.contains('\0') => "contains a NUL character",
        _ => return Ok(()),
    };
    Err(Error::config(format!(
        "The key of a login {problem}. Give each user a key, such as their ID."
    )))
}
