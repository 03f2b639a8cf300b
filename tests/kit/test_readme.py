"""The blocks of testkit/python/README.md, as they are written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from conftest import Run
from parallel_account_sandbox import AccountSandbox

README = Path(__file__).parents[2] / "testkit/python/README.md"
TESTS, HOME, PROGRAM = re.findall("```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_tests(run_pytest: Run) -> None:
    counts, said = run_pytest(test_it=TESTS)
    assert counts["passed"] == 2, said


def test_the_home_folder(run_pytest: Run, tmp_path: Path) -> None:
    tests = """
from parallel_account import AccountClient

def test(parallel_sandbox):
    with AccountClient(client_name="my-app") as client:
        client.login(on_prompt=parallel_sandbox.approve, open_browser=False)
        assert str(tmp := client.status().store).startswith("TMP"), tmp
"""
    arguments = ("--basetemp", str(tmp_path / "temp"))
    tests = tests.replace("TMP", str(tmp_path / "temp"))
    counts, said = run_pytest(*arguments, conftest=HOME, test_it=tests)
    assert counts["passed"] == 1, said


def test_the_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60
    )
    expected = re.findall(r"  # (.*)", PROGRAM)
    assert ended.stdout.splitlines() == expected, ended.stderr


def test_every_method_is_in_the_table() -> None:
    shown = set(re.findall(r"`(?:\w+=?, ?)*(\w+)\(", README.read_text()))
    shown |= set(re.findall(r"(\w+)\([^)]*\)`", README.read_text()))
    public = {name for name in dir(AccountSandbox) if not name.startswith("_")}
    assert public - shown == {"pid"}, public - shown
