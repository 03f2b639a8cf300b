//! What is Postgres' own: the table, isolation levels, and errors that could quote a row.

mod support;

use parallel_account::CredentialStore;
use parallel_account_stores::{BoxError, Connections, PostgresStore, Rows};
use std::{error::Error as _, sync::Arc};
use support::{Database, Kind, put};
use tokio_postgres::types::{ToSql, Type};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn postgres_says_why_there_is_no_connection() {
    let shared = Database::shared(Kind::Postgres).await;
    let database = shared
        .with_options("?options=-c%20no_such_setting%3D1")
        .await;
    let error = database
        .postgres_store("a")
        .load()
        .await
        .expect_err("refused");
    assert!(error.message().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn postgres_keeps_it_where_other_languages_look() {
    let database = Database::shared(Kind::Postgres).await;
    let store = database.postgres_store("layout");
    put(&store, "a").await.expect("it works");
    let sql = database.sql().await;
    let select =
        "SELECT record, updated_at = now() FROM parallel_account_logins WHERE key = 'layout'";
    let row = sql.query_one(select, &[]).await.expect("a row");
    assert_eq!(row.get::<_, &str>(0), "a");
    sql.batch_execute(
        "UPDATE parallel_account_logins SET updated_at = 'epoch' WHERE key = 'layout'",
    )
    .await
    .expect("it works");
    assert!(store.replace(some("a"), some("b")).await.expect("it works"));
    let select = "SELECT updated_at > now() - interval '1 hour' FROM parallel_account_logins WHERE key = 'layout'";
    assert!(
        sql.query_one(select, &[])
            .await
            .expect("a row")
            .get::<_, bool>(0),
        "noted"
    );

    let made = PostgresStore::SCHEMA.replace("parallel_account_logins", "tenant.\"Odd \"\" name\"");
    sql.batch_execute(&format!("CREATE SCHEMA tenant; {made}"))
        .await
        .expect("it works");
    let other = database
        .postgres_store("layout")
        .table("tenant.Odd \" name");
    put(&other, "theirs").await.expect("it works");
    assert_eq!(store.load().await.expect("it works"), some("b"));
}

struct Wrapping(Arc<tokio_postgres::Client>);

impl Connections for Wrapping {
    fn query<'a>(
        &'a self,
        statement: &'a str,
        parameters: &'a [(&'a (dyn ToSql + Sync), Type)],
    ) -> Rows<'a> {
        Box::pin(async move {
            let rows = self.0.query(statement, parameters).await;
            rows.map_err(|error| Box::new(Wrapped(error)) as BoxError)
        })
    }
}

#[derive(Debug)]
struct Wrapped(BoxError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the pool: {}", self.0)
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test]
async fn postgres_says_what_is_wrong_with_a_table_and_never_quotes_a_row() {
    let database = Database::shared(Kind::Postgres).await;
    let missing = database.postgres_store("a").table("missing");
    let error = missing.load().await.expect_err("no table");
    assert!(error.message().contains("PostgresStore::SCHEMA"), "{error}");

    let sql = database.sql().await;
    let made = PostgresStore::SCHEMA.replace("parallel_account_logins", "short");
    let check = "ALTER TABLE short ADD CHECK (length(record) < 5)";
    sql.batch_execute(&format!("{made}; {check}"))
        .await
        .expect("it works");
    let store = database.postgres_store("a").table("short");
    let error = store
        .replace(None, some("canary-token"))
        .await
        .expect_err("too long");
    assert!(error.message().contains("23514"), "{error}");
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown += &format!("{error} {error:?}");
        cause = error.source();
    }
    assert!(!shown.contains("canary"), "{shown}");
    // A pool of the application's may wrap what Postgres says, and quote it.
    let wrapped = PostgresStore::new(Wrapping(Arc::new(sql)), "a").table("short");
    let error = wrapped.replace(None, some("canary-token")).await;
    let error = error.expect_err("too long");
    assert!(error.message().contains("23514"), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("canary"),
        "{error:?}"
    );
    let error = wrapped.replace(None, some("a")).await.map(|_| ());
    error.expect("short enough");
    // A text that Postgres cannot hold.
    store
        .replace(None, some("\0"))
        .await
        .expect_err("no such text");
}

#[tokio::test]
async fn postgres_above_read_committed_still_says_who_was_faster() {
    let shared = Database::shared(Kind::Postgres).await;
    for level in ["repeatable%20read", "serializable"] {
        let options = format!(
            "?options=-c%20default_transaction_isolation%3D{}",
            level.replace("%20", "%5C%20")
        );
        let database = shared.with_options(&options).await;
        let store = Arc::new(database.postgres_store(level));
        put(&*store, "a").await.expect("it works");
        let sql = database.sql().await;
        let update = format!(
            "BEGIN; UPDATE parallel_account_logins SET record = 'theirs' WHERE key = '{level}'"
        );
        sql.batch_execute(&update).await.expect("it works");
        let swap = tokio::spawn({
            let store = store.clone();
            async move { store.replace(some("a"), some("ours")).await }
        });
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE \"parallel%'";
        while database
            .sql()
            .await
            .query_one(waiting, &[])
            .await
            .expect("a row")
            .get::<_, i64>(0)
            == 0
        {
            tokio::task::yield_now().await;
        }
        sql.batch_execute("COMMIT").await.expect("it works");
        assert!(!swap.await.expect("no panic").expect("no error"), "{level}");
        assert_eq!(store.load().await.expect("it works"), some("theirs"));
    }
}
