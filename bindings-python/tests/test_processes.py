"""Several processes and interpreters: fork, multiprocessing, prefork servers, subinterpreters."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import PRELUDE, Program, Sandbox
from parallel_account import AccountClient, Balance, MemoryStore

FORK = """
first = client.balance.get()
assert asyncio.run(aclient.balance.get()) == first
for _ in range(3):
    child = os.fork()
    if not child:
        assert client.balance.get() == first
        assert asyncio.run(aclient.balance.get()) == first
        grandchild = os.fork()
        if not grandchild:
            assert client.balance.get() == first
            sys.exit(0)
        sys.exit(os.waitpid(grandchild, 0)[1])
    assert os.waitpid(child, 0)[1] == 0
assert client.balance.get() == first
assert asyncio.run(aclient.balance.get()) == first
print("end")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("busy", ["", "busy()"])
def test_fork(program: Program, busy: str) -> None:
    source = f"""{PRELUDE}
def busy():
    def work():
        while True:
            client.balance.get()
    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.1)
{busy}
{FORK}"""
    ran = program(source)
    assert (ran.returncode, ran.stdout) == (0, "end\n"), ran.stderr


def balance_in_child(client_or_record: Any, urls: dict[str, str]) -> Balance:
    client = client_or_record
    if isinstance(client, str):
        client = AccountClient(store=MemoryStore(client), **urls)
    balance = client.balance.get()
    assert isinstance(balance, Balance)
    return balance


def missing(urls: dict[str, str]) -> None:
    AccountClient(store=MemoryStore(), **urls).balance.get()


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_multiprocessing(sandbox: Sandbox, client: AccountClient, method: str) -> None:
    from parallel_account import LoginRequiredError

    record = sandbox.record()
    expected = client.balance.get()
    with multiprocessing.get_context(method).Pool(2) as pool:
        jobs = [(record, sandbox.urls)] * 4
        assert pool.starmap(balance_in_child, jobs) == [expected] * 4
        with pytest.raises(LoginRequiredError, match="Nobody is logged in"):
            pool.apply(missing, (sandbox.urls,))
    assert client.balance.get() == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_preload_then_workers(program: Program) -> None:
    """The shape of gunicorn --preload and of Celery: made and used before the workers fork."""
    source = f"""{PRELUDE}
import multiprocessing
def work(_):
    return [client.balance.get().org_id, asyncio.run(aclient.balance.get()).org_id]
client.balance.get()
asyncio.run(aclient.balance.get())
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert pool.map(work, range(9)) == [["org_sandbox"] * 2] * 9
print("end", client.balance.get().org_id)
"""
    ran = program(source)
    assert (ran.returncode, ran.stdout) == (0, "end org_sandbox\n"), ran.stderr


def test_a_login_from_before_a_fork(program: Program) -> None:
    source = f"""{PRELUDE}
login = client.start_login()
child = os.fork()
if not child:
    try:
        login.poll()
    except ConfigError as error:
        assert "resume_login" in str(error)
        assert client.resume_login(login.pending_record()).user_code == login.user_code
        os._exit(0)
    os._exit(1)
assert os.waitpid(child, 0)[1] == 0
"""
    ran = program(source)
    assert ran.returncode == 0, ran.stderr


def test_subinterpreters_are_refused_clearly() -> None:
    interpreters = pytest.importorskip("_xxsubinterpreters")
    search = str(Path(sys.modules["parallel_account"].__file__ or "").parents[1])
    source = f"import sys; sys.path.insert(0, {search!r}); import parallel_account"
    interpreter = interpreters.create()
    try:
        with pytest.raises(interpreters.RunFailedError, match="ImportError"):
            interpreters.run_string(interpreter, source)
    finally:
        interpreters.destroy(interpreter)
