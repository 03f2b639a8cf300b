"""The stores that come along, and stores written in Python: good, bad, slow and asynchronous."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from parallel_account import (
    AccountClient,
    CredentialStore,
    FileStore,
    MemoryStore,
    StoreCorruptError,
    StoreError,
)


class Plain:
    def __init__(self, record: str | None = None) -> None:
        self.record = record
        self.saves = 0
        self.threads: set[int] = set()

    def load(self) -> str | None:
        self.threads.add(threading.get_ident())
        return self.record

    def save(self, record: str) -> None:
        self.record = record
        self.saves += 1

    def delete(self) -> None:
        self.record = None


class Locking(Plain):
    def __init__(self, record: str | None = None) -> None:
        super().__init__(record)
        self.mutex = threading.RLock()
        self.log: list[str] = []

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        # An RLock must be released by the thread that took it.
        with self.mutex:
            self.log.append("locked")
            yield
            self.log.append("released")

    def save(self, record: str) -> None:
        self.log.append("saved")
        super().save(record)


class Asynchronous:
    def __init__(self, record: str | None = None) -> None:
        self.record = record
        self.loops: set[Any] = set()
        self.log: list[str] = []

    async def load(self) -> str | None:
        self.loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return self.record

    async def save(self, record: str) -> None:
        await asyncio.sleep(0)
        self.log.append("saved")
        self.record = record

    async def delete(self) -> None:
        self.record = None

    @contextlib.asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        self.log.append("locked")
        yield
        self.log.append("released")


@pytest.mark.parametrize("kind", [Plain, Locking, Asynchronous])
def test_a_whole_life_in_a_store_of_ones_own(sandbox: Sandbox, kind: Any) -> None:
    store = kind()
    assert isinstance(store, CredentialStore)
    with sandbox.client(store=store, first_poll_at_once=True) as client:
        sandbox.log_in(client)
        assert kind.__name__ in client.status().store
        sandbox.control("POST", "/expire-access-token")
        client.balance.get()
        assert sandbox.client(store=MemoryStore(store.record)).balance.get().org_id
        client.logout()
        assert not client.status().logged_in


def test_the_refresh_happens_under_the_stores_lock(sandbox: Sandbox) -> None:
    store = Locking(sandbox.record())
    sandbox.control("POST", "/expire-access-token")
    threads = [threading.Thread(target=sandbox.client(store=store).balance.get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.log[:3] == ["locked", "saved", "released"]
    assert len(sandbox.requests("token.refresh")) == 1


def test_coroutines_run_on_the_users_loop(sandbox: Sandbox) -> None:
    store = Asynchronous(sandbox.record())
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        async with sandbox.async_client(store=store) as client:
            await asyncio.gather(*(client.balance.get() for _ in range(20)))
        assert store.loops == {asyncio.get_running_loop()}

    asyncio.run(main())
    assert store.log[:3] == ["locked", "saved", "released"]
    assert store.log.count("saved") == 1


class Failing(Plain):
    def load(self) -> str | None:
        raise PermissionError("the vault is sealed: hunter22")


class Odd(Plain):
    def load(self) -> Any:
        return 7


class Garbage(Plain):
    def load(self) -> str | None:
        return "{not json"


class Hanging(Plain):
    release = threading.Event()

    def load(self) -> str | None:
        self.release.wait(30)
        return None


class HangingAsync(Plain):
    async def load(self) -> str | None:  # type: ignore[override]
        await asyncio.sleep(30)
        return None


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_bad_stores_lead_to(sandbox: Sandbox, asynchronous: bool) -> None:
    def status(store: Any) -> Any:
        if not asynchronous:
            return sandbox.client(store=store, store_timeout=0.3).status()

        async def main() -> Any:
            return await sandbox.async_client(store=store, store_timeout=0.3).status()

        return asyncio.run(main())

    with pytest.raises(StoreError, match=r"Failing failed in load\(\): PermissionError") as caught:
        status(Failing())
    assert isinstance(caught.value.__cause__, PermissionError)
    assert "hunter22" not in str(caught.value)
    with pytest.raises(StoreError) as caught:
        status(Odd())
    assert "str or None" in str(caught.value.__cause__)
    with pytest.raises(StoreCorruptError):
        status(Garbage())
    Hanging.release.clear()
    started = time.monotonic()
    for store in (Hanging(), HangingAsync()):
        with pytest.raises(StoreError, match="load"):
            status(store)
    assert time.monotonic() - started < 10
    Hanging.release.set()


def test_a_store_that_calls_back(sandbox: Sandbox) -> None:
    record = sandbox.record()
    clients: list[AccountClient] = []

    class Curious(Plain):
        def load(self) -> str | None:
            clients[1].balance.get()
            return super().load()

    clients.append(sandbox.client(store=Curious(record)))
    clients.append(sandbox.client(store=MemoryStore(record)))
    assert clients[0].balance.get() == clients[1].balance.get()


def test_a_lock_that_fails_or_hangs(sandbox: Sandbox) -> None:
    record = sandbox.record()
    sandbox.control("POST", "/expire-access-token")

    class Broken(Plain):
        def lock(self) -> Any:
            raise OSError("no lock")

    class Stuck(Plain):
        @contextlib.contextmanager
        def lock(self) -> Iterator[None]:
            time.sleep(1)
            yield

    with pytest.raises(StoreError, match="lock") as caught:
        sandbox.client(store=Broken(record)).balance.get()
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(StoreError, match="lock"):
        sandbox.client(store=Stuck(record), store_timeout=0.2).balance.get()
    assert sandbox.requests("token.refresh") == []


def test_file_store(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "auth.json"
    store = FileStore(path)
    assert store.load() is None
    sandbox.log_in(sandbox.client(store=store, first_poll_at_once=True))
    assert sandbox.client(store=FileStore(str(path))).balance.get().org_id
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in store.location
    assert str(path) in repr(store)
    path.write_text("{broken")
    with pytest.raises(StoreCorruptError, match="corrupt"):
        sandbox.client(store=store).status()
    record = MemoryStore(sandbox.record()).load()
    assert record is not None
    store.save(record)
    assert store.load() == record
    store.delete()
    assert store.load() is None


def test_default_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert "my-app" in FileStore.default_for("my-app").location
    assert "parallel-web-tools" in FileStore.parallel_cli().location
    assert not AccountClient(client_name="my-app").status().logged_in


@pytest.mark.parametrize("given", [7, b"x", object()])
def test_wrong_types(given: Any) -> None:
    with pytest.raises(TypeError):
        MemoryStore(given)
    with pytest.raises(TypeError):
        FileStore(given)  # bytes are no path here
    with pytest.raises(TypeError):
        MemoryStore().save(given)
