"""The data-API key: from a login to a key, with both clients and wherever they wait."""

from __future__ import annotations

import asyncio
import json
import sys
import types
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from conftest import PRELUDE, Program, Sandbox
from parallel_account import (
    AccountClient,
    AccountError,
    ConfigError,
    FileStore,
    LoginRequiredError,
    MemoryStore,
    PermissionDeniedError,
)
from readme import snippet

KEY_OF_THE_CLI = json.dumps(
    {"version": 1, "selected_org_id": "org_1", "orgs": {"org_1": {"api_key": "key-of-the-cli"}}}
)


def made(sandbox: Sandbox) -> int:
    return len(sandbox.requests("keys.create"))


def deleted(sandbox: Sandbox) -> int:
    return len(sandbox.requests("keys.delete"))


def stored(store: Any) -> Any:
    return json.loads(store.load() or "{}")["orgs"]["org_sandbox"]


async def value(given: Any) -> Any:
    return await given if hasattr(given, "__await__") else given


@pytest.fixture(params=["blocking", "asyncio"])
def make(request: pytest.FixtureRequest, sandbox: Sandbox) -> Any:
    return sandbox.client if request.param == "blocking" else sandbox.async_client


def test_a_key_is_made_once_and_stored(sandbox: Sandbox, make: Any) -> None:
    async def main() -> None:
        store = MemoryStore(sandbox.record())
        client = make(store=store)
        key = await value(client.api_key())
        assert type(key) is str
        assert key
        assert await value(client.api_key()) == key
        assert await value(make(store=store).api_key()) == key
        (app,) = await value(client.apps.list())
        assert app.app_name == "tests"
        assert stored(store)["api_key"] == key
        assert stored(store)["api_key_app_id"] == app.app_id
        assert made(sandbox) == 1

    asyncio.run(main())


def test_renewing_replaces_the_key(sandbox: Sandbox, make: Any) -> None:
    async def main() -> None:
        store = MemoryStore(sandbox.record())
        client, sibling = make(store=store), make(store=store)
        key = await value(client.api_key())
        assert await value(sibling.api_key()) == key
        renewed = await value(client.renew_api_key())
        assert renewed != key
        assert stored(store)["api_key"] == renewed
        # The sibling had the old one, so it is told of the one that replaced it.
        assert await value(sibling.renew_api_key()) == renewed
        assert await value(client.api_key()) == renewed
        assert (made(sandbox), deleted(sandbox)) == (2, 1)
        await value(client.logout())
        assert deleted(sandbox) == 2
        with pytest.raises(LoginRequiredError):
            await value(client.api_key())

    asyncio.run(main())


def test_a_key_of_the_cli_needs_no_login(sandbox: Sandbox, make: Any) -> None:
    async def main() -> None:
        client = make(store=MemoryStore(KEY_OF_THE_CLI))
        assert await value(client.api_key()) == "key-of-the-cli"
        assert made(sandbox) == 0

    asyncio.run(main())


def test_what_it_raises(sandbox: Sandbox, make: Any) -> None:
    async def main() -> None:
        with pytest.raises(LoginRequiredError):
            await value(make().api_key())
        client = make(first_poll_at_once=True)
        login = await value(client.start_login(scopes=["apps:read"]))
        sandbox.approve(login)
        await value(login.wait())
        before = len(sandbox.requests("apps"))
        for call in (client.api_key, client.renew_api_key):
            with pytest.raises(PermissionDeniedError, match="keys:create"):
                await value(call())
        assert len(sandbox.requests("apps")) == before
        client.close()
        with pytest.raises(ConfigError):
            await value(client.api_key())

    asyncio.run(main())


def test_answers_that_bring_no_key(sandbox: Sandbox, make: Any) -> None:
    async def main() -> None:
        client = make(store=MemoryStore(sandbox.record()), max_retries=0)
        app_id = (await value(client.apps.create("tests"))).app_id
        sandbox.fault("keys.create", drop_answer_after_processing=True)
        with pytest.raises(AccountError) as caught:
            await value(client.api_key())
        assert caught.value.outcome_unknown
        assert not caught.value.retryable
        assert app_id in str(caught.value) or "tests" in str(caught.value)
        answer = {"api_key_id": "k", "api_key_name": "n", "app_id": app_id}
        sandbox.fault("keys.create", status=200, body=answer)
        with pytest.raises(AccountError) as caught:
            await value(client.api_key())
        assert caught.value.code == "invalid_response"
        assert await value(client.api_key())

    asyncio.run(main())


def test_many_threads(sandbox: Sandbox, tmp_path: Path) -> None:
    store = FileStore(tmp_path / "auth.json")
    assert store.replace(None, sandbox.record())
    clients = [sandbox.client(store=FileStore(tmp_path / "auth.json")) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda it: clients[it % 4].api_key(), range(32)))
    assert len(keys) == 1
    assert made(sandbox) == 1


