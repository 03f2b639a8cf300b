"""Stores that hang: what they cost, and whom they hold up."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import Sandbox
from noting_stores import Noting, threads
from parallel_account import MemoryStore, StoreError


class Hanging(Noting):
    def __init__(self) -> None:
        super().__init__(None)
        self.hangs = threading.Event()
        self.release = threading.Event()

    def load(self) -> str | None:
        self.loads += 1
        self.hangs.set()
        self.release.wait(50)
        return None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_store_that_hangs_costs_one_thread_or_call(sandbox: Sandbox) -> None:
    words = r"load\(\).* not finish within 0.2 s.*store_timeout"
    store = Hanging()

    async def main() -> None:
        client = sandbox.async_client(store=store, store_timeout=0.2)
        ends = []
        for _ in range(3):
            calls = (client.status() for _ in range(20))
            ends += await asyncio.gather(*calls, return_exceptions=True)
        for end in ends:
            with pytest.raises(StoreError, match=words):
                raise end
        assert store.loads == 1
        assert threads() <= before + 1

    asyncio.run(sandbox.async_client(store=MemoryStore()).status())
    before = threads()
    asyncio.run(main())
    store.release.set()

    # A blocking call cannot leave the method that hangs in its own thread; the others do.
    store = Hanging()
    client = sandbox.client(store=store, store_timeout=0.2)
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(client.status)
        assert store.hangs.wait(30)
        for _ in range(3):
            with pytest.raises(StoreError, match=words):
                client.status()
        assert store.loads == 1
        assert not stuck.done()
        store.release.set()
        with pytest.raises(StoreError, match=words):
            stuck.result(30)
    assert not client.status().logged_in


def test_stores_that_hang_hold_up_other_users_until_their_time_is_over(sandbox: Sandbox) -> None:
    release = threading.Event()

    class Stuck(Noting):
        def load(self) -> str | None:
            release.wait(60)
            return None

    async def main() -> None:
        stuck = [sandbox.async_client(store=Stuck(None), store_timeout=1) for _ in range(8)]
        hung = [asyncio.create_task(client.status()) for client in stuck]
        await asyncio.sleep(0)
        healthy = sandbox.async_client(store=Noting(None), store_timeout=30)
        # Nobody releases the stuck ones before it, which would take a minute.
        status = await asyncio.wait_for(healthy.status(), 25)
        assert not status.logged_in
        for task in hung:
            with pytest.raises(StoreError, match="store_timeout"):
                await task
        release.set()

    try:
        asyncio.run(main())
    finally:
        release.set()
