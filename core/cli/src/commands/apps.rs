//! `apps` and `keys`.

use super::session::printable;
use crate::{
    arguments::{Apps, Keys},
    context::{Context, End},
    failure::{FAILED, Failure},
    output::shown,
    times::unix,
};
use parallel_account::{ApiKey, App};
use serde_json::{Value, json};

pub(super) async fn apps(context: &Context, command: &Apps) -> Result<End, Failure> {
    let (apps, output) = (context.client.apps(), &context.output);
    match command {
        Apps::List => {
            let all = apps.list().await?;
            if all.is_empty() {
                output.say("There are no apps.");
            }
            if output.json || !all.is_empty() {
                output.result(
                    || all.iter().map(line).collect::<Vec<_>>().join("\n"),
                    || json!({ "apps": all.iter().map(value).collect::<Vec<_>>() }),
                )?;
            }
        }
        Apps::Create { name } => {
            context.sending(
                "The app may have been created. Run \"parallel-account apps list\" to see.",
            );
            let app = apps.create(name).await?;
            output.result(|| shown(&app.app_id), || json!({ "app_id": app.app_id }))?;
        }
        Apps::Delete { app_id } => {
            apps.delete(app_id).await?;
            output.result(
                || format!("Deleted the app {}.", shown(app_id)),
                || json!({ "status": "deleted", "app_id": app_id }),
            )?;
        }
    }
    Ok(End::Done)
}

fn line(app: &App) -> String {
    format!("{}  {}", shown(&app.app_id), shown(&app.app_name))
}

fn value(app: &App) -> Value {
    json!({
        "app_id": app.app_id,
        "app_name": app.app_name,
        "org_id": app.org_id,
        "org_name": app.org_name,
    })
}

pub(super) async fn keys(context: &Context, command: &Keys) -> Result<End, Failure> {
    let (keys, output) = (context.client.keys(), &context.output);
    match command {
        Keys::Create { app_id, name } => {
            context.sending(&format!(
                "An unused key may remain in the app {app_id}. Delete it on Parallel's site.",
            ));
            let key = keys.create(app_id, name).await?;
            let raw = key.raw_api_key.as_ref();
            let raw = raw.and_then(|raw| printable(raw, "The API key").ok());
            let raw = raw.ok_or_else(|| without_value(&key))?;
            output.say(&format!("Key ID: {}", shown(&key.api_key_id)));
            let written = output.result(|| raw.into(), || created(&key, raw));
            // This was the only copy.
            if written.is_err() || output.is_closed() {
                return Err(unread(&key));
            }
        }
        Keys::Delete { app_id, key_id } => {
            keys.delete(app_id, key_id).await?;
            output.result(
                || format!("Deleted the key {}.", shown(key_id)),
                || json!({ "status": "deleted", "app_id": app_id, "api_key_id": key_id }),
            )?;
        }
    }
    Ok(End::Done)
}

fn without_value(key: &ApiKey) -> Failure {
    Failure::invalid_response(format!(
        "The key was created with the ID {}, but the response lacks a usable key, which is never sent again. Delete it and create another one.",
        key.api_key_id
    ))
    .with("api_key_id", key.api_key_id.as_str())
    .with("app_id", key.app_id.as_str())
}

fn unread(key: &ApiKey) -> Failure {
    let message = format!(
        "The key was created with the ID {}, and standard output took none of it. The key is never sent again: delete it and create another one.",
        key.api_key_id
    );
    Failure::new(FAILED, "io", message)
        .with("api_key_id", key.api_key_id.as_str())
        .with("app_id", key.app_id.as_str())
}

fn created(key: &ApiKey, raw: &str) -> Value {
    json!({
        "api_key_id": key.api_key_id,
        "api_key_name": key.api_key_name,
        "app_id": key.app_id,
        "app_name": key.app_name,
        "created_by_user_id": key.created_by_user_id,
        "created_by_user_email": key.created_by_user_email,
        "display_value": key.display_value,
        "raw_api_key": raw,
        "created_at": key.created_at.map(unix),
    })
}
