"""Where the methods of stores run: the caller's thread, event loop and context variables."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import Sandbox
from noting_stores import Noting, NotingAsync, threads, user
from parallel_account import ConfigError, StoreError


def test_sqlite_and_context_of_the_calling_thread(sandbox: Sandbox) -> None:
    """A connection of `sqlite3` refuses every thread but its own."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE logins (user_id INTEGER PRIMARY KEY, record TEXT NOT NULL)")
    database.execute("INSERT INTO logins VALUES (7, ?)", (sandbox.record(),))

    class Bound:
        def load(self) -> str | None:
            row = database.execute("SELECT record FROM logins WHERE user_id = ?", (user.get(),))
            return str(row.fetchone()[0])

        def replace(self, old: str | None, new: str | None) -> bool:
            change = "UPDATE logins SET record = ? WHERE user_id = ? AND record = ?"
            return database.execute(change, (new, user.get(), old)).rowcount == 1

    sandbox.control("POST", "/expire-access-token")
    token = user.set(7)
    try:
        with sandbox.client(store=Bound()) as client:
            assert client.balance.get().org_id
            # Within the transaction that the first change began, as a TestCase of Django's has it.
            assert database.in_transaction
    finally:
        user.reset(token)
        database.close()
    assert len(sandbox.requests("token.refresh")) == 1


@pytest.mark.parametrize("kind", [Noting, NotingAsync])
def test_the_context_of_the_caller(sandbox: Sandbox, kind: Any) -> None:
    store = kind(sandbox.record())
    sandbox.control("POST", "/expire-access-token")
    user.set(3)

    async def main() -> None:
        user.set(4)
        async with sandbox.async_client(store=store) as client:
            await client.balance.get()

    asyncio.run(main())
    assert store.users == {4}
    store.users.clear()
    sandbox.control("POST", "/expire-access-token")
    with sandbox.client(store=store) as client:
        client.balance.get()
    assert store.users == {3}
    assert threading.get_ident() in store.threads


def test_coroutines_of_a_blocking_client_run_in_its_thread(sandbox: Sandbox) -> None:
    store = NotingAsync(sandbox.record())
    client = sandbox.client(store=store)
    client.status()
    assert store.threads == {threading.get_ident()}

    async def main() -> None:
        client.status()

    # This thread's loop stands still meanwhile.
    asyncio.run(main())
    assert len(store.threads) == 2


@pytest.mark.parametrize("kind", [Noting, NotingAsync])
def test_one_load_at_a_time(sandbox: Sandbox, kind: Any) -> None:
    store = kind(sandbox.record(), slow=0.05)

    async def main() -> None:
        async with sandbox.async_client(store=store) as client:
            await asyncio.gather(*(client.balance.get() for _ in range(458)))

    asyncio.run(main())
    assert store.overlapped == 0
    assert store.loads < 46


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_calls_at_once_need_no_threads(sandbox: Sandbox) -> None:
    store = Noting(sandbox.record(), slow=0.01)

    async def main() -> None:
        async with sandbox.async_client(store=store) as client:
            await client.status()
            await asyncio.gather(*(client.status() for _ in range(1000)))

    asyncio.run(main())
    before = threads()
    store.most_threads = 0
    asyncio.run(main())
    # One thread makes the calls of one client's store.
    assert store.most_threads <= before + 1
    assert store.overlapped == 0

    store = Noting(sandbox.record(), slow=0.01)
    start = threading.Barrier(200)
    with sandbox.client(store=store) as client, ThreadPoolExecutor(200) as pool:

        def call(_: int) -> None:
            start.wait()
            for _ in range(5):
                client.status()

        before = threads()
        list(pool.map(call, range(200)))
    # All the others are the caller's own.
    assert store.most_threads <= before + 200
    assert store.overlapped == 0
    assert store.loads < 500


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_users_at_once_need_few_threads(sandbox: Sandbox) -> None:
    record = sandbox.record()
    stores = [Noting(record, slow=0.01) for _ in range(200)]

    async def main() -> None:
        clients = [sandbox.async_client(store=store) for store in stores]
        await clients[0].status()
        before = threads()
        await asyncio.gather(*(client.status() for client in clients))
        assert max(store.most_threads for store in stores) <= before + 8

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_users_never_see_each_other(sandbox: Sandbox, mode: str) -> None:
    """One store for all, which knows by a context variable whose record it is to keep."""
    long = bool(os.environ.get("PARALLEL_ACCOUNT_LONG_TESTS"))
    users, requests = (200, 5000) if long else (40, 400)
    records = isolation_records(sandbox, users)
    owner = {record: number for number, record in records.items()}
    mixed: list[Any] = []

    class Tenants:
        def load(self) -> str | None:
            return records[user.get()]

        def replace(self, old: str | None, new: str | None) -> bool:
            raise AssertionError("nothing expires here")

    class AsyncTenants(Tenants):
        async def load(self) -> str | None:  # type: ignore[override]
            await asyncio.sleep(0)
            return records[user.get()]

    assert len(owner) == users
    plain = Tenants()

    def check(number: int, organizations: list[Any]) -> None:
        if [it.id for it in organizations] != [f"org_{number}"]:
            mixed.append((number, organizations))

    def blocking(request: int) -> None:
        number = request % users
        token = user.set(number)
        with sandbox.client(store=plain) as client:
            check(number, client.organizations())
        user.reset(token)

    async def main() -> None:
        at_once = asyncio.Semaphore(100)
        coroutines = AsyncTenants()

        async def one(request: int) -> None:
            number = request % users
            user.set(number)
            async with at_once:
                store = coroutines if request // users % 2 else plain
                async with sandbox.async_client(store=store) as client:
                    check(number, await client.organizations())

        await asyncio.gather(*(asyncio.ensure_future(one(it)) for it in range(requests)))

    if mode == "asyncio":
        asyncio.run(main())
    else:
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(blocking, range(requests)))
    assert mixed == []


