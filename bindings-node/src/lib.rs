//! The Node binding: arguments in, values and errors out, cancellation and stores across. What
//! users import is the TypeScript in `ts/`; nothing here decides anything.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "`#[napi]` wants `pub`; what the objects mean is documented in ts/"
)]
#![cfg_attr(
    test,
    allow(dead_code, reason = "`#[napi]` registers nothing in a test build")
)]

mod batch;
mod bridge;
mod client;
mod command;
mod encrypted;
mod events;
mod failure;
mod happened;
mod hosterror;
mod kept;
mod login;
mod models;
mod oauth;
mod options;
mod questions;
mod runtime;
mod shared;
mod store;
