//! `logout`, `status`, `token` and `orgs`: the stored login.

use crate::{
    arguments::Orgs,
    context::{Context, End},
    failure::{Failure, REFUSED},
    output::{named, shown},
    times::{readable, unix},
};
use parallel_account::{Organization, Secret, Status};
use serde_json::{Value, json};

pub(super) async fn logout(context: &Context, all: bool) -> Result<End, Failure> {
    let client = &context.client;
    let known = match all {
        true => client.organizations().await?.iter().any(|it| it.logged_in),
        false => client.status().await?.organization.is_some(),
    };
    match all {
        true => client.logout_all().await?,
        false => client.logout().await?,
    }
    let (text, status) = match known {
        true => ("Logged out.", "logged_out"),
        false => ("Nobody was logged in.", "no_credentials"),
    };
    context
        .output
        .result(|| text.into(), || json!({ "status": status }))?;
    Ok(End::Done)
}

pub(super) async fn status(context: &Context) -> Result<End, Failure> {
    let status = context.client.status().await?;
    context
        .output
        .result(|| status_text(&status), || status_json(&status))?;
    Ok(match status.logged_in {
        true => End::Done,
        false => End::Exit(REFUSED),
    })
}

fn status_text(status: &Status) -> String {
    if !status.logged_in {
        let problem = status.problem.as_deref().map(shown).unwrap_or_default();
        return match problem.is_empty() {
            true => "Not logged in. Run \"parallel-account login\".".into(),
            false => format!("Not logged in: {problem} Run \"parallel-account login\"."),
        };
    }
    let mut lines = vec![match &status.organization {
        Some(organization) => {
            let name = named(organization.name.as_deref(), &organization.id);
            format!("Logged in to {name}.")
        }
        None => "Logged in.".into(),
    }];
    if !status.scopes.is_empty() {
        lines.push(format!("Scopes: {}", shown(&status.scopes.join(" "))));
    }
    if let Some(at) = status.authorization_expires_at {
        lines.push(format!("Valid until: {}", readable(at)));
    }
    lines.push(format!("Stored in: {}", status.store));
    lines.join("\n")
}

/// Where Parallel's CLI has a field of the same meaning, it has the same name.
fn status_json(status: &Status) -> Value {
    let organization = status.organization.as_ref();
    json!({
        "authenticated": status.logged_in,
        "method": status.logged_in.then_some("oauth"),
        "token_file": status.store,
        "selected_org_id": organization.map(|organization| &organization.id),
        "selected_org_name": organization.and_then(|organization| organization.name.as_ref()),
        "scopes": status.scopes,
        "client_id": status.client_id,
        "access_token_expires_at": status.access_token_expires_at.map(unix),
        "refresh_token_expires_at": status.refresh_token_expires_at.map(unix),
        "authorization_expires_at": status.authorization_expires_at.map(unix),
        "problem": status.problem,
    })
}

pub(super) async fn token(context: &Context) -> Result<End, Failure> {
    let token = context.client.access_token().await?;
    let text = printable(&token, "The access token")?;
    let expires_at = match context.output.json {
        true => context.client.status().await?.access_token_expires_at,
        false => None,
    };
    context.output.result(
        || text.into(),
        || {
            json!({
                "access_token": text,
                "token_type": "Bearer",
                "expires_at": expires_at.map(unix),
            })
        },
    )?;
    Ok(End::Done)
}

/// A secret is printed exactly or not at all.
pub(super) fn printable<'a>(secret: &'a Secret, what: &str) -> Result<&'a str, Failure> {
    let text = secret.expose();
    match text.chars().any(char::is_control) {
        false => Ok(text),
        true => Err(Failure::invalid_response(format!(
            "{what} holds control characters and is not printed. Check the base URL and any proxy."
        ))),
    }
}

pub(super) async fn organizations(context: &Context, command: &Orgs) -> Result<End, Failure> {
    match command {
        Orgs::List => {
            let all = context.client.organizations().await?;
            if all.is_empty() {
                context
                    .output
                    .say("There are no organizations in the store.");
            }
            let text = || all.iter().map(line).collect::<Vec<_>>().join("\n");
            let value = || {
                let all: Vec<Value> = all.iter().map(value).collect();
                json!({ "organizations": all })
            };
            if context.output.json || !all.is_empty() {
                context.output.result(text, value)?;
            }
        }
        Orgs::Use { id } => {
            context.client.select_organization(id).await?;
            let all = context.client.organizations().await?;
            let selected = all.iter().find(|organization| organization.id == *id);
            context.output.result(
                || {
                    let name = selected.and_then(|organization| organization.name.as_deref());
                    format!("Now acting for {}.", named(name, id))
                },
                || selected.map_or(Value::Null, value),
            )?;
        }
    }
    Ok(End::Done)
}

fn line(organization: &Organization) -> String {
    let mark = if organization.selected { '*' } else { ' ' };
    let name = named(organization.name.as_deref(), &organization.id);
    match organization.logged_in {
        true => format!("{mark} {name}"),
        false => format!("{mark} {name}, not logged in"),
    }
}

fn value(organization: &Organization) -> Value {
    json!({
        "org_id": organization.id,
        "org_name": organization.name,
        "selected": organization.selected,
        "logged_in": organization.logged_in,
    })
}
