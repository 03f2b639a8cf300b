"""Stores that call clients: their own, which is refused, and others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Sandbox
from own_stores import Asynchronous, Plain
from parallel_account import (
    AccountError,
    AsyncAccountClient,
    ConfigError,
    StoreError,
)


class CallsItsClient(Plain):
    """Keeps what its own call of the client came to."""

    def __init__(self, record: str | None) -> None:
        super().__init__(record)
        self.call: Callable[[], Any] = list
        self.seen: list[AccountError] = []

    def load(self) -> str | None:
        try:
            self.call()
        except AccountError as error:
            self.seen.append(error)
        return super().load()


class CallsItsClientAsync(Asynchronous):
    def __init__(self, record: str | None) -> None:
        super().__init__(record)
        self.call: Callable[[], Any] = list
        self.seen: list[AccountError] = []

    async def load(self) -> str | None:
        try:
            await asyncio.sleep(0)
            await asyncio.ensure_future(self.call())
        except AccountError as error:
            self.seen.append(error)
        return await super().load()


def refused(store: CallsItsClient | CallsItsClientAsync) -> None:
    for error in store.seen:
        assert isinstance(error, ConfigError)
        assert "must not call its client" in str(error)
    assert store.seen
    store.seen.clear()


def test_a_store_that_calls_its_client(sandbox: Sandbox) -> None:
    store = CallsItsClient(sandbox.record())
    client = sandbox.client(store=store)
    login = client.start_login()
    calls = [client.status, client.with_options(timeout=5).balance.get, client.settled, login.poll]
    for store.call in calls:
        started = time.monotonic()
        assert client.balance.get().org_id
        assert time.monotonic() - started < 5
        refused(store)


def test_an_async_store_that_calls_its_client(sandbox: Sandbox) -> None:
    async def main() -> None:
        store = CallsItsClientAsync(sandbox.record())
        client = sandbox.async_client(store=store)
        store.call = client.status
        assert (await client.balance.get()).org_id
        refused(store)
        # Of two kinds of clients, and on a loop of its own.
        await asyncio.to_thread(blocking)

    def blocking() -> None:
        store = CallsItsClientAsync(sandbox.record())
        client = sandbox.client(store=store)

        async def call() -> None:
            client.status()

        store.call = call
        assert client.balance.get().org_id
        refused(store)

    asyncio.run(main())


def test_what_it_says_to_who_called_first(sandbox: Sandbox) -> None:
    class Recursive(Plain):
        def load(self) -> str | None:
            client.status()
            return super().load()

    client = sandbox.client(store=Recursive())
    with pytest.raises(StoreError, match=r"Recursive: load.*must not call its client") as caught:
        client.status()
    assert isinstance(caught.value.__cause__, ConfigError)


def test_stores_that_call_each_others_clients(sandbox: Sandbox) -> None:
    record = sandbox.record()
    stores = CallsItsClient(record), CallsItsClient(record)
    clients = [sandbox.client(store=store) for store in stores]
    stores[0].call = clients[1].status
    stores[1].call = clients[0].status
    assert clients[0].balance.get().org_id
    assert stores[0].seen == []
    refused(stores[1])


def test_a_store_may_call_another_client(sandbox: Sandbox) -> None:
    record = sandbox.record()
    other = sandbox.client(store=Plain(record))
    another = sandbox.async_client(store=Asynchronous(record))

    store = CallsItsClient(record)
    store.call = other.balance.get
    assert sandbox.client(store=store).balance.get().org_id
    assert store.seen == []

    async def main(client: AsyncAccountClient) -> None:
        assert (await client.balance.get()).org_id

    astore = CallsItsClientAsync(record)
    astore.call = another.balance.get
    asyncio.run(main(sandbox.async_client(store=astore)))
    assert astore.seen == []
    assert len(sandbox.requests("balance.get")) == 4
