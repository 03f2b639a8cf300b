"""The examples, run as their readers would run them, against the sandbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from parallel_account import AccountClient, CredentialStore, MemoryStore
from readme import snippet

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_cli(sandbox: Sandbox, tmp_path: Path) -> None:
    environment = {**sandbox.environment, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, EXAMPLES / "cli.py", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    refused = run("balance")
    assert refused.returncode == 1
    assert refused.stderr == "my-command: Nobody is logged in. Log in first.\n"
    sandbox.control("POST", "/options", approve_after=0.01)
    try:
        assert run("login").stdout == "Logged in: Sandbox Inc.\n"
    finally:
        sandbox.control("POST", "/options", approve_after=None)
    assert run("balance").stdout == "50.00 USD\n"
    assert run("add", "250").stdout == "52.50 USD\n"
    assert "amount" in run("add", "0").stderr
    assert run("logout").returncode == 0
    assert run("balance").returncode == 1


def test_clients_of_the_readme(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    scope: dict[str, Any] = {"AccountClient": AccountClient, "CredentialStore": CredentialStore}
    exec(snippet("class Clients:"), scope)
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    client_id = AccountClient().oauth.register()
    stores = {user: MemoryStore() for user in "abcd"}
    clients = scope["Clients"](client_id, stores.__getitem__, most=2)
    first = clients.of("a")
    login = first.start_login()
    sandbox.approve(login)
    login.wait()
    # The one registration serves every user's login.
    clients.of("b").start_login()
    assert len(sandbox.requests("register")) == 1
    assert first.status().client_id == client_id
    assert clients.of("a") is first
    assert not clients.of("b").status().logged_in
    clients.of("c")
    clients.of("d")
    assert list(clients.kept) == ["c", "d"]
    # Whoever held it continues, and the login is in the store.
    assert first.balance.get().org_id
    assert clients.of("a") is not first
    assert clients.of("a").balance.get().org_id
    clients.close()
    assert all(client.closed for client in clients.kept.values())
