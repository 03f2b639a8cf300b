//! The Rust worker of the stress tests; see tests/stress/README.md for what workers do.

use parallel_account::{
    AccountClient, CredentialStore, Error, FileStore, LoginOptions, Result, StoreFuture,
};
use std::{collections::BTreeMap, env, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A store as users write them, without a lock: the cell that stress.py serves.
struct Cell {
    url: String,
    http: reqwest::Client,
}

impl Cell {
    fn new(url: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Cell {
            url: url.to_owned(),
            http: reqwest::Client::new(),
        }
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T> {
        let text = async { request.send().await?.text().await };
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::store(format!("The cell failed: {error}."), Some(error))
        };
        let text = text.await.map_err(|error| failed(error.into()))?;
        serde_json::from_str(&text).map_err(|error| failed(error.into()))
    }
}

impl CredentialStore for Cell {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(self.ask(self.http.get(&self.url)))
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        let body = serde_json::json!([old, new]).to_string();
        Box::pin(self.ask(self.http.post(&self.url).body(body)))
    }

    fn location(&self) -> String {
        "a cell".into()
    }
}

fn store(place: &str) -> Arc<dyn CredentialStore> {
    match place.starts_with("http:") {
        true => Arc::new(Cell::new(place)),
        false => Arc::new(FileStore::new(place)),
    }
}

/// What came of the calls of one run.
#[derive(Default)]
struct Tally {
    calls: u32,
    failures: BTreeMap<String, u32>,
}

impl Tally {
    fn add<T>(&mut self, called: &Result<T>) {
        self.calls += 1;
        if let Err(error) = called {
            *self.failures.entry(error.code().to_owned()).or_default() += 1;
        }
    }

    fn print(&self) {
        let failures = self.failures.iter();
        let failures: Vec<_> = failures
            .map(|(code, n)| format!("\"{code}\":{n}"))
            .collect();
        println!(
            "{{\"calls\":{},\"failures\":{{{}}}}}",
            self.calls,
            failures.join(",")
        );
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mode, path, number] = &arguments[..] else {
        panic!("usage: worker MODE FILE NUMBER")
    };
    let client = AccountClient::builder()
        .client_name("stress")
        .shared_store(store(path))
        .build()
        .expect("good options");
    let mut tally = Tally::default();
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
                tally.add(&client.balance().get().await);
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
                let called = task.await.expect("no panic");
                if let Err(error) = &called {
                    eprintln!("{error}");
                }
                tally.add(&called);
            }
        }
        other => panic!("no mode {other}"),
    }
    tally.print();
}