class Database:
    """A store of the application's."""

    def __init__(self, record: str | None) -> None:
        self.record = record

    def load(self) -> str | None:
        return self.record

    def replace(self, old: str | None, new: str | None) -> bool:
        if self.record != old:
            return False
        self.record = new
        return True


class AsyncDatabase(Database):
    def __init__(self, record: str | None, sleep: Callable[[float], Awaitable[None]]) -> None:
        super().__init__(record)
        self.sleep = sleep

    async def load(self) -> str | None:  # type: ignore[override]
        await self.sleep(0)
        return super().load()

    async def replace(self, old: str | None, new: str | None) -> bool:  # type: ignore[override]
        await self.sleep(0.001)
        return super().replace(old, new)


def test_many_tasks(sandbox: Sandbox) -> None:
    store = AsyncDatabase(sandbox.record(), asyncio.sleep)

    async def main() -> None:
        first, second = (sandbox.async_client(store=store) for _ in range(2))
        async with first, second:
            calls = [client.api_key() for client in (first, second) for _ in range(32)]
            keys = set(await asyncio.gather(*calls))
            assert len(keys) == 1
            renewed = await asyncio.gather(first.renew_api_key(), second.renew_api_key())
            assert keys.isdisjoint(renewed)
            assert len(set(renewed)) == 1

    asyncio.run(main())
    assert (made(sandbox), deleted(sandbox)) == (2, 1)


def test_under_trio(sandbox: Sandbox) -> None:
    trio: Any = pytest.importorskip("trio")
    keys: set[str] = set()

    async def main() -> None:
        store = AsyncDatabase(sandbox.record(), trio.sleep)
        async with sandbox.async_client(store=store) as client:

            async def one() -> None:
                keys.add(await client.api_key())

            async with trio.open_nursery() as nursery:
                for _ in range(32):
                    nursery.start_soon(one)
            keys.add(await client.renew_api_key())

    trio.run(main)
    assert (len(keys), made(sandbox), deleted(sandbox)) == (2, 2, 1)


def test_under_gevent(sandbox: Sandbox, program: Program) -> None:
    pytest.importorskip("gevent")
    source = f"""
import gevent
{PRELUDE}
calls = [gevent.spawn(client.api_key) for _ in range(32)]
gevent.joinall(calls, raise_error=True)
assert client.renew_api_key() not in {{call.value for call in calls}}
print(len({{call.value for call in calls}}))
"""
    ran = program(source)
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    assert (made(sandbox), deleted(sandbox)) == (2, 1)


def test_cancelling_keeps_the_key(sandbox: Sandbox) -> None:
    """A key that Parallel has made is stored, although nobody waits for it any more."""
    store = MemoryStore(sandbox.record())
    sandbox.fault("keys.create", delay_answer_ms=300)

    async def main() -> None:
        async with sandbox.async_client(store=store) as client:
            call = asyncio.ensure_future(client.api_key())
            while not made(sandbox):
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await client.settled()
            key = await client.api_key()
            assert stored(store)["api_key"] == key

    asyncio.run(main())
    assert made(sandbox) == 1


class Refused(Exception):
    """In place of the SDK's `AuthenticationError`."""


class Sdk:
    """In place of the SDK's client, as far as the recipe uses it."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key

    def with_options(self, *, api_key: str) -> Sdk:
        return Sdk(api_key)


T = TypeVar("T")


def test_the_recipe_of_the_readme(
    sandbox: Sandbox, client: AccountClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the names of the SDK, whose keys are refused here as the test wants it."""
    parallel: Any = types.ModuleType("parallel")
    parallel.AuthenticationError, parallel.Parallel = Refused, Sdk
    monkeypatch.setitem(sys.modules, "parallel", parallel)
    scope: dict[str, Any] = {}
    exec(snippet("def with_api_key"), scope)
    with_api_key = scope["with_api_key"]
    sdk = Sdk(client.api_key())
    refused = {sdk.api_key}
    tried: list[str] = []

    def search(sdk: Sdk) -> str:
        tried.append(sdk.api_key)
        if sdk.api_key in refused:
            raise Refused
        return "found"

    assert with_api_key(client, sdk, search) == "found"
    assert tried == [sdk.api_key, client.api_key()]
    assert made(sandbox) == 2
    # The new key serves later calls.
    assert with_api_key(client, sdk, search) == "found"
    assert made(sandbox) == 2

    def always(sdk: Sdk) -> None:
        tried.append(sdk.api_key)
        raise Refused

    tried.clear()
    with pytest.raises(Refused):
        with_api_key(client, sdk, always)
    assert len(set(tried)) == len(tried) == 2
    assert made(sandbox) == 3
