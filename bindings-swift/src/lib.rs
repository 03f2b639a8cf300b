//! The Swift binding: arguments in, values and errors out, cancellation and stores across.
//!
//! What Swift programs use is the handwritten module `ParallelAccount` over what UniFFI generates
//! from here. Every function takes plain values, because a value that UniFFI cannot lower ends the
//! process: durations are seconds, and JSON is text. Nothing here decides anything: the core does.

pub mod account;
pub mod call;
pub mod client;
pub mod encrypted;
pub mod error;
pub mod login;
pub mod model;
pub mod oauth;
pub mod outcome;
pub mod runtime;
pub mod seeing;
pub mod store;

uniffi::setup_scaffolding!();
