//! The events of `login --json`: those of Parallel's own CLI, with further fields.

use super::address::link;
use crate::{arguments, context::Context, failure::Failure, times::unix};
use parallel_account::{DeviceLogin, Error, Status};
use serde_json::json;
use std::{path::Path, time::Duration};

pub(super) fn started(context: &Context) -> Result<(), Failure> {
    print(context, || json!({"event": "auth_start"}))
}

pub(super) fn code(
    context: &Context,
    options: &arguments::Login,
    login: &DeviceLogin,
    opened: bool,
) -> Result<(), Failure> {
    print(context, || {
        let mut event = json!({
            "event": "device_code",
            "verification_uri": login.verification_uri(),
            "verification_uri_complete": link(login),
            "user_code": login.user_code(),
            // Rounded up: a program that waits that long has waited long enough.
            "expires_in": login.remaining().as_secs_f64().ceil() as u64,
            "browser_open_attempted": !options.no_browser,
            "browser_opened": opened,
            "expires_at": unix(login.expires_at()),
            "interval": login.interval().as_secs_f64(),
        });
        if options.qr {
            event["qr"] = login.qr().map(|qr| qr.text.into()).unwrap_or_default();
        }
        event
    })
}

pub(super) fn waiting(context: &Context) -> Result<(), Failure> {
    print(context, || json!({"event": "auth_waiting"}))
}

/// The login is left to a later run.
pub(super) fn pending(context: &Context, file: &Path) -> Result<(), Failure> {
    print(
        context,
        || json!({"event": "auth_pending", "pending_file": file.display().to_string()}),
    )
}

/// No usable answer to a poll; the next follows.
pub(super) fn offline(context: &Context, error: &Error, retry_in: Duration) -> Result<(), Failure> {
    print(context, || {
        let error = Failure::from(error.clone()).json();
        json!({"event": "auth_offline", "error": error, "retry_in": retry_in.as_secs_f64()})
    })
}

pub(super) fn succeeded(context: &Context, status: &Status) -> Result<(), Failure> {
    print(context, || {
        let organization = status.organization.as_ref();
        json!({
            "event": "auth_success",
            "selected_org_id": organization.map(|organization| &organization.id),
            "selected_org_name": organization.and_then(|organization| organization.name.as_ref()),
            "scopes": status.scopes,
            "token_file": status.store,
        })
    })
}

/// `type` is the code, so that a program that reads the events of Parallel's CLI finds one.
pub(super) fn failed(context: &Context, failure: &Failure) -> Result<(), Failure> {
    print(context, || {
        let mut error = failure.json();
        error["type"] = failure.code.into();
        json!({"event": "auth_error", "error": error})
    })
}

fn print(context: &Context, event: impl FnOnce() -> serde_json::Value) -> Result<(), Failure> {
    match context.output.json {
        true => context.output.object(&event()),
        false => Ok(()),
    }
}
