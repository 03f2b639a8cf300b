//! `request`: any other call of the Account API.

use crate::{
    arguments::Request,
    context::{Context, End},
    failure::Failure,
    output::escaped,
};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{self, Read},
};
use tokio::task::spawn_blocking;

/// As much as the service could answer.
const LONGEST: u64 = 1 << 20;

pub(super) async fn run(context: &Context, request: &Request) -> Result<End, Failure> {
    let data = match &request.data {
        Some(data) => Some(read(data).await?),
        None => None,
    };
    let is_safe = |method: &&str| request.method.eq_ignore_ascii_case(method);
    if !["GET", "HEAD", "DELETE"].iter().any(is_safe) {
        context.sending("The request may have been carried out.");
    }
    let response = context
        .client
        .request(&request.method, &request.path, data)
        .await?;
    context.output.result(
        || escaped(&format!("{:#}", response.json)),
        || {
            json!({
                "status": response.status,
                "request_id": response.request_id,
                "json": response.json,
            })
        },
    )?;
    Ok(End::Done)
}

async fn read(data: &str) -> Result<Value, Failure> {
    let (text, source) = match data.strip_prefix('@') {
        Some(path) => {
            let path = path.to_owned();
            let source = format!("The file {path}");
            (in_thread(&source, move || File::open(path)).await?, source)
        }
        None if data == "-" => {
            let source = "Standard input".to_owned();
            (in_thread(&source, || Ok(io::stdin())).await?, source)
        }
        None => (data.to_owned(), "--data".to_owned()),
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::bad_input(format!(
            "{source} is not JSON ({error}). Give JSON, @FILE, or - for standard input to --data."
        ))
    })
}

/// A pipe may keep silent, and the command must stay interruptible.
async fn in_thread<R: Read>(
    source: &str,
    open: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> Result<String, Failure> {
    let read = spawn_blocking(move || {
        let mut text = String::new();
        open()?.take(LONGEST + 1).read_to_string(&mut text)?;
        Ok::<_, io::Error>(text)
    });
    let refuse = |why: String| Failure::bad_input(format!("{source} could not be read: {why}."));
    match read.await {
        Ok(Ok(text)) if text.len() as u64 <= LONGEST => Ok(text),
        Ok(Ok(_)) => Err(refuse("it is larger than 1 MiB".into())),
        Ok(Err(error)) => Err(refuse(error.to_string())),
        Err(error) => Err(refuse(error.to_string())),
    }
}
