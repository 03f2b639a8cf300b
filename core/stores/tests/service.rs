//! The example, run: two users that never see each other.

mod support;

use parallel_account_sandbox::{Options, Sandbox};
use std::process::Stdio;
use support::{Database, Kind};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

async fn serves_two_users(kind: Kind) {
    let options = Options {
        approve_after: Some(0.0),
        interval: 1.0,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.expect("a port");
    let (_database, engine) = Database::own(kind).await;
    // Cargo builds examples with the tests, beside their folder.
    let program = std::env::current_exe().expect("a path");
    let folder = program.ancestors().nth(2).expect("a target folder");
    let mut service = Command::new(folder.join("examples/service"))
        .arg(&engine.url)
        .env("PARALLEL_PLATFORM_URL", sandbox.platform_url())
        .env("PARALLEL_SERVICE_API_URL", sandbox.account_url())
        .env("CI", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example is built");
    let mut requests = service.stdin.take().expect("a pipe");
    let asked = "balance alice\nbalance bob\nbalance carol\nlogout alice\nbalance alice\nbalance bob\nquit\n";
    requests
        .write_all(asked.as_bytes())
        .await
        .expect("it listens");
    let mut answers = BufReader::new(service.stdout.take().expect("a pipe")).lines();
    let mut said = Vec::new();
    while let Some(line) = answers.next_line().await.expect("text") {
        said.push(line);
    }
    assert!(
        service.wait().await.expect("it ends").success(),
        "{said:#?}"
    );
    assert!(said[0].starts_with("alice: approve ") && said[2].starts_with("bob: approve "));
    assert_eq!(said[1], "alice: logged in for org_sandbox");
    assert_eq!(said[4], "5000 cents");
    assert_eq!(said[5], "5000 cents");
    assert!(
        said[6].starts_with("login_required: "),
        "carol never logged in: {}",
        said[6]
    );
    assert_eq!(said[7], "logged out");
    assert!(said[8].starts_with("login_required: "), "{}", said[8]);
    assert_eq!(said[9], "5000 cents", "bob is still logged in");
    assert_eq!(said[10..], ["stopped"]);
}

#[tokio::test]
async fn serves_two_users_from_redis() {
    serves_two_users(Kind::Redis).await;
}

#[tokio::test]
async fn serves_two_users_from_postgres() {
    serves_two_users(Kind::Postgres).await;
}
