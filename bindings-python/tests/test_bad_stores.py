"""Stores that fail, hang, and return what they should not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Sandbox
from own_stores import Plain
from parallel_account import (
    ConfigError,
    StoreCorruptError,
    StoreError,
)


class Failing(Plain):
    def load(self) -> str | None:
        raise PermissionError("the vault is sealed: hunter22")


class Odd(Plain):
    def load(self) -> Any:
        return 7


class Garbage(Plain):
    def load(self) -> str | None:
        return "{not json"


class HangingAsync(Plain):
    async def load(self) -> str | None:  # type: ignore[override]
        await asyncio.sleep(30)
        return None


@pytest.fixture(params=["blocking", "asyncio"])
def make(request: pytest.FixtureRequest, sandbox: Sandbox) -> Callable[..., Any]:
    """Makes a call with a client of either kind: its name, the store, options."""

    def make(call: str, store: Any, **options: Any) -> Any:
        if request.param == "blocking":
            return getattr(sandbox.client(store=store, **options), call)()

        async def main() -> Any:
            return await getattr(sandbox.async_client(store=store, **options), call)()

        return asyncio.run(main())

    return make


def test_what_bad_loads_lead_to(make: Any) -> None:
    with pytest.raises(StoreError, match=r"Failing: load\(\) failed: PermissionError") as caught:
        make("status", Failing())
    assert isinstance(caught.value.__cause__, PermissionError)
    assert "hunter22" not in str(caught.value)
    with pytest.raises(StoreError, match="must return a str or None, not int"):
        make("status", Odd())
    with pytest.raises(StoreCorruptError):
        make("status", Garbage())
    started = time.monotonic()
    with pytest.raises(StoreError, match=r"load\(\).* not finish within 0.3 s.*store_timeout"):
        make("status", HangingAsync(), store_timeout=0.3)
    assert time.monotonic() - started < 10


def bad_replace(what: Callable[[], Any]) -> type[Plain]:
    class Bad(Plain):
        def replace(self, old: str | None, new: str | None) -> Any:
            return what()

    return Bad


@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_replace_must_return_a_bool(sandbox: Sandbox, make: Any, value: Any) -> None:
    kind = type(value).__name__
    with pytest.raises(StoreError, match=f"replace.* must return True or False, not {kind}"):
        make("logout", bad_replace(lambda: value)(sandbox.record()))


def test_a_replace_that_raises_or_hangs(sandbox: Sandbox, make: Any) -> None:
    def refuse() -> bool:
        raise OSError("no room: hunter22")

    with pytest.raises(StoreError, match=r"replace\(\) failed: OSError") as caught:
        make("logout", bad_replace(refuse)(sandbox.record()))
    assert isinstance(caught.value.__cause__, OSError)
    assert "hunter22" not in str(caught.value)
    # It hangs for longer than it may, and in a blocking call's own thread.
    with pytest.raises(StoreError, match=r"replace\(\).* not finish within 0.3 s"):
        make("logout", bad_replace(lambda: time.sleep(1))(sandbox.record()), store_timeout=0.3)


@pytest.mark.parametrize("missing", ["load", "replace"])
def test_a_store_without_a_method(sandbox: Sandbox, missing: str) -> None:
    store: Any = Plain()
    setattr(store, missing, None)
    with pytest.raises(ConfigError, match=f"replace.*has no {missing}"):
        sandbox.client(store=store)
