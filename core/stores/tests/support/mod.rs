//! Real engines, and what may stand between them and a store.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod proxy;

use parallel_account::{CredentialStore, Result, StoreFuture};
use parallel_account_stores::{PostgresStore, RedisStore};
use proxy::Proxy;
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A database server of `tests/fleet/engines.py`, which ends with its input, and so with us.
pub(crate) struct Engine {
    pub(crate) url: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Engine {
    pub(crate) fn start(name: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fleet/engines.py");
        let mut child = Command::new("python3")
            .args(["-B", script, "--serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let url = String::new();
        let mut engine = Engine {
            url,
            child,
            input,
            output,
        };
        engine.url = engine.line();
        engine
    }

    /// `kill` (as by a power cut), `stop` or `start`.
    pub(crate) fn tell(&mut self, what: &str) {
        let input = self.input.as_mut().expect("running");
        writeln!(input, "{what}").expect("it listens");
        assert_eq!(self.line(), "ok", "{what}");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        assert!(
            !line.is_empty(),
            "the engine did not start: its message is above"
        );
        line.trim().to_owned()
    }

    pub(crate) fn port(&self) -> u16 {
        let port = self.url.rsplit(':').next().expect("a URL");
        let port = port.split('/').next().expect("a port");
        port.parse().expect("a port")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Redis,
    Postgres,
}

/// Engines that tests share which leave them alone: each test has keys of its own.
static REDIS: LazyLock<Mutex<Engine>> = LazyLock::new(|| Mutex::new(Engine::start("redis")));
static POSTGRES: LazyLock<Mutex<Engine>> = LazyLock::new(|| Mutex::new(Engine::start("postgres")));

/// A database, as one program is connected to it.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    /// Through it go the stores' connections.
    pub(crate) proxy: Proxy,
    port: u16,
    client: Client,
}

enum Client {
    Redis(redis::aio::ConnectionManager),
    Postgres(deadpool_postgres::Pool),
}

impl Database {
    /// On an engine that is shared with other tests.
    pub(crate) async fn shared(kind: Kind) -> Self {
        let engine = match kind {
            Kind::Redis => &REDIS,
            Kind::Postgres => &POSTGRES,
        };
        // Starting one takes a while, and a runtime is not to stand still.
        let port = tokio::task::spawn_blocking(|| {
            engine
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .port()
        });
        Self::connected(kind, port.await.expect("an engine"), "").await
    }

    /// On an engine of the test's own, which it may stop.
    pub(crate) async fn own(kind: Kind) -> (Self, Engine) {
        let engine = tokio::task::spawn_blocking(move || {
            Engine::start(match kind {
                Kind::Redis => "redis",
                Kind::Postgres => "postgres",
            })
        });
        let engine = engine.await.expect("an engine");
        (Self::connected(kind, engine.port(), "").await, engine)
    }

    /// The same database, as another program is connected to it.
    pub(crate) async fn another(&self) -> Self {
        Self::connected(self.kind, self.port, "").await
    }

    /// The same, with `options` in its connection strings.
    pub(crate) async fn with_options(&self, options: &str) -> Self {
        Self::connected(self.kind, self.port, options).await
    }

    async fn connected(kind: Kind, port: u16, options: &str) -> Self {
        let proxy = Proxy::start(port).await;
        let client = match kind {
            Kind::Redis => {
                let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", proxy.port));
                let config = redis::aio::ConnectionManagerConfig::new()
                    .set_max_delay(Duration::from_millis(20))
                    .set_response_timeout(Some(Duration::from_secs(20)));
                let client = client.expect("a URL");
                let manager = redis::aio::ConnectionManager::new_with_config(client, config);
                Client::Redis(manager.await.expect("a connection"))
            }
            Kind::Postgres => {
                let url = format!(
                    "postgresql://fleet@127.0.0.1:{}/postgres{options}",
                    proxy.port
                );
                let manager = deadpool_postgres::Manager::new(
                    url.parse().expect("a URL"),
                    tokio_postgres::NoTls,
                );
                let pool = deadpool_postgres::Pool::builder(manager)
                    .max_size(4)
                    .build();
                Client::Postgres(pool.expect("a pool"))
            }
        };
        let database = Database {
            kind,
            proxy,
            port,
            client,
        };
        if kind == Kind::Postgres {
            // Two tests that make it at once: one of them is told so.
            let _ = database
                .sql()
                .await
                .batch_execute(PostgresStore::SCHEMA)
                .await;
        }
        database
    }

    pub(crate) fn store(&self, key: &str) -> Arc<dyn CredentialStore> {
        match &self.client {
            Client::Redis(_) => Arc::new(self.redis_store(key)),
            Client::Postgres(_) => Arc::new(self.postgres_store(key)),
        }
    }

    pub(crate) fn redis_store(&self, key: &str) -> RedisStore<redis::aio::ConnectionManager> {
        match &self.client {
            Client::Redis(manager) => RedisStore::new(manager.clone(), key),
            Client::Postgres(_) => panic!("this is Postgres"),
        }
    }

    pub(crate) fn postgres_store(&self, key: &str) -> PostgresStore {
        match &self.client {
            Client::Postgres(pool) => PostgresStore::new(pool.clone(), key),
            Client::Redis(_) => panic!("this is Redis"),
        }
    }

    /// A connection for the test itself, past the proxy.
    pub(crate) async fn sql(&self) -> tokio_postgres::Client {
        let url = format!("postgresql://fleet@127.0.0.1:{}/postgres", self.port);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// The same for Redis: one command.
    pub(crate) async fn redis<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", self.port));
        let connection = client
            .expect("a URL")
            .get_multiplexed_async_connection()
            .await;
        let mut call = redis::cmd(command[0]);
        call.arg(&command[1..]);
        call.query_async(&mut connection.expect("a connection"))
            .await
            .expect("an answer")
    }

    /// As an engine does when a connection is idle for too long, or a firewall.
    pub(crate) async fn close_idle_connections(&self) {
        match self.kind {
            Kind::Redis => drop(
                self.redis::<i64>(&["CLIENT", "KILL", "TYPE", "normal"])
                    .await,
            ),
            Kind::Postgres => {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'fleet'";
                let sql = self.sql().await;
                sql.simple_query(end).await.expect("allowed");
                // They go a moment later.
                let others = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'fleet'";
                while sql
                    .query_one(others, &[])
                    .await
                    .expect("a row")
                    .get::<_, i64>(0)
                    > 0
                {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// Runs before the swap of that number (1 is the first), with what is to be written.
pub(crate) type BeforeSwap = Arc<dyn Fn(usize, Option<&str>) + Send + Sync>;

/// A store whose swaps are watched.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) store: Arc<dyn CredentialStore>,
    pub(crate) before: BeforeSwap,
    pub(crate) swaps: Arc<AtomicUsize>,
}

impl Watched {
    pub(crate) fn new(
        store: Arc<dyn CredentialStore>,
        before: impl Fn(usize, Option<&str>) + Send + Sync + 'static,
    ) -> Self {
        let (before, swaps) = (Arc::new(before), Arc::default());
        Watched {
            store,
            before,
            swaps,
        }
    }
}

impl CredentialStore for Watched {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.store.load()
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        let number = self.swaps.fetch_add(1, Ordering::SeqCst) + 1;
        (self.before)(number, new.as_deref());
        self.store.replace(old, new)
    }

    fn location(&self) -> String {
        self.store.location()
    }
}

/// Puts a record that is not to be there yet.
pub(crate) async fn put(store: &dyn CredentialStore, record: &str) -> Result<()> {
    assert!(
        store.replace(None, Some(record.to_owned())).await?,
        "there was one"
    );
    Ok(())
}
