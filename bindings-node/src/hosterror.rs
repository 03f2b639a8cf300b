//! What a method of a store in JavaScript failed with.

use std::fmt;

use crate::kept::Kept;

/// The error itself stays in JavaScript.
#[derive(Debug)]
pub(crate) struct HostError {
    pub(crate) thrown: Option<Kept>,
    pub(crate) message: String,
}

impl HostError {
    /// Under which number JavaScript keeps the error itself, for as long as this lives.
    pub(crate) fn kept(&self) -> Option<u32> {
        self.thrown.as_ref().map(|kept| kept.number)
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}
