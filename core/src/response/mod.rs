//! Reading what servers send: JSON that may be mislabeled, and errors in all their shapes.

mod errors;
mod json;

pub(crate) use errors::{annotate, api_error, oauth_error, refusal};
pub(crate) use json::{Seconds, json, object, seconds, shown, text};

/// Characters of what a server says, at most.
const LONGEST_MESSAGE: usize = 400;
