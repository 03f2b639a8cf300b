//! A service that acts for many users, whose logins are in Redis or Postgres.
//!
//! `cargo run -p parallel-account-stores --example service -- URL`, against the service that
//! `PARALLEL_PLATFORM_URL` and `PARALLEL_SERVICE_API_URL` name. It lets two users log in and answers
//! `balance USER`, `logout USER` and `quit` on its input, as a web service would answer requests.

use parallel_account::{AccountClient, CredentialStore, LoginOptions, Result};
use parallel_account_stores::{PostgresStore, RedisStore};
use std::{
    collections::HashMap,
    env,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncBufReadExt, BufReader};

/// As many clients are kept.
const KEPT: usize = 1000;

/// What is made once, when the service starts.
struct Service {
    database: Database,
    client_id: String,
    clients: Mutex<HashMap<String, AccountClient>>,
}

enum Database {
    Redis(redis::aio::ConnectionManager),
    Postgres(deadpool_postgres::Pool),
}

impl Service {
    async fn start(url: &str) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let database = if url.starts_with("redis") {
            let client = redis::Client::open(url)?;
            // Connects again within a second once Redis is back.
            let config = redis::aio::ConnectionManagerConfig::new()
                .set_max_delay(Duration::from_secs(1))
                .set_response_timeout(Some(Duration::from_secs(5)));
            Database::Redis(redis::aio::ConnectionManager::new_with_config(client, config).await?)
        } else {
            let manager = deadpool_postgres::Manager::new(url.parse()?, tokio_postgres::NoTls);
            let pool = deadpool_postgres::Pool::builder(manager).build()?;
            // In a real service, a migration does this.
            let schema = PostgresStore::SCHEMA;
            pool.get().await?.batch_execute(schema).await?;
            Database::Postgres(pool)
        };
        // Register once, and keep the ID in the configuration of the service.
        let client_id = match env::var("CLIENT_ID") {
            Ok(id) => id,
            Err(_) => {
                let client = AccountClient::builder().client_name("service").build()?;
                client.oauth().register().await?.client_id
            }
        };
        let clients = Mutex::default();
        Ok(Service {
            database,
            client_id,
            clients,
        })
    }

    /// The client of one user. It is made in microseconds and holds no connection of its own, so
    /// that a few are kept only to settle them in the end, and to share a refresh.
    fn client(&self, user: &str) -> Result<AccountClient> {
        let mut clients = self.clients.lock().expect("nothing panics here");
        if let Some(client) = clients.get(user) {
            return Ok(client.clone());
        }
        if clients.len() >= KEPT {
            // What still runs of them still runs to its end.
            clients.clear();
        }
        let client = self.new_client(user)?;
        clients.insert(user.to_owned(), client.clone());
        Ok(client)
    }

    fn new_client(&self, user: &str) -> Result<AccountClient> {
        let store: Arc<dyn CredentialStore> = match &self.database {
            Database::Redis(connection) => Arc::new(RedisStore::new(connection.clone(), user)),
            Database::Postgres(pool) => Arc::new(PostgresStore::new(pool.clone(), user)),
        };
        AccountClient::builder()
            .client_id(&self.client_id)
            .shared_store(store)
            .build()
    }

    async fn log_in(&self, user: &str) -> Result<()> {
        let login = self
            .client(user)?
            .start_login(LoginOptions::default())
            .await?;
        println!(
            "{user}: approve {} at {}",
            login.user_code(),
            login.verification_uri()
        );
        let status = login.wait().await?;
        println!(
            "{user}: logged in for {}",
            status
                .organization
                .map_or_else(|| "?".into(), |organization| organization.id)
        );
        Ok(())
    }

    async fn answer(&self, request: &str) -> Result<String> {
        match request.split_once(' ') {
            Some(("balance", user)) => {
                let balance = self.client(user)?.balance().get().await?;
                Ok(format!("{} cents", balance.credit_balance_cents))
            }
            Some(("logout", user)) => {
                self.client(user)?.logout().await?;
                Ok("logged out".into())
            }
            _ => Ok("balance USER, logout USER or quit".into()),
        }
    }

    /// Waits for what must not be lost, such as a token pair that is on its way to the database.
    async fn stop(self) {
        let clients = self.clients.into_inner().expect("nothing panics here");
        let settled = async {
            for client in clients.values() {
                client.settled().await;
            }
        };
        // A database that hangs does not keep the service from ending.
        let _ = tokio::time::timeout(Duration::from_secs(5), settled).await;
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let url = env::args()
        .nth(1)
        .ok_or("usage: service redis://…|postgresql://…")?;
    let service = Service::start(&url).await?;
    for user in ["alice", "bob"] {
        service.log_in(user).await?;
    }
    let mut requests = BufReader::new(tokio::io::stdin()).lines();
    while let Some(request) = requests.next_line().await? {
        if request == "quit" {
            break;
        }
        match service.answer(&request).await {
            Ok(answer) => println!("{answer}"),
            // One that is logged out is asked to log in again; the rest is reported.
            Err(error) => println!("{}: {}", error.code(), error.message()),
        }
    }
    service.stop().await;
    println!("stopped");
    Ok(())
}