def isolation_records(sandbox: Sandbox, users: int) -> dict[int, str]:
    record = sandbox.record()
    assert "org_sandbox" in record
    return {it: record.replace("org_sandbox", f"org_{it}") for it in range(users)}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_programs_when_a_store_raises_it(sandbox: Sandbox, error: Any) -> None:
    class Raises(Noting):
        async def load(self) -> str | None:  # type: ignore[override]
            raise error

    class RaisesPlainly(Noting):
        def load(self) -> str | None:
            raise error

    async def main(store: Any) -> None:
        await sandbox.async_client(store=store).status()

    ends = StoreError if error is asyncio.CancelledError else error
    started = time.monotonic()
    with pytest.raises(ends):
        asyncio.run(main(Raises(None)))
    # In a thread apart, it ends no program.
    with pytest.raises(StoreError, match=error.__name__):
        asyncio.run(main(RaisesPlainly(None)))
    for store in Raises(None), RaisesPlainly(None):
        with pytest.raises(ends):
            sandbox.client(store=store).status()
    assert time.monotonic() - started < 10
    assert not sandbox.client(store=Noting(None)).status().logged_in


@pytest.mark.parametrize(
    "options",
    [{"max_retries": 2**70}, {"max_retries": -(2**70)}, {"timeout": 10**400}]
    + [{"store_timeout": it} for it in (0, -1, float("nan"), 10**400, 1e9)],
)
def test_options_out_of_range(sandbox: Sandbox, options: Any) -> None:
    for make in sandbox.client, sandbox.async_client:
        with pytest.raises(ConfigError, match=next(iter(options))):
            make(**options)
    if "store_timeout" not in options:
        with pytest.raises(ConfigError, match=next(iter(options))):
            sandbox.client().with_options(**options).status()


def test_the_default_time_of_a_store(sandbox: Sandbox) -> None:
    assert not sandbox.client(store=Noting(None), store_timeout=None).status().logged_in


class Away(Noting):
    """Is away from the moment on in which a refresh has claimed, until it is told to be back."""

    away = False

    def load(self) -> str | None:
        if self.away:
            raise OSError("nobody is there")
        return super().load()

    def replace(self, old: str | None, new: str | None) -> bool:
        if self.away:
            raise OSError("nobody is there")
        replaced = super().replace(old, new)
        self.away = new is not None and '"claim"' in new
        return replaced


def test_what_was_not_saved_is_saved_though_the_client_is_gone(sandbox: Sandbox) -> None:
    store = Away(sandbox.record())
    client = sandbox.client(store=store)
    sandbox.control("POST", "/expire-access-token")
    with pytest.raises(StoreError, match="memory only"):
        client.balance.get()
    before = store.record
    store.away = False
    del client
    deadline = time.monotonic() + 30
    while store.record == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert sandbox.client(store=store).balance.get().org_id
    assert len(sandbox.requests("token.refresh")) == 1


class Deferring(Noting):
    """Its methods are plain and return what is to be awaited, as decorated ones do."""

    def load(self) -> Any:  # type: ignore[override]
        return self.where(super().load())

    def replace(self, old: str | None, new: str | None) -> Any:  # type: ignore[override]
        return self.where(super().replace(old, new))

    async def where(self, answer: Any) -> Any:
        self.threads = {threading.get_ident()}
        self.loop = asyncio.get_running_loop()
        return answer


def test_what_a_plain_method_returns_is_awaited_on_the_callers_loop(sandbox: Sandbox) -> None:
    async def main() -> None:
        store = Deferring(None)
        client = sandbox.async_client(store=store)
        for _ in range(2):
            assert not (await client.status()).logged_in
            assert store.loop is asyncio.get_running_loop()
            assert store.threads == {threading.get_ident()}
        await client.oauth.register()
        await client.aclose()

    asyncio.run(main())


def test_what_is_awaited_does_not_wait_for_the_thread_that_returned_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parallel_account import _store_calls

    awaited = threading.Event()

    class Slow(Deferring):
        async def where(self, answer: Any) -> Any:
            awaited.set()
            return answer

    async def main() -> None:
        loop = asyncio.get_running_loop()
        call_soon_threadsafe = loop.call_soon_threadsafe

        def slowly(callback: Any, *arguments: Any, **options: Any) -> asyncio.Handle:
            handle = call_soon_threadsafe(callback, *arguments, **options)
            if callback is _store_calls._start_on_loop:
                assert awaited.wait(10)
            return handle

        monkeypatch.setattr(loop, "call_soon_threadsafe", slowly)
        async with sandbox.async_client(store=Slow(None)) as client:
            assert not (await client.status()).logged_in
        assert awaited.is_set()

    asyncio.run(main())


def test_trio_runs_coroutines_on_its_loop(sandbox: Sandbox) -> None:
    trio: Any = pytest.importorskip("trio")
    seen: set[Any] = set()

    class InTrio(Noting):
        async def load(self) -> str | None:  # type: ignore[override]
            await trio.sleep(0)
            self.note()
            seen.add(trio.lowlevel.current_trio_token())
            return self.record

        async def replace(self, old: str | None, new: str | None) -> bool:  # type: ignore[override]
            await trio.sleep(0)
            seen.add(trio.lowlevel.current_trio_token())
            return super().replace(old, new)

    store = InTrio(sandbox.record())
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        user.set(5)
        async with sandbox.async_client(store=store) as client, trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(client.balance.get)
        assert seen == {trio.lowlevel.current_trio_token()}

    trio.run(main)
    assert store.users == {5}
    assert len(sandbox.requests("token.refresh")) == 1
