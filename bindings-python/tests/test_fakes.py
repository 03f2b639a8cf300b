"""What users' own tests are made of: protocols, models and errors without Parallel."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, create_autospec

import pytest

import parallel_account
from conftest import Sandbox
from parallel_account import (
    AccountClient,
    AccountError,
    Balance,
    DeviceLogin,
    RawResponse,
    protocols,
)
from readme import snippets

EXAMPLES = Path(__file__).parents[1] / "examples"
MADE = 'Balance(org_id="org_1", credit_balance_cents=100)'
RESOURCES = ("balance", "apps", "keys", "oauth")


def test_the_example() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_billing.py"]
    ended = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, timeout=60)
    assert "4 passed" in ended.stdout, ended.stdout + ended.stderr


@pytest.mark.parametrize("kind", [protocols.AccountClient, protocols.AsyncAccountClient])
def test_fakes_know_the_signatures(kind: Any) -> None:
    fake = create_autospec(kind, instance=True)
    with pytest.raises(AttributeError):
        fake.balances  # noqa: B018
    with pytest.raises(AttributeError):
        fake.balance.fetch  # noqa: B018
    with pytest.raises(TypeError):
        fake.balance.get("now")
    with pytest.raises(TypeError):
        fake.apps.create()
    with pytest.raises(TypeError):
        fake.login(on_prompts=print)
    awaited = kind is protocols.AsyncAccountClient
    assert isinstance(fake.keys.create, AsyncMock) is awaited
    assert isinstance(fake.logout, AsyncMock) is awaited
    assert not isinstance(fake.with_options, AsyncMock)
    if awaited:

        async def main() -> None:
            fake.oauth.register.return_value = "id"
            assert await fake.oauth.register() == "id"
            async with fake:
                pass
            fake.aclose.assert_not_awaited()

        asyncio.run(main())


def test_the_clients_are_what_the_protocols_say(sandbox: Sandbox) -> None:
    client, async_client = sandbox.client(), sandbox.async_client()
    assert isinstance(client, protocols.AccountClient)
    assert isinstance(async_client, protocols.AsyncAccountClient)
    assert not isinstance(object(), protocols.AccountClient)
    for real, prefix in ((client, ""), (async_client, "Async")):
        pairs = [(real, getattr(protocols, f"{prefix}AccountClient"))]
        for name in RESOURCES:
            kind = {"balance": "BalanceApi", "oauth": "OAuth"}.get(name, name.title())
            pairs.append((getattr(real, name), getattr(protocols, prefix + kind)))
        for it, protocol in pairs:
            left_out = {"with_raw_response", "closed", "close"}
            public = {name for name in dir(it) if not name.startswith("_")} - left_out
            assert public == {name for name in dir(protocol) if not name.startswith("_")} - left_out


def test_fakes_of_what_is_concrete() -> None:
    for kind in (AccountClient, DeviceLogin):
        assert create_autospec(kind, instance=True)
    fake = create_autospec(DeviceLogin, instance=True)
    fake.wait.return_value = "done"
    assert fake.wait() == "done"


def test_every_model_and_error_can_be_made() -> None:
    answer = RawResponse(200, "req-1", [("X-A", "1")], Balance(org_id="o", credit_balance_cents=1))
    assert answer.headers["x-a"] == "1"
    assert answer.parse().org_id == "o"
    for kind in vars(parallel_account).values():
        if isinstance(kind, type) and issubclass(kind, AccountError):
            with pytest.raises(kind, match="because"):
                raise kind("because", status=400, retryable=True)


def test_the_snippets_of_the_readme_are_those_of_the_examples() -> None:
    tests = {line.strip() for line in (EXAMPLES / "test_billing.py").read_text().splitlines()}
    shown = [it.code for it in snippets() if it.chapter == "Test your program"]
    lines = {line.strip() for code in shown for line in code.splitlines()}
    assert {it.replace("balance(100)", MADE) for it in tests} >= lines - {
        "from unittest.mock import create_autospec"
    }
    cells = json.loads((EXAMPLES / "notebook.ipynb").read_text())["cells"]
    (match,) = [it.code for it in snippets() if it.chapter == "Notebooks"]
    assert match.strip() in ["".join(cell["source"]) for cell in cells]
