//! `tests/errors.json` is the list of error codes, for every language.

use parallel_account::{AccountClient, ErrorKind, MemoryStore};
use serde_json::Value;

#[path = "support/scenario_files.rs"]
mod files;

#[test]
fn the_table_and_the_code_name_the_same_errors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/errors.json");
    let table: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the table")).expect("JSON");
    let listed: Vec<_> = table
        .iter()
        .map(|row| row["code"].as_str().expect("a code"))
        .collect();
    let known: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(listed, known);
    let scenarios = files::scenarios();
    for row in &table {
        // `internal` means a bug, which no scenario can bring about.
        let Some(scenario) = row["scenario"].as_str() else {
            assert_eq!(row["code"], "internal");
            continue;
        };
        let path = scenarios
            .get(scenario)
            .expect("the scenario that reaches it");
        let text = std::fs::read_to_string(path).expect("readable");
        assert!(
            text.contains(row["code"].as_str().expect("a code")),
            "{scenario}"
        );
    }
}

#[test]
fn a_call_outside_a_runtime_is_told_so_and_not_a_panic() {
    let client = AccountClient::builder()
        .platform_url("http://127.0.0.1:1")
        .store(MemoryStore::new(Some(
            r#"{"version":1,"orgs":{"o":{"control_api":{"access_token":"a"}}}}"#.into(),
        )))
        .build()
        .expect("good options");
    // Polled by hand: there is no runtime to connect on.
    let balance = client.balance();
    let mut call = Box::pin(balance.get());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::future::Future::poll(call.as_mut(), &mut context) {
        std::task::Poll::Ready(Err(error)) => {
            assert_eq!(error.code(), "config");
            assert!(error.message().contains("Tokio runtime"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}
