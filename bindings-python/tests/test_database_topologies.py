"""Clusters and sentinels of Redis, and replies that are lost on their way."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg_pool
import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from conftest import Sandbox
from databases import Engines, Redis, free_port
from parallel_account import StoreError
from parallel_account.stores import PostgresStore, RedisStore

numbers = itertools.count()


def a_key() -> str:
    return f"topology-{next(numbers)}"


class Cluster(Redis):
    def __init__(self) -> None:
        super().__init__()
        # Nodes talk to each other at a port 10,000 higher.
        while self.port > 55535:
            self.port = free_port()

    def command(self) -> list[str]:
        return [*super().command(), "--cluster-enabled", "yes"]


def test_a_redis_cluster() -> None:
    with Cluster() as engine:
        with redis.Redis(port=engine.port) as node:
            node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            while node.cluster("info")["cluster_state"] != "ok":
                time.sleep(0.05)
        with redis.RedisCluster(
            host="127.0.0.1", port=engine.port, decode_responses=True
        ) as client:
            store = RedisStore(client, "user")
            assert store.replace(None, "1")
            assert not store.replace(None, "2")
            assert store.load() == "1"

        async def asynchronous() -> None:
            async with redis.asyncio.RedisCluster(host="127.0.0.1", port=engine.port) as client:
                store = RedisStore(client, "user")
                assert await store.replace("1", "2")
                assert await store.load() == "2"

        asyncio.run(asynchronous())


class Sentinel(Redis):
    master = 0

    def command(self) -> list[str]:
        config = self.folder / "sentinel.conf"
        config.write_text(f"sentinel monitor main 127.0.0.1 {self.master} 1\n")
        config.chmod(0o666)
        return [*super().command()[:1], str(config), "--sentinel", "--port", str(self.port)]


def test_a_redis_behind_sentinels(engines: Engines) -> None:
    sentinel = Sentinel()
    sentinel.master = engines.redis.port
    with sentinel:
        watch = redis.Sentinel([("127.0.0.1", sentinel.port)])
        with watch.sentinels[0], watch.master_for("main") as client:
            assert RedisStore(client, "behind").replace(None, "1")

        async def asynchronous() -> None:
            watch = redis.asyncio.Sentinel([("127.0.0.1", sentinel.port)])
            async with watch.master_for("main") as client:
                assert await RedisStore(client, "behind").replace("1", None)
            for each in watch.sentinels:
                await each.aclose()

        asyncio.run(asynchronous())


class Cut:
    """Stands before an engine; once told, it cuts the connection where a reply would come."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.cut = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.upstream))
                for pair in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, replies: bool) -> None:
        with source, contextlib.suppress(OSError):
            while data := source.recv(1 << 20):
                if replies and self.cut.is_set():
                    self.cut.clear()
                    break
                sink.sendall(data)
            for end in (source, sink):
                end.shutdown(socket.SHUT_RDWR)


class LosesAReply:
    """A store whose reply to one `replace` is lost on its way."""

    def __init__(self, store: Any, cut: Cut, number: int) -> None:
        self.store, self.cut, self.left = store, cut, number
        self.load = store.load

    def replace(self, old: str | None, new: str | None) -> bool:
        self.left -= 1
        if self.left == 0:
            self.cut.cut.set()
        return bool(self.store.replace(old, new))


@pytest.fixture(params=["redis, which repeats", "redis, which does not", "postgres"])
def cuttable(request: pytest.FixtureRequest, engines: Engines) -> Iterator[tuple[Any, Cut]]:
    which = request.param
    engine = engines.postgres if which == "postgres" else engines.redis
    cut = Cut(engine.port)
    url = re.sub(rf":{engine.port}/", f":{cut.port}/", engine.url)
    if which == "postgres":
        with psycopg_pool.ConnectionPool(url, min_size=1, max_size=2) as pool:
            yield PostgresStore(pool, a_key()), cut
    else:
        options: Any = {"retry": Retry(NoBackoff(), 0)} if "not" in which else {}
        with redis.Redis.from_url(url, **options) as client:
            yield RedisStore(client, a_key()), cut
    cut.listener.close()


@pytest.mark.parametrize("number", [1, 2], ids=["claim", "commit"])
def test_a_reply_that_is_lost(sandbox: Sandbox, cuttable: tuple[Any, Cut], number: int) -> None:
    store, cut = cuttable
    assert store.replace(None, sandbox.record())
    sandbox.control("POST", "/expire-access-token")
    client = sandbox.client(store=LosesAReply(store, cut, number))
    # Whether the call fails is the database client's affair; the login must not be lost by it.
    with contextlib.suppress(StoreError):
        client.balance.get()
    assert not cut.cut.is_set()
    assert client.balance.get().org_id
    client.settled()
    assert len(sandbox.requests("token.refresh")) == 1
    # A process that knows only what is stored finds the pair there.
    another = sandbox.client(store=store)
    assert another.balance.get().org_id
    assert len(sandbox.requests("token.refresh")) == 1
    another.logout()
