"""The examples, run as their readers would run them, against the sandbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
