"""The stores of `parallel_account.stores` over real engines, each as applications open it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import django
import psycopg
import psycopg_pool
import redis.asyncio
import sqlalchemy as sql
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from parallel_account.stores import PostgresStore, RedisStore, SqlAlchemyStore, SqliteStore

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "fleet"))
from engines import Engine, Postgres, Redis, free_port  # noqa: F401

Make = Callable[..., Any]
"""Makes a store for a key."""


@dataclass
class Engines:
    redis: Redis
    postgres: Postgres
    sqlite: Path

    def of(self, kind: str) -> Engine | None:
        found = {"redis": self.redis, "sqlite": None}
        return found.get(kind.partition("-")[0], None if "sqlite" in kind else self.postgres)


def start(stack: contextlib.ExitStack, folder: Path) -> Engines:
    """Engines with their tables."""
    engines = Engines(
        stack.enter_context(Redis()), stack.enter_context(Postgres()), folder / "logins.db"
    )
    with psycopg.connect(engines.postgres.url, autocommit=True) as connection:
        connection.execute(PostgresStore.schema)
    with contextlib.closing(sqlite3.connect(engines.sqlite)) as database:
        database.execute(SqliteStore.schema)
    address = {"HOST": "127.0.0.1", "PORT": engines.postgres.port, "USER": "fleet"}
    engine = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", **address}
    settings.configure(
        INSTALLED_APPS=["parallel_account.stores.django"],
        DATABASES={
            # By Django's own migration, in a schema of its own.
            "default": {**engine, "OPTIONS": {"options": "-c search_path=django"}},
            "shared": engine,
            "lite": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "django.db"},
        },
        USE_TZ=True,
    )
    django.setup()
    with psycopg.connect(engines.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA django")
    for alias in ("default", "lite"):
        call_command("migrate", database=alias, verbosity=0)
    connections.close_all()
    return engines


def driver(url: str, name: str) -> str:
    return url.replace("postgresql:", f"postgresql+{name}:")


@contextlib.asynccontextmanager
async def opened(kind: str, engines: Engines) -> AsyncIterator[Make]:
    """What makes stores of a kind, over a client that is closed in the end."""
    family, _, form = kind.partition("-")
    async with contextlib.AsyncExitStack() as stack:
        if family == "redis":
            yield await redis_store(form, engines.redis.url, stack)
        elif family in ("psycopg", "asyncpg"):
            connection = await connected(kind, engines.postgres.url, stack)
            yield lambda key, **options: PostgresStore(connection, key, **options)
        elif kind == "sqlite-file":
            yield lambda key, **options: SqliteStore(engines.sqlite, key, **options)
        elif kind == "sqlite-connection":
            database = stack.enter_context(contextlib.closing(sqlite3.connect(engines.sqlite)))
            # As applications like theirs.
            database.row_factory = lambda *_: {"not": "a tuple"}
            database.text_factory = bytes
            yield lambda key, **options: SqliteStore(database, key, **options)
        elif family == "sqlalchemy":
            engine = alchemy_engine(form, engines, stack)
            yield lambda key, **options: SqlAlchemyStore(engine, key, **options)
        else:
            from parallel_account.stores.django import AsyncDjangoStore, DjangoStore

            stack.callback(connections.close_all)
            if "async" in form:
                stack.push_async_callback(sync_to_async(connections.close_all))
            store = AsyncDjangoStore if "async" in form else DjangoStore
            using = "lite" if "sqlite" in form else None
            yield lambda key, **options: store(key, **{"using": using, **options})


async def redis_store(form: str, url: str, stack: contextlib.AsyncExitStack) -> Make:
    client: Any
    options: dict[str, Any] = {"decode_responses": "decoded" in form}
    if "latin" in form:
        options = {"decode_responses": True, "encoding": "latin-1"}
    if "async" in form:
        client = redis.asyncio.from_url(url, **options)
        stack.push_async_callback(client.aclose)
    else:
        client = redis.Redis.from_url(url, **options)
        stack.callback(client.close)
    return lambda key, **options: RedisStore(client, key, **options)


async def connected(kind: str, url: str, stack: contextlib.AsyncExitStack) -> Any:
    """A connection or pool."""
    if kind == "psycopg-pool":
        pool = psycopg_pool.ConnectionPool(url, min_size=1, max_size=4, open=True)
        stack.callback(pool.close)
        return pool
    if kind == "psycopg-connection":
        row = psycopg.rows.dict_row
        return stack.enter_context(psycopg.connect(url, autocommit=True, row_factory=row))
    if kind == "psycopg-async-pool":
        apool = psycopg_pool.AsyncConnectionPool(url, min_size=1, max_size=4, open=False)
        return await stack.enter_async_context(apool)
    if kind == "psycopg-async-connection":
        connecting = psycopg.AsyncConnection.connect(url, autocommit=True)
        return await stack.enter_async_context(await connecting)
    if kind == "asyncpg-pool":
        return await stack.enter_async_context(asyncpg.create_pool(url, min_size=1, max_size=4))
    connection = await asyncpg.connect(url)
    stack.push_async_callback(connection.close)
    return connection


def alchemy_engine(form: str, engines: Engines, stack: contextlib.AsyncExitStack) -> Any:
    url = engines.postgres.url
    if form in ("psycopg", "sessions", "sqlite", "serializable"):
        options = {"isolation_level": "SERIALIZABLE"} if form == "serializable" else {}
        lite = f"sqlite:///{engines.sqlite}"
        engine = sql.create_engine(lite if form == "sqlite" else driver(url, "psycopg"), **options)
        stack.callback(engine.dispose)
        return sessionmaker(engine) if form == "sessions" else engine
    lite = f"sqlite+aiosqlite:///{engines.sqlite}"
    name = "asyncpg" if "asyncpg" in form else "psycopg"
    aengine = create_async_engine(lite if "sqlite" in form else driver(url, name))
    stack.push_async_callback(aengine.dispose)
    return async_sessionmaker(aengine) if "sessions" in form else aengine


KINDS = [
    *("redis-plain", "redis-decoded", "redis-latin", "redis-async", "redis-async-decoded"),
    *("psycopg-pool", "psycopg-connection", "psycopg-async-pool", "psycopg-async-connection"),
    *("asyncpg-pool", "asyncpg-connection"),
    *("sqlite-file", "sqlite-connection"),
    *("sqlalchemy-psycopg", "sqlalchemy-sessions", "sqlalchemy-sqlite", "sqlalchemy-serializable"),
    *("sqlalchemy-async-psycopg", "sqlalchemy-async-asyncpg", "sqlalchemy-async-sessions"),
    *("sqlalchemy-async-sqlite", "django-postgres", "django-sqlite", "django-async-postgres"),
]
ONE_AT_A_TIME = ["asyncpg-connection", "sqlite-connection"]
"""Where concurrent calls of one client are an error of the application's."""
FOR_GOOD = ["psycopg-connection", "psycopg-async-connection", "asyncpg-connection"]
"""What does not connect again."""


def is_async(kind: str) -> bool:
    return "async" in kind


def drive(kind: str, work: Coroutine[Any, Any, None]) -> None:
    """Runs `work`: for blocking stores without a loop, as their users have none."""
    if is_async(kind):
        asyncio.run(work)
        return
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("a blocking store made its caller wait for a loop")


async def got(result: Any) -> Any:
    return await result if hasattr(result, "__await__") else result
