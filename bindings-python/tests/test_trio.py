"""The asynchronous client under trio."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from conftest import Relay, Sandbox
from parallel_account import AccessDeniedError, AsyncAccountClient, FileStore, MemoryStore

trio: Any = pytest.importorskip("trio")


@pytest.fixture
def aclient(sandbox: Sandbox) -> AsyncAccountClient:
    return sandbox.async_client(store=MemoryStore(sandbox.record()))


def test_a_whole_life(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with sandbox.async_client(first_poll_at_once=True) as client:
            async with trio.open_nursery() as nursery:
                login = await client.start_login()
                nursery.start_soon(trio.to_thread.run_sync, sandbox.approve, login)
                kinds = [event.kind async for event in login]
            assert kinds[-1] == "authorized"
            assert (await login).logged_in
            app_id = (await client.apps.create("trio")).app_id
            assert [app.app_id for app in await client.apps.list()] == [app_id]
            await client.logout()
            assert not (await client.status()).logged_in
            login = await client.start_login()
            sandbox.deny(login)
            with pytest.raises(AccessDeniedError):
                await login.wait()

    trio.run(main)


def test_many_at_once(aclient: AsyncAccountClient) -> None:
    found = []

    async def one() -> None:
        found.append((await aclient.balance.get()).org_id)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(one)

    for _ in range(2):
        trio.run(main)
    assert found == ["org_sandbox"] * 400


def test_cancelling_stops_the_request(sandbox: Sandbox, aclient: AsyncAccountClient) -> None:
    async def main() -> None:
        sandbox.delay(times=1)
        started = time.monotonic()
        with trio.move_on_after(0.05) as scope:
            await aclient.balance.get()
        assert scope.cancelled_caught
        with pytest.raises(trio.TooSlowError), trio.fail_after(0):
            await aclient.balance.get()
        assert time.monotonic() - started < 5
        sandbox.control("DELETE", "/faults")
        assert (await aclient.balance.get()).org_id
        aclient.balance.get().close()

    trio.run(main)


def test_cancelling_keeps_the_refresh(sandbox: Sandbox, relay: Relay, tmp_path: Path) -> None:
    store = FileStore(tmp_path / "auth.json")
    assert store.replace(None, sandbox.record())
    before = store.load()
    client = sandbox.async_client(store=store, platform_url=relay.url)
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(client.balance.get)
            await trio.to_thread.run_sync(relay.answered.wait, 30)
            nursery.cancel_scope.cancel()
        assert store.load() == before
        relay.release()
        await client.settled()
        assert store.load() != before
        assert (await client.balance.get()).org_id

    trio.run(main)
    assert len(sandbox.requests("token.refresh")) == 1


def test_through_anyio(aclient: AsyncAccountClient) -> None:
    anyio: Any = pytest.importorskip("anyio")

    async def main() -> str:
        with anyio.fail_after(30):
            return (await aclient.balance.get()).org_id

    for backend in ("asyncio", "trio"):
        assert anyio.run(main, backend=backend) == "org_sandbox"
