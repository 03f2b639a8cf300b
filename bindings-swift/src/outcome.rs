//! What a call comes to: every type that one can answer.

use std::sync::Arc;

use crate::{
    account::FfiAnswer,
    error::{Failure, Problem},
    login::{FfiLogin, FfiLoginEvent},
    model::{FfiApiKey, FfiApp, FfiBalance, FfiDeviceCode, FfiOrganization, FfiStatus, FfiTokens},
    oauth::FfiPollAnswer,
};

/// How a call ended.
#[derive(uniffi::Enum)]
pub enum FfiOutcome {
    /// The caller stopped it.
    Cancelled,
    /// It failed.
    Failed(Problem),
    /// It is done, and there is nothing to say.
    Done,
    /// See the type; so for what follows.
    Text(String),
    /// What a store has, if anything.
    Record(Option<String>),
    /// Whether a store's record was the expected one.
    Replaced(bool),
    /// A balance.
    Balance(FfiBalance),
    /// Apps.
    Apps(Vec<FfiApp>),
    /// A key.
    Key(FfiApiKey),
    /// Any answer of the Account API.
    Answer(FfiAnswer),
    /// A login that has begun.
    Login(Arc<FfiLogin>),
    /// What a poll of a login came to.
    Event(FfiLoginEvent),
    /// Who is logged in.
    Status(FfiStatus),
    /// Organizations.
    Organizations(Vec<FfiOrganization>),
    /// What a poll of the documented request came to.
    Poll(FfiPollAnswer),
    /// A pair.
    Tokens(FfiTokens),
    /// A device code.
    Code(FfiDeviceCode),
}

impl From<Failure> for FfiOutcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Cancelled => FfiOutcome::Cancelled,
            Failure::Failed { problem } => FfiOutcome::Failed(*problem),
        }
    }
}

impl From<()> for FfiOutcome {
    fn from((): ()) -> Self {
        FfiOutcome::Done
    }
}

/// Each type has its own case.
macro_rules! outcomes {
    ($($case:ident($value:ty);)*) => {
        $(impl From<$value> for FfiOutcome {
            fn from(value: $value) -> Self {
                FfiOutcome::$case(value)
            }
        })*
    };
}

outcomes! {
    Text(String);
    Record(Option<String>);
    Replaced(bool);
    Balance(FfiBalance);
    Apps(Vec<FfiApp>);
    Key(FfiApiKey);
    Answer(FfiAnswer);
    Login(Arc<FfiLogin>);
    Event(FfiLoginEvent);
    Status(FfiStatus);
    Organizations(Vec<FfiOrganization>);
    Poll(FfiPollAnswer);
    Tokens(FfiTokens);
    Code(FfiDeviceCode);
}
