"""What stores refuse, whose transaction a login is saved in, and what the README shows."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import psycopg_pool
import pytest
import redis
import redis.asyncio
import sqlalchemy as sql
from django.db import connections, transaction
from django.test import TestCase
from sqlalchemy.orm import sessionmaker

from databases import Engines, driver
from parallel_account import AccountClient, ConfigError
from parallel_account.stores import PostgresStore, RedisStore, SqlAlchemyStore, SqliteStore

numbers = itertools.count()


def a_key() -> str:
    return f"rules-{next(numbers)}"


def test_importing_the_package_imports_no_database() -> None:
    source = """
import sys
import parallel_account.stores as stores
from parallel_account.stores import PostgresStore
names = {"redis", "psycopg", "asyncpg", "sqlalchemy", "django", "sqlite3"}
print(sorted(names & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("statement", "missing", "extra"),
    [
        ("from parallel_account.stores import RedisStore", ["redis"], "redis"),
        ("from parallel_account.stores import PostgresStore", ["psycopg", "asyncpg"], "postgres"),
        ("from parallel_account.stores import SqlAlchemyStore", ["sqlalchemy"], "sqlalchemy"),
        ("import parallel_account.stores.django", ["django"], "django"),
    ],
)
def test_a_missing_extra(statement: str, missing: list[str], extra: str) -> None:
    source = f"""
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {missing} else find(name, *rest)
try:
    {statement}
except ImportError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert f"pip install 'parallel-account[{extra}]'" in ran.stdout, ran.stderr
    assert missing[0] in ran.stdout.lower()


@pytest.mark.parametrize("key", [None, 7, b"x", "", "a\0b", "a\ud800"])
def test_keys_that_are_no_users(key: Any, tmp_path: Path) -> None:
    for make in (
        lambda: SqliteStore(tmp_path / "x.db", key),
        lambda: RedisStore(redis.Redis(), key),
        lambda: SqlAlchemyStore(sql.create_engine("sqlite://"), key),
    ):
        with pytest.raises(ConfigError, match=r"^key must"):
            make()


@pytest.mark.parametrize("table", ["", "a b", 'a"b', "a.b.c", "1a", "x" * 64, "a;--", None])
def test_names_that_are_no_tables(table: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="table must be"):
        SqliteStore(tmp_path / "x.db", "user", table=table)


def test_tables_of_other_names(engines: Engines) -> None:
    with psycopg.connect(engines.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA billing")
        schema = PostgresStore.schema
        connection.execute(schema.replace("parallel_account_logins", 'billing."Logins"'))
        store = PostgresStore(connection, "user", table="billing.Logins")
        assert store.replace(None, "record")
        assert PostgresStore(connection, "user").load() is None
        engine = sql.create_engine(driver(engines.postgres.url, "psycopg"))
        assert SqlAlchemyStore(engine, "user", table="billing.Logins").load() == "record"
        engine.dispose()


def test_clients_of_another_kind(tmp_path: Path) -> None:
    wrong: Any = object()
    with pytest.raises(
        ConfigError, match=r"connection must be .* psycopg 3 .* not builtins.object"
    ):
        PostgresStore(wrong, "user")
    with pytest.raises(ConfigError, match=r"client must be .* not builtins.object"):
        RedisStore(wrong, "user")
    with pytest.raises(ConfigError, match=r"engine must be .* not object"):
        SqlAlchemyStore(wrong, "user")
    with pytest.raises(ConfigError, match="in memory"):
        SqliteStore(":memory:", "user")
    with pytest.raises(ConfigError, match=r"database must be .* not NoneType"):
        SqliteStore(None, "user")  # type: ignore[arg-type]
    for ttl in (0, -1, 10**10, float("nan")):
        with pytest.raises(ConfigError, match="ttl must"):
            RedisStore(redis.Redis(), "user", ttl=ttl)
    # A pool of asyncio's belongs to one loop, and a blocking client has none.
    asynchronous = RedisStore(redis.asyncio.Redis(), "user")
    with pytest.raises(ConfigError, match="AsyncAccountClient"):
        AccountClient(store=asynchronous)
    # A misspelled name makes no database.
    with pytest.raises(sqlite3.OperationalError):
        SqliteStore(tmp_path / "typo.db", "user").load()
    assert list(tmp_path.iterdir()) == []


def test_one_layout_for_all(engines: Engines) -> None:
    key = a_key()
    with psycopg.connect(engines.postgres.url, autocommit=True) as connection:
        assert PostgresStore(connection, key).replace(None, "by psycopg")
        engine = sql.create_engine(driver(engines.postgres.url, "psycopg"))
        assert SqlAlchemyStore(engine, key).replace("by psycopg", "by SQLAlchemy")
        engine.dispose()

        async def by_asyncpg() -> None:
            other = await asyncpg.connect(engines.postgres.url)
            assert await PostgresStore(other, key).replace("by SQLAlchemy", "by asyncpg")
            await other.close()

        asyncio.run(by_asyncpg())
        from parallel_account.stores.django import DjangoStore

        store = DjangoStore(key, using="shared")
        assert store.replace("by asyncpg", "by Django")
        connections.close_all()
        row = connection.execute(
            "SELECT record, updated_at > now() - interval '1 hour' FROM parallel_account_logins "
            "WHERE key = %s",
            (key,),
        ).fetchone()
        assert row == ("by Django", True)


def test_a_transaction_of_the_application_keeps_no_login(engines: Engines) -> None:
    url = engines.postgres.url
    with psycopg.connect(url) as connection, pytest.raises(ConfigError, match="autocommit"):
        PostgresStore(connection, "user")
    key = a_key()
    with psycopg.connect(url, autocommit=True) as connection:
        store = PostgresStore(connection, key)
        with connection.transaction(), pytest.raises(RuntimeError, match="inside a transaction"):
            store.replace(None, "record")
        assert store.replace(None, "record")

    async def asynchronous() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            store = PostgresStore(connection, key)
            async with connection.transaction():
                with pytest.raises(RuntimeError, match="inside a transaction"):
                    await store.replace("record", None)
        other = await asyncpg.connect(url)
        async with other.transaction():
            with pytest.raises(RuntimeError, match="inside a transaction"):
                await PostgresStore(other, key).replace("record", None)
        await other.close()

    asyncio.run(asynchronous())
    with contextlib.closing(sqlite3.connect(engines.sqlite)) as database:
        lite = SqliteStore(database, key)
        database.execute("CREATE TEMP TABLE other (x)")
        database.execute("INSERT INTO other VALUES (1)")
        with pytest.raises(RuntimeError, match="inside a transaction"):
            lite.replace(None, "record")
        database.rollback()
        assert lite.replace(None, "record")
        database.rollback()
        assert lite.load() == "record"


def test_a_pool_gets_its_connections_back_as_they_were(engines: Engines) -> None:
    with psycopg_pool.ConnectionPool(engines.postgres.url, min_size=1, max_size=1) as pool:
        store = PostgresStore(pool, a_key())
        assert store.replace(None, "record")
        with pool.connection() as connection:
            assert not connection.autocommit
            assert connection.info.transaction_status == 0
        with pytest.raises(psycopg.errors.DataError):
            store.replace("record", "nul\0")
        with pool.connection() as connection:
            assert not connection.autocommit
        assert store.load() == "record"


def test_sessions_do_not_share_their_transaction(engines: Engines) -> None:
    engine = sql.create_engine(driver(engines.postgres.url, "psycopg"))
    maker = sessionmaker(engine)
    key = a_key()
    with maker() as session:
        session.execute(sql.text("SELECT 1"))
        assert SqlAlchemyStore(maker, key).replace(None, "record")
        assert SqlAlchemyStore(engine, key).replace("record", "another")
        session.rollback()
    assert SqlAlchemyStore(engine, key).load() == "another"
    engine.dispose()


def test_where_transactions_are_serializable_the_slower_change_is_lost(engines: Engines) -> None:
    key = a_key()
    options = "?options=-c%20default_transaction_isolation%3Dserializable"
    with (
        psycopg.connect(engines.postgres.url) as other,
        psycopg.connect(engines.postgres.url + options, autocommit=True) as connection,
        ThreadPoolExecutor(1) as threads,
    ):
        store = PostgresStore(connection, key)
        assert store.replace(None, "record")
        other.execute("UPDATE parallel_account_logins SET record = 'x' WHERE key = %s", (key,))
        slower = threads.submit(store.replace, "record", "mine")
        # It waits for the row that the other has changed.
        with psycopg.connect(engines.postgres.url, autocommit=True) as watch:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while watch.execute(waiting).fetchone() == (0,):
                pass
        other.commit()
        assert slower.result() is False
        assert store.load() == "x"


def test_what_sqlalchemy_says_shows_no_record_and_hides_no_cause(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'logins.db'}"
    engine = sql.create_engine(url)
    metadata = sql.MetaData()
    table = SqlAlchemyStore.table(metadata)
    table.append_constraint(sql.CheckConstraint("record <> 'refused canary'"))
    metadata.create_all(engine)
    store = SqlAlchemyStore(engine, "user")
    # What no row is in the way of is no lost race.
    with pytest.raises(sql.exc.IntegrityError) as refused:
        store.replace(None, "refused canary")
    assert store.replace(None, "a record")
    assert not store.replace(None, "another record")
    (tmp_path / "logins.db").chmod(0o400)
    frozen = sql.create_engine(f"sqlite:///file:{tmp_path / 'logins.db'}?mode=ro&uri=true")
    with pytest.raises(sql.exc.OperationalError) as unwritable:
        SqlAlchemyStore(frozen, "user").replace("a record", "canary")
    for error in (refused, unwritable):
        shown = f"{error.value} {error.value.__cause__}"
        assert "canary" not in shown.replace("'refused canary'", ""), shown
        assert "hidden" in shown
    engine.dispose()
    frozen.dispose()


def test_django_commits_logins_whatever_the_view_does(engines: Engines) -> None:
    from parallel_account.stores.django import DjangoStore

    key = a_key()
    store = DjangoStore(key)
    with transaction.atomic():
        assert store.load() is None
        assert store.replace(None, "record")
        assert store.load() == "record"
        transaction.set_rollback(True)
    assert store.load() == "record"

    class InATest(TestCase):
        databases = {"default"}  # noqa: RUF012

        def test(self) -> None:
            assert store.replace("record", "of the test")
            with transaction.atomic():
                assert store.replace("of the test", "of the view")
            assert store.load() == "of the view"

    result = unittest.TestResult()
    unittest.TestSuite([InATest("test")]).run(result)
    assert result.testsRun == 1
    assert result.wasSuccessful(), [*result.errors, *result.failures]
    # As Django rolls back what a test did.
    assert store.load() == "record"
    connections.close_all()


def test_django_finds_no_change_to_migrate(engines: Engines) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    connections.close_all()


def test_a_script_that_redis_has_forgotten(engines: Engines) -> None:
    with redis.Redis.from_url(engines.redis.url) as client:
        store = RedisStore(client, a_key())
        assert store.replace(None, "1")
        client.script_flush()
        assert store.replace("1", "2")
        client.script_flush()

    async def asynchronous() -> None:
        async with redis.asyncio.from_url(engines.redis.url) as client:
            assert await RedisStore(client, a_key()).replace(None, "1")

    asyncio.run(asynchronous())


def test_keys_and_expiry_in_redis(engines: Engines) -> None:
    with redis.Redis.from_url(engines.redis.url, decode_responses=True) as client:
        key = a_key()
        assert RedisStore(client, key).replace(None, "record")
        assert client.get(f"parallel-account:{key}") == "record"
        assert client.ttl(f"parallel-account:{key}") == -1
        store = RedisStore(client, key, prefix="app:", ttl=1000)
        assert store.replace(None, "record")
        client.expire(f"app:{key}", 10)
        assert store.replace("record", "renewed")
        assert client.ttl(f"app:{key}") > 900
        assert RedisStore(client, key, prefix="app:").replace("renewed", "kept")
        assert client.ttl(f"app:{key}") == -1
        client.hset("parallel-account:hash", "a", "b")
        with pytest.raises(redis.ResponseError):
            RedisStore(client, "hash").replace(None, "x")
