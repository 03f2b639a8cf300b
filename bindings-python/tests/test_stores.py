"""The stores that come along, and stores written in Python: good, bad, slow and asynchronous."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from own_stores import Asynchronous, Plain
from parallel_account import (
    AccountClient,
    AccountError,
    AsyncCredentialStore,
    ConfigError,
    CredentialStore,
    FileStore,
    MemoryStore,
    StoreCorruptError,
    StoreError,
)
from readme import snippet


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Callable[[int], Any]:
    """Makes the store that the README shows, for a user."""
    code = snippet("class DatabaseStore:")
    scope: dict[str, Any] = {}
    exec(code, scope)
    (schema,) = re.findall("^# (CREATE TABLE .*)", code, re.MULTILINE)
    path = str(tmp_path / "logins.db")
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(schema)
    return lambda user: scope["DatabaseStore"](path, user)


@pytest.mark.parametrize("kind", [Plain, Asynchronous, None], ids=["plain", "async", "sqlite"])
def test_a_whole_life_in_a_store_of_ones_own(
    sandbox: Sandbox, sqlite_store: Callable[[int], Any], kind: Any
) -> None:
    store = kind() if kind else sqlite_store(7)
    assert isinstance(store, CredentialStore)
    assert isinstance(store, AsyncCredentialStore)
    with sandbox.client(store=store, first_poll_at_once=True) as client:
        sandbox.log_in(client)
        assert type(store).__name__ in client.status().store
        sandbox.control("POST", "/expire-access-token")
        client.balance.get()
        client.settled()
        again = sandbox.client(store=store)
        assert again.balance.get().org_id
        client.logout()
        assert not again.status().logged_in


def test_coroutines_run_on_the_users_loop(sandbox: Sandbox) -> None:
    store = Asynchronous(sandbox.record())
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        async with sandbox.async_client(store=store) as client:
            await asyncio.gather(*(client.balance.get() for _ in range(20)))
        assert store.loops == {asyncio.get_running_loop()}

    asyncio.run(main())
    assert len(sandbox.requests("token.refresh")) == 1


def test_users_that_refresh_at_once(sandbox: Sandbox) -> None:
    stores = [Asynchronous(sandbox.record()) for _ in range(12)]
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        clients = [sandbox.async_client(store=store) for store in stores]
        await asyncio.gather(*(client.balance.get() for client in clients))
        # Stores must work however busy the application keeps its own executor.
        assert getattr(asyncio.get_running_loop(), "_default_executor", None) is None

    asyncio.run(main())
    assert len(sandbox.requests("token.refresh")) == 12


def test_users_of_one_database_that_refresh_at_once(
    sandbox: Sandbox, sqlite_store: Callable[[int], Any]
) -> None:
    clients = []
    for user in range(12):
        store = sqlite_store(user)
        assert store.replace(None, sandbox.record())
        clients.append(sandbox.client(store=store))
    with ThreadPoolExecutor(36) as threads:
        for expiry in range(1, 4):
            sandbox.control("POST", "/expire-access-token")
            list(threads.map(lambda client: client.balance.get(), clients * 3))
            assert len(sandbox.requests("token.refresh")) == 12 * expiry


@pytest.mark.parametrize("kind", [Plain, Asynchronous])
def test_clients_that_share_a_store_and_refresh_at_once(sandbox: Sandbox, kind: Any) -> None:
    store = kind(sandbox.record())
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        clients = [sandbox.async_client(store=store) for _ in range(12)]
        await asyncio.gather(*(client.balance.get() for client in clients))

    asyncio.run(main())
    assert len(sandbox.requests("token.refresh")) == 1
    assert sandbox.client(store=store).balance.get().org_id


def refresh_token(record: str | None) -> str:
    assert record is not None
    token = json.loads(record)["orgs"]["org_sandbox"]["control_api"]["refresh_token"]
    assert isinstance(token, str)
    return token


def test_a_lost_race(sandbox: Sandbox) -> None:
    record = sandbox.record()

    class Raced(Plain):
        """Somebody else writes just before, each of the first three times."""

        def replace(self, old: str | None, new: str | None) -> bool:
            if len(self.replaced) < 3:
                assert self.record is not None
                by = {"written_by_others": len(self.replaced)}
                self.record = json.dumps({**json.loads(self.record), **by})
            return super().replace(old, new)

    store = Raced(record)
    sandbox.control("POST", "/expire-access-token")
    client = sandbox.client(store=store)
    assert client.balance.get().org_id
    client.settled()
    assert store.replaced.count(False) == 3
    assert store.record is not None
    assert json.loads(store.record)["written_by_others"] == 2
    assert refresh_token(store.record) != refresh_token(record)
    assert len(sandbox.requests("token.refresh")) == 1


class NeverReplaces(Plain):
    def replace(self, old: str | None, new: str | None) -> bool:
        self.replaced.append(False)
        return False


class SaysItReplaced(Plain):
    def replace(self, old: str | None, new: str | None) -> bool:
        self.replaced.append(True)
        return True


def test_a_store_that_never_replaces(sandbox: Sandbox) -> None:
    store = NeverReplaces(sandbox.record())
    sandbox.control("POST", "/expire-access-token")
    with (
        sandbox.client(store=store) as client,
        pytest.raises(StoreError, match="replace must compare with exactly what its load returns"),
    ):
        client.balance.get()
    assert len(store.replaced) < 100
    assert sandbox.requests("token.refresh") == []


def test_a_store_that_only_says_it_replaced(sandbox: Sandbox) -> None:
    store = SaysItReplaced(sandbox.record())
    sandbox.control("POST", "/expire-access-token")
    with sandbox.client(store=store) as client:
        with contextlib.suppress(AccountError):
            client.balance.get()
        client.settled()
    assert len(store.replaced) < 100
    assert len(sandbox.requests("token.refresh")) <= 1


def expired(record: str) -> str:
    content = json.loads(record)
    content["orgs"]["org_sandbox"]["control_api"]["access_token_expires_at"] = 1
    return json.dumps(content)


@pytest.mark.parametrize("since", range(1, 8))
def test_another_users_record(sandbox: Sandbox, since: int) -> None:
    ours, theirs = expired(sandbox.record()), sandbox.record()

    class MixesUp(Plain):
        """From one of its operations on, it holds the record of somebody else."""

        operations = 0

        def operate(self) -> None:
            self.operations += 1
            if self.operations == since:
                self.record = theirs

        def load(self) -> str | None:
            self.operate()
            return super().load()

        def replace(self, old: str | None, new: str | None) -> bool:
            self.operate()
            return super().replace(old, new)

    store = MixesUp(ours)
    with sandbox.client(store=store) as client:
        assert client.balance.get().org_id
        client.settled()
    assert len(sandbox.requests("token.refresh")) <= 1
    if store.operations >= since:
        assert refresh_token(store.record) == refresh_token(theirs)
    assert sandbox.client(store=MemoryStore(store.record)).balance.get().org_id


def test_a_store_may_say_how_long_a_record_serves(sandbox: Sandbox) -> None:
    record = sandbox.record()
    loads = {}
    for seconds in (0, 600):
        store = Plain(record)
        store.cache_for = seconds  # type: ignore[attr-defined]
        with sandbox.client(store=store) as client:
            client.balance.get()
            first = store.loads
            for _ in range(5):
                client.balance.get()
            loads[seconds] = store.loads - first
    assert loads[0] >= 5
    assert loads[600] == 0
    for bad in (-1, float("nan"), 1e15, "soon"):
        store.cache_for = bad  # type: ignore[attr-defined]
        with pytest.raises(ConfigError, match="cache_for must be"):
            sandbox.client(store=store)


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
    assert store.replace(None, record)
    assert not store.replace(None, "another")
    assert not store.replace("another", None)
    assert store.load() == record
    assert store.replace(record, None)
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
        MemoryStore().replace(None, given)
