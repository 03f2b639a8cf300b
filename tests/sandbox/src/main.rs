//! The command: see `--help`.

use std::io::{self, Write};
use std::process::ExitCode;

use parallel_account_sandbox::{Invocation, Options, Sandbox};
use serde_json::json;

#[tokio::main]
async fn main() -> ExitCode {
    match Invocation::parse(std::env::args().skip(1)) {
        Ok(Invocation::Print(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Invocation::Run {
            options,
            until_stdin_closes,
        }) => match run(*options, until_stdin_closes).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => fail(&problem, 1),
        },
        Err(problem) => fail(&problem, 2),
    }
}

fn fail(problem: &str, code: u8) -> ExitCode {
    eprintln!("parallel-account-sandbox: {problem}");
    ExitCode::from(code)
}

async fn run(options: Options, until_stdin_closes: bool) -> Result<(), String> {
    let port = options.port;
    // Before the line is printed, so that whoever reads it may send a signal at once.
    let asked_to_stop = signals().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("port {port} is in use; choose another, or --port 0 for any free one")
            }
            _ => format!("cannot listen on 127.0.0.1:{port}: {error}"),
        })?;
    let line = json!({
        "platform_url": sandbox.platform_url(),
        "account_url": sandbox.account_url(),
        "data_url": sandbox.data_url(),
        "control_url": sandbox.control_url(),
        "pid": std::process::id(),
    });
    let mut stdout = io::stdout();
    // Whoever closed stdout does not want the line; serving continues.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    tokio::select! {
        () = asked_to_stop => {}
        () = stdin_closed(), if until_stdin_closes => {}
    }
    sandbox.stop().await;
    Ok(())
}

/// Whoever started this holds the other end, and the system closes that with its process, even
/// if the process is killed.
async fn stdin_closed() {
    let (closed, wait) = tokio::sync::oneshot::channel();
    // A thread of its own: tokio would wait at the end of the runtime for one of its own to be
    // done with reading.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = closed.send(());
    });
    let _ = wait.await;
}

#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
