"""The end of a client: what is unsaved is saved first, and what nobody uses is freed."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from typing import Any

import pytest

from conftest import PRELUDE, Program, Relay, Sandbox
from parallel_account import AccountClient, AsyncAccountClient


class Database:
    """A store that is closed before its owner ends, as a pool of connections is."""

    def __init__(self, record: str) -> None:
        self.record = record
        self.open = True

    def load(self) -> str | None:
        assert self.open
        return self.record

    def replace(self, old: str | None, new: str | None) -> bool:
        assert self.open
        if self.record != old:
            return False
        assert new is not None
        self.record = new
        return True


class AsyncDatabase(Database):
    async def load(self) -> str | None:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().load()

    async def replace(self, old: str | None, new: str | None) -> bool:  # type: ignore[override]
        await asyncio.sleep(0.01)
        return super().replace(old, new)


@pytest.mark.parametrize("kind", [Database, AsyncDatabase])
@pytest.mark.parametrize("cancelled", [False, True], ids=["left", "cancelled"])
def test_leaving_an_async_client_saves_the_pair(
    sandbox: Sandbox, relay: Relay, kind: Any, cancelled: bool
) -> None:
    store = kind(sandbox.record())
    before = store.record
    sandbox.control("POST", "/expire-access-token")

    async def request() -> None:
        async with sandbox.async_client(store=store, platform_url=relay.url) as client:
            call = asyncio.ensure_future(client.balance.get())
            await asyncio.to_thread(relay.answered.wait, 30)
            call.cancel()
            asyncio.get_running_loop().call_later(0.1, relay.release)
            if cancelled:
                await asyncio.sleep(60)
        store.open = False

    async def main() -> None:
        task = asyncio.ensure_future(request())
        if cancelled:
            await asyncio.to_thread(relay.answered.wait, 30)
            for _ in range(3):
                # A scope of anyio's cancels again and again.
                await asyncio.sleep(0.02)
                task.cancel()
        await asyncio.wait([task])
        store.open = False
        assert task.cancelled() == cancelled

    asyncio.run(main())
    assert store.record != before
    assert len(sandbox.requests("token.refresh")) == 1
    store.open = True
    assert sandbox.client(store=store).balance.get().org_id


@pytest.mark.parametrize("kind", [Database, AsyncDatabase])
def test_closing_a_client_where_no_loop_runs_saves_the_pair(
    sandbox: Sandbox, relay: Relay, kind: Any
) -> None:
    store = kind(sandbox.record())
    before = store.record
    sandbox.control("POST", "/expire-access-token")
    client = sandbox.async_client(store=store, platform_url=relay.url)

    async def main() -> None:
        call = asyncio.ensure_future(client.balance.get())
        await asyncio.to_thread(relay.answered.wait, 30)
        call.cancel()

    asyncio.run(main())
    threading.Timer(0.1, relay.release).start()
    client.close()
    store.open = False
    assert store.record != before


def test_closing_a_blocking_client_saves_the_pair(program: Program) -> None:
    """The call is interrupted by Ctrl-C, and then its client is closed."""
    source = f"""{PRELUDE}
import json
record = json.loads(os.environ["RECORD"])
record["orgs"]["org_sandbox"]["control_api"]["access_token_expires_at"] = 1
class Database:
    record, calm = json.dumps(record), True
    def load(self):
        assert self.record
        return self.record
    def replace(self, old, new):
        if old != self.record:
            return False
        self.record = new
        if self.calm:
            self.calm = False
            signal.raise_signal(signal.SIGINT)
        return True
store = Database()
try:
    with AccountClient(store=store) as client:
        client.balance.get()
except KeyboardInterrupt:
    saved, store.record = store.record, None
    assert saved != json.dumps(record) and "claim" not in saved, saved
    AccountClient(store=MemoryStore(saved)).balance.get()
    print("saved")
