"""The contract of a store, over every client and real engines."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connections

from conftest import Sandbox
from databases import (
    FOR_GOOD,
    KINDS,
    ONE_AT_A_TIME,
    Engines,
    Make,
    drive,
    got,
    is_async,
    opened,
)
from parallel_account import StoreError

ODD = [
    "",
    "=",
    '{"a": "\\u0000"}',
    "'; DROP TABLE parallel_account_logins; --",
    "%s $1 ? :key",
    "ü𝄞\n\t\\",
]
numbers = itertools.count()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def check(engines: Engines, kind: str) -> Callable[..., None]:
    """Runs an asynchronous function with what makes stores of each kind."""

    def check(function: Callable[[Make], Awaitable[None]]) -> None:
        async def work() -> None:
            async with opened(kind, engines) as make:
                await function(make)

        drive(kind, work())

    return check


def a_key() -> str:
    return f"user-{os.getpid()}-{next(numbers)}"


def test_replace_swaps_exactly_what_was_there(check: Any) -> None:
    async def function(make: Make) -> None:
        key = a_key()
        store, other = make(key), make(a_key())
        assert await got(store.load()) is None
        assert await got(store.replace(None, None)) is True
        assert await got(store.replace("old", "new")) is False
        assert await got(store.replace("old", None)) is False
        assert await got(store.replace(None, "first")) is True
        assert await got(store.replace(None, None)) is False
        assert await got(store.replace(None, "second")) is False
        assert await got(store.replace("First", "second")) is False
        assert await got(store.replace("first ", "second")) is False
        assert await got(store.load()) == "first"
        assert await got(store.replace("first", "first")) is True
        assert await got(store.replace("first", "second")) is True
        assert await got(make(key).load()) == "second"
        assert await got(store.replace("first", None)) is False
        assert await got(store.replace("second", None)) is True
        assert await got(store.load()) is None
        assert await got(other.load()) is None

    check(function)


def test_records_come_back_as_they_were(check: Any) -> None:
    async def function(make: Make) -> None:
        for record in [*ODD, "x" * 5_000_000]:
            store = make(a_key())
            assert await got(store.replace(None, record)) is True
            assert await got(store.load()) == record
            assert await got(store.replace(record, record + "!")) is True
            assert await got(store.replace(record + "!", None)) is True

    check(function)


def test_what_a_database_cannot_keep_is_refused(check: Any, kind: str) -> None:
    async def function(make: Make) -> None:
        store = make(a_key())
        assert await got(store.replace(None, "kept")) is True
        for record in ("nul\0", "\ud800"):
            try:
                assert await got(store.replace("kept", record)) is True
            except Exception:
                assert await got(store.load()) == "kept"
            else:
                assert await got(store.load()) == record
                assert await got(store.replace(record, "kept")) is True

    check(function)


def test_keys_are_told_apart_exactly(check: Any) -> None:
    async def function(make: Make) -> None:
        base = a_key()
        keys = [base, base.upper(), base + " ", base + "ß", base + "ss", base + "%", base + "'"]
        for key in keys:
            assert await got(make(key).replace(None, f"of {key}")) is True
        for key in keys:
            assert await got(make(key).load()) == f"of {key}"

    check(function)


@pytest.mark.parametrize("kind", [it for it in KINDS if it not in ONE_AT_A_TIME], indirect=True)
def test_one_of_many_wins(check: Any, kind: str) -> None:
    async def contend(make: Make, key: str, old: str | None, new: list[str | None]) -> list[bool]:
        if is_async(kind):
            return await asyncio.gather(*(make(key).replace(old, it) for it in new))

        def attempt(record: str | None) -> bool:
            try:
                return bool(make(key).replace(old, record))
            finally:
                connections.close_all()

        with ThreadPoolExecutor(32) as threads:
            return list(threads.map(attempt, new))

    async def function(make: Make) -> None:
        key = a_key()
        current = None
        for round in range(4):
            records = [f"{round}-{number}" for number in range(32)]
            won = await contend(make, key, current, [*records])
            assert won.count(True) == 1
            current = await got(make(key).load())
            assert current == records[won.index(True)]
        won = await contend(make, key, current, [None] * 32)
        assert won.count(True) == 1
        assert await got(make(key).load()) is None

    check(function)


async def bounded(result: Any, kind: str) -> Any:
    return await asyncio.wait_for(result, 20) if is_async(kind) else result


@pytest.mark.parametrize(
    "kind",
    [it for it in KINDS if it not in FOR_GOOD and "sqlite" not in it],
    indirect=True,
)
def test_an_engine_that_is_killed_and_comes_back(check: Any, kind: str, engines: Engines) -> None:
    engine = engines.of(kind)
    assert engine is not None

    async def function(make: Make) -> None:
        store = make(a_key())
        assert await got(store.replace(None, "saved")) is True
        engine.kill()
        try:
            # A backend of Postgres may answer once more before it notices.
            with pytest.raises(Exception, match=r".") as caught:  # noqa: PT012
                while True:
                    assert await bounded(store.load(), kind) == "saved"
            assert not isinstance(caught.value, AssertionError)
        finally:
            engine.start()
        # Pools notice one dead connection after the other.
        deadline = time.monotonic() + 30
        while True:
            try:
                assert await got(store.load()) == "saved"
                break
            except AssertionError:
                raise
            except Exception:
                assert time.monotonic() < deadline
                await got(asyncio.sleep(0.1) if is_async(kind) else None)
        assert await got(store.replace("saved", "again")) is True

    check(function)


def test_a_login_lives_in_it(check: Any, kind: str, sandbox: Sandbox) -> None:
    async def function(make: Make) -> None:
        key = a_key()
        options: dict[str, Any] = {"first_poll_at_once": True}
        connect = sandbox.async_client if is_async(kind) else sandbox.client
        client, other = connect(store=make(key), **options), connect(store=make(a_key()))
        login = await got(client.start_login())
        sandbox.approve(login)
        await got(login.wait())
        assert (await got(client.balance.get())).org_id
        sandbox.control("POST", "/expire-access-token")
        assert (await got(client.balance.get())).org_id
        await got(client.settled())
        assert len(sandbox.requests("token.refresh")) == 1
        # What is stored is what was refreshed, and of that user alone.
        again = connect(store=make(key))
        assert (await got(again.balance.get())).org_id
        assert len(sandbox.requests("token.refresh")) == 1
        assert not (await got(other.status())).logged_in
        await got(again.logout())
        assert not (await got(client.status())).logged_in
        for it in (client, other, again):
            await got(it.close())

    check(function)


@contextlib.contextmanager
def hanging(kind: str, engines: Engines) -> Iterator[None]:
    """An engine that answers nobody."""
    if kind.startswith("redis"):
        process = engines.redis.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)
    else:
        with psycopg.connect(engines.postgres.url) as connection:
            schema = "django." if kind.startswith("django") else ""
            connection.execute(f"LOCK TABLE {schema}parallel_account_logins")
            yield


@pytest.mark.parametrize(
    "kind",
    ["redis-plain", "redis-async", "psycopg-pool", "psycopg-async-pool", "asyncpg-pool"],
    indirect=True,
)
def test_an_engine_that_hangs(check: Any, kind: str, engines: Engines, sandbox: Sandbox) -> None:
    async def function(make: Make) -> None:
        store = make(a_key())
        assert await got(store.load()) is None
        connect = sandbox.async_client if is_async(kind) else sandbox.client
        client = connect(store=store, store_timeout=0.5)
        with hanging(kind, engines), pytest.raises(StoreError, match="store_timeout"):
            await got(client.status())
        patient = connect(store=store, store_timeout=10)
        assert not (await got(patient.status())).logged_in

    check(function)
