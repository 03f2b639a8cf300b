"""Several processes and interpreters: fork, multiprocessing, prefork servers, subinterpreters."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import ssl
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from conftest import PRELUDE, Program, Relay, Sandbox
from parallel_account import AccountClient, AsyncAccountClient, Balance, FileStore, MemoryStore

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


ROOTS = """
import itertools, ssl
bundle = ssl.get_default_verify_paths().cafile or ssl.get_default_verify_paths().openssl_cafile
number = itertools.count()
def make():
    # Roots are read once for each name, so this one is new.
    name = os.path.join(folder, f"{os.getpid()}-{next(number)}.pem")
    os.symlink(bundle, name)
    AccountClient(store=store, ca_bundle=name).close()
def work():
    while True:
        make()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
for _ in range(100):
    child = os.fork()
    if not child:
        signal.alarm(20)  # ends a child that waits for a lock that nobody holds
        make()
        assert client.balance.get().org_id
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print("end")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_while_certificates_are_read(program: Program, tmp_path: Path) -> None:
    paths = ssl.get_default_verify_paths()
    if not os.path.exists(paths.cafile or paths.openssl_cafile):
        pytest.skip("needs a file of certificates")
    ran = program(f"{PRELUDE}\nfolder = {str(tmp_path)!r}\n{ROOTS}")
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


POOL = """
def work(_):
    return [client.balance.get().org_id, asyncio.run(aclient.balance.get()).org_id]
client.balance.get()
asyncio.run(aclient.balance.get())
with {pool}(3) as pool:
    assert pool.map(work, range(9)) == [["org_sandbox"] * 2] * 9
print("end", client.balance.get().org_id)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("pool", ["multiprocessing.get_context('fork').Pool", "billiard.Pool"])
def test_used_before_the_workers_fork(program: Program, pool: str) -> None:
    """The second is what Celery's prefork pool is made of."""
    library = pool.partition(".")[0]
    pytest.importorskip(library)
    ran = program(f"{PRELUDE}\nimport {library}\n{POOL.format(pool=pool)}")
    assert (ran.returncode, ran.stdout) == (0, "end org_sandbox\n"), ran.stderr


SERVICE = f"""{PRELUDE}
before_the_fork = client.balance.get().org_id, asyncio.run(aclient.balance.get()).org_id
def app(environ, start_response):
    found = client.balance.get().org_id, asyncio.run(aclient.balance.get()).org_id
    assert found == before_the_fork
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_gunicorn_with_preload(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("gunicorn")
    (tmp_path / "service.py").write_text(SERVICE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        options = ["--preload", "--workers=3", f"--worker-class={kind}", "--threads=4"]
        options += [f"--bind=fd://{listener.fileno()}", "--log-level=warning"]
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "service:app"],
            cwd=tmp_path,
            env={**sandbox.environment, "RECORD": sandbox.record()},
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(_: int) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            body: bytes = answer.read()
            return body

    try:
        with ThreadPoolExecutor(8) as pool:
            answered_by = set(pool.map(ask, range(60)))
        assert answered_by
        assert str(process.pid).encode() not in answered_by
    finally:
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def interrupted(path: Path, urls: dict[str, str], tell: Connection) -> None:
    """What a worker does whose last call was cancelled in the middle of a refresh."""

    async def main() -> None:
        client = AsyncAccountClient(store=FileStore(path), **urls)
        call = asyncio.ensure_future(client.balance.get())
        await asyncio.to_thread(tell.recv)
        call.cancel()
        await asyncio.wait([call])

    asyncio.run(main())
    tell.send("stopped")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_the_end_of_a_worker_waits_for_its_refresh(
    sandbox: Sandbox, relay: Relay, tmp_path: Path, method: str
) -> None:
    path = tmp_path / "auth.json"
    store = FileStore(path)
    assert store.replace(None, sandbox.record())
    before = store.load()
    sandbox.control("POST", "/expire-access-token")
    context: Any = multiprocessing.get_context(method)
    tell, told = context.Pipe()
    urls = {**sandbox.urls, "platform_url": relay.url}
    process = context.Process(target=interrupted, args=(path, urls, told))
    process.start()
    assert relay.answered.wait(30)
    tell.send("cancel")
    assert tell.recv() == "stopped"
    process.join(0.3)
    assert process.exitcode is None
    assert store.load() == before
    relay.release()
    process.join(30)
    assert process.exitcode == 0
    assert store.load() != before
    assert len(sandbox.requests("token.refresh")) == 1


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
    search = str(Path(sys.modules["parallel_account"].__file__ or "").parents[1])
    source = f"""
import sys
sys.path.insert(0, {search!r})
try:
    import parallel_account
except ImportError as error:
    assert "interpreter" in str(error), error
else:
    raise AssertionError("imported")
"""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    interpreters = pytest.importorskip(name)
    interpreter = interpreters.create()
    try:
        # Until 3.13 it raises what goes wrong, from then on it answers with it.
        assert interpreters.run_string(interpreter, source) is None
    finally:
        interpreters.destroy(interpreter)
