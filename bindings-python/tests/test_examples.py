"""The examples, run as their readers would run them, against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox

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


def test_service(sandbox: Sandbox) -> None:
    pytest.importorskip("uvicorn")
    code = """
import socket, uvicorn
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
uvicorn.run("service:app", fd=listener.fileno(), log_level="warning")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=EXAMPLES,
        env={
            **sandbox.environment,
            "PYTHONPATH": os.pathsep.join([os.fspath(EXAMPLES), *sys.path]),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        with process.stdout:
            base = f"http://127.0.0.1:{int(process.stdout.readline())}"
        assert ask(base, "GET", "/balance") == (
            401,
            {"error": "login_required", "message": "Nobody is logged in. Log in first."},
        )
        _, login = ask(base, "POST", "/login")
        sandbox.approve(user_code=login["code"])
        assert ask(base, "POST", "/login/wait", {"record": login["record"]})[0] == 200
        status, balance = ask(base, "GET", "/balance")
        assert (status, balance["credit_balance_cents"]) == (200, 5000.0)
    finally:
        process.terminate()
        process.wait(10)


def ask(base: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        base + path,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
