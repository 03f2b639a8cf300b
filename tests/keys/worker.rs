//! The Rust worker of the keys suite; see tests/keys/README.md for what workers do.

use parallel_account::{
    AccountClient, CredentialStore, Error, FileStore, LoginOptions, Result, Secret,
};
use parallel_account_stores::RedisStore;
use serde_json::{Value, json};
use std::{env, io::Write, sync::Arc, time::Duration};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

fn store(place: &str) -> Arc<dyn CredentialStore> {
    if !place.starts_with("redis:") {
        return Arc::new(FileStore::new(place));
    }
    let config = redis::aio::ConnectionManagerConfig::new()
        .set_response_timeout(Some(Duration::from_secs(10)));
    let client = redis::Client::open(place).expect("a URL");
    let manager = redis::aio::ConnectionManager::new_lazy_with_config(client, config);
    Arc::new(RedisStore::new(manager.expect("good options"), "user"))
}

fn say(what: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}")
        .and_then(|()| out.flush())
        .expect("somebody listens");
}

fn said(answer: Result<Secret>) -> Value {
    match answer {
        Ok(key) => json!({ "key": key.expose() }),
        Err(error) => failure(&error),
    }
}

fn failure(error: &Error) -> Value {
    json!({ "code": error.code(), "message": error.message() })
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [place, name] = &arguments[..] else {
        panic!("usage: keys-worker PLACE NAME")
    };
    let client = AccountClient::builder()
        .client_name("keys")
        .user_agent(name.as_str())
        .shared_store(store(place))
        .build()
        .expect("good options");
    say(&json!({ "ready": true }));
    let mut orders = BufReader::new(stdin()).lines();
    while let Some(order) = orders.next_line().await.expect("text") {
        say(&match order.as_str() {
            "get" => said(client.api_key().await),
            "renew" => said(client.renew_api_key(None).await),
            "login" => match client.login(LoginOptions::default()).await {
                Ok(_) => json!({}),
                Err(error) => failure(&error),
            },
            "logout" => match client.logout().await {
                Ok(()) => json!({}),
                Err(error) => failure(&error),
            },
            other => panic!("no order {other}"),
        });
    }
}
