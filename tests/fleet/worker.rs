//! The Rust worker of the fleet; see tests/fleet/README.md for what workers do.

use parallel_account::{AccountClient, CredentialStore};
use parallel_account_stores::{PostgresStore, RedisStore};
use serde_json::{Value, json};
use std::{
    env,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::time::Instant;

/// The service's own connections, which all its users' stores share.
enum Database {
    Redis(redis::aio::ConnectionManager),
    Postgres(deadpool_postgres::Pool),
}

impl Database {
    async fn connect(store: &str, url: &str) -> Self {
        match store {
            "redis" => {
                let config = redis::aio::ConnectionManagerConfig::new()
                    .set_max_delay(Duration::from_millis(500))
                    .set_response_timeout(Some(Duration::from_secs(10)));
                let client = redis::Client::open(url).expect("a URL");
                let manager = redis::aio::ConnectionManager::new_lazy_with_config(client, config);
                Database::Redis(manager.expect("good options"))
            }
            "postgres" => {
                let config = url.parse().expect("a URL");
                let manager = deadpool_postgres::Manager::new(config, tokio_postgres::NoTls);
                let pool = deadpool_postgres::Pool::builder(manager)
                    .max_size(2)
                    .build();
                Database::Postgres(pool.expect("good options"))
            }
            other => panic!("no store {other}"),
        }
    }

    fn store(&self, user: &str) -> Arc<dyn CredentialStore> {
        match self {
            Database::Redis(manager) => Arc::new(RedisStore::new(manager.clone(), user)),
            Database::Postgres(pool) => Arc::new(PostgresStore::new(pool.clone(), user)),
        }
    }
}

fn say(what: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}")
        .and_then(|()| out.flush())
        .expect("somebody listens");
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("after 1970").as_secs_f64()
}

#[tokio::main]
async fn main() {
    let order = env::args().nth(1).expect("usage: fleet-worker JSON");
    let order: Value = serde_json::from_str(&order).expect("JSON");
    let text = |name: &str| order[name].as_str().expect("text").to_owned();
    let number = |name: &str| order[name].as_f64().expect("a number");
    let database = Database::connect(&text("store"), &text("url")).await;
    let users = order["users"].as_array().expect("users");
    let users: Vec<_> = users
        .iter()
        .map(|user| user.as_str().expect("a name").to_owned())
        .collect();
    let client = |user: &String| {
        AccountClient::builder()
            .client_name("fleet")
            .user_agent(text("name"))
            .shared_store(database.store(user))
            .build()
            .expect("good options")
    };
    let work = Arc::new(Work {
        clients: users
            .iter()
            .map(|user| (user.clone(), client(user)))
            .collect(),
        calls: AtomicU64::new(0),
        end: Instant::now() + Duration::from_secs_f64(number("seconds")),
        pause: Duration::from_secs_f64(number("pause")),
    });
    say(&json!({"ready": true}));
    let tasks: Vec<_> = (0..number("tasks") as usize)
        .map(|task| {
            let work = work.clone();
            tokio::spawn(async move { work.call_in_turn(task).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    for (_, client) in &work.clients {
        client.settled().await;
    }
    say(&json!({"calls": work.calls.load(Ordering::Relaxed), "done": true}));
}

/// What the tasks of one worker share.
struct Work {
    /// By user.
    clients: Vec<(String, AccountClient)>,
    calls: AtomicU64,
    end: Instant,
    pause: Duration,
}

impl Work {
    /// Calls for one user after the other, from the `first` on.
    async fn call_in_turn(&self, first: usize) {
        for turn in first.. {
            if Instant::now() >= self.end {
                break;
            }
            let (user, client) = &self.clients[turn % self.clients.len()];
            let began = Instant::now();
            if let Err(error) = client.balance().get().await {
                say(
                    &json!({"at": now(), "after": began.elapsed().as_secs_f64(), "user": user,
                    "code": error.code(), "message": error.message()}),
                );
            }
            let made = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
            if made.is_multiple_of(20) {
                say(&json!({"calls": made}));
            }
            tokio::time::sleep(self.pause).await;
        }
    }
}
