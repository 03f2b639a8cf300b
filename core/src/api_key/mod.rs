//! The key for Parallel's data API and its official SDKs: one for each organization, made when it
//! is first asked for, whoever asks.

mod deleting;
mod kept;
mod making;
mod right;

pub(crate) use kept::Kept;
