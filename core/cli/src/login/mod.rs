//! `login`: from the prompt to the stored login.

mod address;
mod events;
mod pending;
mod prompt;
mod screen;

use crate::{
    arguments,
    context::{Context, End},
    failure::{Failure, io_failure},
    output::named,
};
use address::link;
use parallel_account::{DeviceLogin, LoginEvent, LoginOptions, Secret, Status};
use pending::{PendingFile, Work};
use screen::Screen;
use std::{future::pending as forever, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Stops the login, unless it has ended, whatever ends its wait.
struct CancelOnDrop<'a>(&'a DeviceLogin);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

pub(crate) async fn run(context: &Context, options: &arguments::Login) -> Result<End, Failure> {
    let result = steps(context, options).await;
    if let (Err(failure), true) = (&result, context.output.json) {
        events::failed(context, failure)?;
    }
    result
}

async fn steps(context: &Context, options: &arguments::Login) -> Result<End, Failure> {
    let give_up = context
        .timeout
        .map(|timeout| (timeout, Instant::now() + timeout));
    let file = options
        .pending
        .as_deref()
        .map(PendingFile::open)
        .transpose()?;
    events::started(context)?;
    match file {
        None => {
            let login = start(context, options, give_up).await?;
            wait(context, options, &login, give_up).await
        }
        Some((file, Work::Start)) => match start(context, options, give_up).await {
            Ok(login) => leave_pending(context, options, &file, &login),
            Err(failure) => {
                file.remove();
                Err(failure)
            }
        },
        Some((file, Work::Resume(record))) => {
            resume(context, options, &file, &record, give_up).await
        }
    }
}

/// The second of two runs.
async fn resume(
    context: &Context,
    options: &arguments::Login,
    file: &PendingFile,
    record: &Secret,
    give_up: GiveUp,
) -> Result<End, Failure> {
    let login = match context.client.resume_login(record.expose()).await {
        Ok(login) => login,
        Err(error) => return Err(file.refusal(&error)),
    };
    let result = wait(context, options, &login, give_up).await;
    // After a timeout the code is still valid, and a later run can continue.
    if result.as_ref().err().is_none_or(is_final) {
        file.remove();
    }
    result
}

/// Whether no later run can bring the login to another end.
fn is_final(failure: &Failure) -> bool {
    !matches!(failure.code, "timeout" | "store" | "io" | "cancelled")
}

/// How long a login may take as a whole, and when that ends.
type GiveUp = Option<(Duration, Instant)>;

async fn start(
    context: &Context,
    options: &arguments::Login,
    give_up: GiveUp,
) -> Result<DeviceLogin, Failure> {
    let mut login = LoginOptions::default();
    if !options.scope.is_empty() {
        login = login.scopes(options.scope.iter().cloned());
    }
    tokio::select! {
        started = context.client.start_login(login) => Ok(started?),
        timeout = sleep_or_forever(give_up) => Err(Failure::timeout(format!(
            "Parallel gave no code within {} s. Check the network, or allow more time by --timeout.",
            timeout.as_secs_f64(),
        ))),
    }
}

/// The first of two runs ends here.
fn leave_pending(
    context: &Context,
    options: &arguments::Login,
    file: &PendingFile,
    login: &DeviceLogin,
) -> Result<End, Failure> {
    file.write(&login.pending_record())?;
    if context.output.json {
        let opened = open_browser(options, login);
        events::code(context, options, login, opened)?;
        events::pending(context, file.path())?;
    } else {
        prompt::lines(context, options, login, None);
        context
            .output
            .say("Run the same command again to wait for the approval.");
    }
    Ok(End::Done)
}

fn open_browser(options: &arguments::Login, login: &DeviceLogin) -> bool {
    !options.no_browser && parallel_account::prompt::open_browser(link(login))
}

async fn wait(
    context: &Context,
    options: &arguments::Login,
    login: &DeviceLogin,
    give_up: GiveUp,
) -> Result<End, Failure> {
    let _cancel = CancelOnDrop(login);
    let mut screen = None;
    if context.output.json {
        let opened = open_browser(options, login);
        events::code(context, options, login, opened)?;
        events::waiting(context)?;
        if context.output.is_closed() {
            // Nobody has seen the link.
            return Err(Failure::interrupted(crate::failure::INTERRUPTED));
        }
    } else if crate::terminal::is_interactive() {
        prompt::interactive(context, options, login);
        screen = Some(
            Screen::new(context, login, !options.no_browser)
                .map_err(|error| io_failure("Reading the terminal failed", &error))?,
        );
    } else {
        let opened = open_browser(options, login);
        prompt::lines(context, options, login, Some(opened));
    }
    let status = approved(context, login, screen.as_mut(), give_up).await;
    // The terminal is as it was before anything else is written.
    drop(screen);
    let status = status?;
    match context.output.json {
        true => events::succeeded(context, &status)?,
        false => context.output.text(&welcome(&status))?,
    }
    Ok(End::Done)
}

async fn approved(
    context: &Context,
    login: &DeviceLogin,
    mut screen: Option<&mut Screen<'_>>,
    give_up: GiveUp,
) -> Result<Status, Failure> {
    let mut offline = false;
    // One poll from its start to its event: what came of one that is dropped, nobody hears.
    let mut poll = Box::pin(login.poll());
    loop {
        let event = tokio::select! {
            event = &mut poll => event?,
            timeout = sleep_or_forever(give_up) => {
                return Err(Failure::timeout(format!(
                    "The login was not approved within {} s. Start a new login with a longer --timeout.",
                    timeout.as_secs_f64(),
                )));
            }
            () = redraw_or_forever(screen.as_deref_mut()) => continue,
        };
        poll.set(login.poll());
        match event {
            LoginEvent::Authorized(status) => return Ok(status),
            LoginEvent::Offline { error, retry_in } => {
                match screen.as_deref_mut() {
                    Some(screen) => screen.offline(true),
                    None if context.output.json => events::offline(context, &error, retry_in)?,
                    // Once, until it ends.
                    None if offline => {}
                    None => context.output.say(&format!(
                        "No usable answer from Parallel; still trying. {}",
                        error.message()
                    )),
                }
                offline = true;
            }
            _ => {
                offline = false;
                if let Some(screen) = screen.as_deref_mut() {
                    screen.offline(false);
                }
            }
        }
    }
}

/// What was too long.
async fn sleep_or_forever(give_up: GiveUp) -> Duration {
    match give_up {
        Some((timeout, at)) => {
            sleep_until(at).await;
            timeout
        }
        None => forever().await,
    }
}

async fn redraw_or_forever(screen: Option<&mut Screen<'_>>) {
    match screen {
        Some(screen) => screen.next().await,
        None => forever().await,
    }
}

fn welcome(status: &Status) -> String {
    match &status.organization {
        Some(organization) => format!(
            "Logged in to {}.",
            named(organization.name.as_deref(), &organization.id)
        ),
        None => "Logged in.".to_owned(),
    }
}