"""
    ran = program(source)
    assert (ran.returncode, ran.stdout) == (0, "saved\n"), ran.stderr


def test_closing_waits_so_long_and_no_longer(sandbox: Sandbox, relay: Relay) -> None:
    store = AsyncDatabase(sandbox.record())
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        async with sandbox.async_client(store=store, platform_url=relay.url) as client:
            call = asyncio.ensure_future(client.balance.get())
            await asyncio.to_thread(relay.answered.wait, 30)
            call.cancel()
            started = time.monotonic()
        assert 4 < time.monotonic() - started < 20
        started = time.monotonic()
        client.close()
        assert time.monotonic() - started < 1

    asyncio.run(main())


class Owner:
    """Is the store of a client that it holds."""

    def __init__(self, make: Any, record: str) -> None:
        self.record = record
        self.client: AccountClient | AsyncAccountClient = make(store=self)
        self.view = self.client.with_options(timeout=9)
        self.login: Any = None

    def load(self) -> str | None:
        return self.record

    def replace(self, old: str | None, new: str | None) -> bool:
        assert new is not None
        self.record = new
        return True


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
@pytest.mark.parametrize("mode", ["blocking", "asyncio", "trio"])
def test_owners_of_their_client_are_collected(sandbox: Sandbox, mode: str, used: bool) -> None:
    make = sandbox.client if mode == "blocking" else sandbox.async_client
    owner: Owner | None = Owner(make, sandbox.record())
    assert owner is not None
    client: Any = owner.client

    async def use(owner: Owner, client: Any) -> None:
        await client.balance.get()
        owner.login = await client.start_login()

    if used:
        sandbox.control("POST", "/expire-access-token")
        if mode == "blocking":
            client.balance.get()
            owner.login = client.start_login()
        elif mode == "asyncio":
            asyncio.run(use(owner, client))
        else:
            pytest.importorskip("trio").run(use, owner, client)
    # Until it has ended, a refresh needs the store.
    client.close()
    gone = weakref.ref(owner)
    del owner, client
    deadline = time.monotonic() + 10
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
    assert gone() is None


def test_a_store_that_is_used_is_kept(sandbox: Sandbox, relay: Relay) -> None:
    """A refresh continues after everything that Python knew of it has gone."""
    store = Database(sandbox.record())
    before = store.record
    sandbox.control("POST", "/expire-access-token")

    class Wrapper:
        load = staticmethod(store.load)
        replace = staticmethod(store.replace)

    async def main() -> None:
        client = sandbox.async_client(store=Wrapper(), platform_url=relay.url)
        call = asyncio.ensure_future(client.balance.get())
        await asyncio.to_thread(relay.answered.wait, 30)
        call.cancel()

    asyncio.run(main())
    gc.collect()
    relay.release()
    deadline = time.monotonic() + 30
    while store.record == before or "claim" in store.record:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert sandbox.client(store=store).balance.get().org_id


def test_a_loop_that_stopped(sandbox: Sandbox, relay: Relay) -> None:
    """Neither running nor closed, it takes calls of the store that it never makes."""
    store = AsyncDatabase(sandbox.record())
    before = store.record
    sandbox.control("POST", "/expire-access-token")
    client = sandbox.async_client(store=store, platform_url=relay.url)
    loop = asyncio.new_event_loop()
    task = loop.create_task(client.balance.get())
    loop.run_until_complete(asyncio.to_thread(relay.answered.wait, 30))
    relay.release()
    started = time.monotonic()
    asyncio.run(client.settled())
    assert store.record != before
    assert time.monotonic() - started < 10
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()


@pytest.mark.parametrize("in_scope", [False, True])
def test_leaving_under_trio_saves_the_pair(sandbox: Sandbox, relay: Relay, in_scope: bool) -> None:
    trio: Any = pytest.importorskip("trio")

    class InTrio(Database):
        async def load(self) -> str | None:  # type: ignore[override]
            await trio.sleep(0)
            return super().load()

        async def replace(self, old: str | None, new: str | None) -> bool:  # type: ignore[override]
            await trio.sleep(0.01)
            return super().replace(old, new)

    store = InTrio(sandbox.record())
    before = store.record
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with sandbox.async_client(store=store, platform_url=relay.url) as client:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(client.balance.get)
                    await trio.to_thread.run_sync(relay.answered.wait, 30)
                    nursery.cancel_scope.cancel()
                threading.Timer(0.1, relay.release).start()
                if in_scope:
                    scope.cancel()
        store.open = False

    trio.run(main)
    assert store.record != before
