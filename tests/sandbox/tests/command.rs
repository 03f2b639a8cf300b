//! The command: its line, its errors, its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallel-account-sandbox"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn finished(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(arguments).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn it_says_one_line_and_stops_on_a_signal() {
    let mut running = command(&["--port=0", "--grace", "1.5"]).spawn().unwrap();
    let mut stdout = BufReader::new(running.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(said["pid"], running.id());
    let account = said["account_url"].as_str().unwrap();
    let (origin, _) = account.split_once("/account").unwrap();
    assert_eq!(said["platform_url"], origin);
    assert_eq!(said["data_url"], origin);

    let port = origin.rsplit(':').next().unwrap();
    let (code, problem) = finished(&["--port", port]);
    assert_eq!(code, Some(1));
    assert!(
        problem.contains(&format!("port {port} is in use")),
        "{problem}"
    );

    if cfg!(windows) {
        // Windows has no signals that one program sends another.
        running.kill().unwrap();
        running.wait().unwrap();
        return;
    }
    let pid = running.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(running.wait().unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn it_ends_with_the_program_that_started_it() {
    let mut running = command(&["--until-stdin-closes"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(running.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(running.try_wait().unwrap().is_none());
    // Which the system does when a process ends.
    drop(running.stdin.take());
    assert!(running.wait().unwrap().success());
}

#[test]
fn bad_arguments_are_explained() {
    for (arguments, words) in [
        (["--interval", "soon"], "--interval must be a number"),
        (
            ["--port", "70000"],
            "--port must be a number from 0 to 65535",
        ),
        (["--color", "red"], "--color is no option"),
        (
            ["--until-stdin-closes=yes", "--version"],
            "--until-stdin-closes takes no value",
        ),
    ] {
        let (code, problem) = finished(&arguments);
        assert_eq!(code, Some(2));
        assert!(problem.contains(words), "{problem}");
    }
}
