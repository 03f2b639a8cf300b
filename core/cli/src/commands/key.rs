//! `key` and `env`: the key for the data API.

use super::session::printable;
use crate::{
    arguments::Format,
    context::{Context, End},
    failure::Failure,
    quoting::assignment,
};
use serde_json::json;

/// Where Parallel's SDKs look for it.
pub(super) const VARIABLE: &str = "PARALLEL_API_KEY";

pub(super) async fn key(context: &Context, renew: bool) -> Result<End, Failure> {
    let key = match renew {
        true => context.client.renew_api_key(None).await?,
        false => context.client.api_key().await?,
    };
    let text = printable(&key, "The API key")?;
    context
        .output
        .result(|| text.into(), || json!({ "api_key": text }))?;
    Ok(End::Done)
}

pub(super) async fn env(context: &Context, format: Option<Format>) -> Result<End, Failure> {
    let format = match (format, context.output.json) {
        (None | Some(Format::Json), true) => Format::Json,
        (None, false) => Format::default(),
        (Some(format), false) => format,
        (Some(_), true) => {
            return Err(Failure::bad_input(
                "--json and --format exclude each other, except for --format json. Leave one out.",
            ));
        }
    };
    let key = context.client.api_key().await?;
    let text = printable(&key, "The API key")?;
    context.output.text(&assignment(format, VARIABLE, text))?;
    Ok(End::Done)
}
