//! The Rust worker of the stress tests; see tests/stress/README.md for what workers do.

use parallel_account::{AccountClient, FileStore, LoginOptions};
use std::{collections::BTreeMap, env, time::Duration};
use tokio::time::Instant;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mode, path, number] = &arguments[..] else {
        panic!("usage: worker MODE FILE NUMBER")
    };
    let client = AccountClient::builder()
        .client_name("stress")
        .store(FileStore::new(path))
        .build()
        .expect("good options");
    let mut calls = 0;
    let mut failures = BTreeMap::<String, u32>::new();
    match mode.as_str() {
        "login" => drop(
            client
                .login(LoginOptions::default())
                .await
                .expect("approved by itself"),
        ),
        "loop" => {
            let seconds: f64 = number.parse().expect("seconds");
            let end = Instant::now() + Duration::from_secs_f64(seconds);
            println!("ready");
            while Instant::now() < end {
                calls += 1;
                if let Err(error) = client.balance().get().await {
                    *failures.entry(error.code().to_owned()).or_default() += 1;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        "herd" => {
            let tasks: Vec<_> = (0..number.parse().expect("a number"))
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { client.balance().get().await })
                })
                .collect();
            for task in tasks {
                calls += 1;
                if let Err(error) = task.await.expect("no panic") {
                    eprintln!("{error}");
                    *failures.entry(error.code().to_owned()).or_default() += 1;
                }
            }
        }
        other => panic!("no mode {other}"),
    }
    let failures: Vec<_> = failures
        .iter()
        .map(|(code, n)| format!("\"{code}\":{n}"))
        .collect();
    println!(
        "{{\"calls\":{calls},\"failures\":{{{}}}}}",
        failures.join(",")
    );
}
