"""The fixtures, in the tests of a user."""

from __future__ import annotations

from pathlib import Path

from conftest import Run

LOGIN = """
def test_one(parallel_account_client, parallel_sandbox):
    parallel_sandbox.set_balance(7)
    parallel_sandbox.fault("apps.list", status=500)
    assert parallel_account_client.balance.get().credit_balance_cents == 7

def test_two(parallel_account_client, parallel_sandbox):
    assert parallel_account_client.balance.get().credit_balance_cents == 5000
    assert parallel_account_client.apps.list() == []
    assert parallel_sandbox.counts()["families"] == 1
"""


def test_each_test_has_a_fresh_one(run_pytest: Run) -> None:
    assert run_pytest("-W", "error", test_it=LOGIN)[0]["passed"] == 2


def test_one_process_for_each_worker(run_pytest: Run, tmp_path: Path) -> None:
    # Each worker takes a test and waits for the others before it takes another.
    tests = """
import os, pathlib, pytest, threading

@pytest.mark.parametrize("n", range(8))
def test(n, parallel_account_client, parallel_sandbox):
    with open("pids-" + os.environ["PYTEST_XDIST_WORKER"], "a") as file:
        print(parallel_sandbox.pid, file=file)
    parallel_sandbox.set_balance(n)
    assert parallel_account_client.balance.get().credit_balance_cents == n
"""
    counts, said = run_pytest("-n", "2", "--dist", "load", test_it=tests)
    assert counts["passed"] == 8, said
    pids = [set(file.read_text().split()) for file in tmp_path.glob("pids-*")]
    assert [len(found) for found in pids] == [1, 1]
    assert len(set.union(*pids)) == 2


def test_asynchronous_tests(run_pytest: Run) -> None:
    tests = """
import pytest

async def calls(client):
    return (await client.balance.get()).credit_balance_cents

@pytest.mark.asyncio
async def test_asyncio(parallel_async_account_client):
    assert await calls(parallel_async_account_client) == 5000

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_anyio(parallel_async_account_client, anyio_backend):
    assert await calls(parallel_async_account_client) == 5000
"""
    counts, said = run_pytest("-W", "error", test_it=tests)
    assert counts == {"passed": 3}, said


def test_options_and_fixtures_of_the_session(run_pytest: Run) -> None:
    conftest = """
import pytest

@pytest.fixture(scope="session")
def parallel_sandbox_options():
    return {"org_name": "Mine", "starting_balance_cents": 1}

@pytest.fixture(scope="session")
def record(parallel_sandbox_session):
    return parallel_sandbox_session.login_record()
"""
    tests = """
import os

def test(record, parallel_sandbox_session):
    assert '"Mine"' in record
    assert parallel_sandbox_session.platform_url not in os.environ.values()

def test_it(parallel_account_client, parallel_sandbox_session, parallel_sandbox):
    assert parallel_sandbox is parallel_sandbox_session
    assert os.environ["PARALLEL_PLATFORM_URL"] == parallel_sandbox.platform_url
    assert parallel_account_client.balance.get().credit_balance_cents == 1
"""
    counts, said = run_pytest(conftest=conftest, test_it=tests)
    assert counts["passed"] == 2, said


def test_a_program_that_is_missing(run_pytest: Run) -> None:
    conftest = "import os; os.environ['PARALLEL_ACCOUNT_SANDBOX'] = '/nowhere'"
    counts, said = run_pytest(conftest=conftest, test_it=LOGIN)
    assert counts["error"] == 2
    assert "PARALLEL_ACCOUNT_SANDBOX names /nowhere, which is not a file. Name the program" in said
    assert "Traceback" not in said
    assert "_program.py" not in said


def test_without_parallel_account(run_pytest: Run) -> None:
    conftest = "import sys; sys.modules['parallel_account'] = None"
    tests = LOGIN + "\ndef test_http(parallel_sandbox):\n    assert parallel_sandbox.counts()\n"
    counts, said = run_pytest(conftest=conftest, test_it=tests)
    assert counts == {"passed": 1, "error": 2}, said
    assert "which is not installed here: pip install 'parallel-account[testing]'" in said
    assert "_pytest.py" not in said


def test_without_the_plugin(run_pytest: Run) -> None:
    """As without the extra: pytest names the fixture."""
    counts, said = run_pytest("-p", "no:parallel_account_sandbox", test_it=LOGIN)
    assert counts["error"] == 2
    assert "fixture 'parallel_account_client' not found" in said
