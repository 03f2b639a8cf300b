"""Faults that were found once, each with the test that would have shown it."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import parallel_account
from conftest import PRELUDE, Program, Sandbox
from parallel_account import (
    AccountClient,
    AccountError,
    ApiKey,
    ConfigError,
    DeviceCode,
    InvalidField,
    MemoryStore,
    Status,
    Tokens,
)

CODE = DeviceCode(
    device_code="canary",
    user_code="AB-CD",
    verification_uri="https://example.com",
    expires_in=600.0,
    interval=5.0,
)


def test_a_call_of_a_destructor_in_the_midst_of_a_call(program: Program) -> None:
    """Where the first call of a thread asks Python who it is, the garbage collector may run."""
    source = """
import gc
class Last:
    def __del__(self):
        done.append(other.status().logged_in)

def collect(*arguments):
    circle = [Last()]
    circle.append(circle)
    del circle
    gc.collect()
    return real()

other = AccountClient(store=MemoryStore(os.environ["RECORD"]))
done = []
real = threading.main_thread
def work():
    threading.main_thread = collect
    try:
        client.balance.get()
    finally:
        threading.main_thread = real
    print(len(done) > 0 and all(done))
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    ended = program(PRELUDE + source)
    assert ended.stdout == "True\n", ended.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_errors_after_a_fork_are_made_without_a_lock(program: Program, tmp_path: Path) -> None:
    """Making an exception runs Python's code, which may use the same client."""
    paths = ssl.get_default_verify_paths()
    bundle = paths.cafile or paths.openssl_cafile
    if not os.path.exists(bundle):
        pytest.skip("needs a file of certificates")
    copied = shutil.copy(bundle, tmp_path / "roots.pem")
    source = f"""
import parallel_account._errors as errors
real = errors.make_error
def make(*arguments):
    if not seen:
        seen.append("making")
        try:
            client.closed
        except ConfigError:
            seen.append("made")
    return real(*arguments)
seen = []
client = AccountClient(store=store, ca_bundle={str(copied)!r})
os.unlink({str(copied)!r})
errors.make_error = make
child = os.fork()
if not child:
    signal.alarm(10)  # ends a child that waits for itself
    try:
        client.closed
    except ConfigError as error:
        print("ca_bundle" in str(error), seen, flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    ended = program(PRELUDE + source)
    assert ended.stdout == "True ['making', 'made']\n0\n", ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a thread that hangs at exit")
def test_a_store_that_fails_while_the_interpreter_ends(program: Program) -> None:
    """Its words are looked up by a background thread, which must not hang or crash the exit."""
    source = """
class Store:
    def load(self):
        time.sleep(0.05)
        raise OSError("away")
    def replace(self, old, new):
        return False
async def main():
    clients = [AsyncAccountClient(store=Store()) for _ in range(20)]
    tasks = [asyncio.ensure_future(it.status()) for it in clients]
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(5)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
asyncio.run(main())
"""
    began = time.monotonic()
    ended = program(PRELUDE + source, timeout=30)
    assert ended.returncode == 3, ended.stderr
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (CODE, "device_code"),
        (Tokens(access_token="canary", token_type="Bearer"), "access_token"),
        (
            ApiKey(api_key_id="id", api_key_name="key", app_id="app", raw_api_key="canary"),
            "raw_api_key",
        ),
    ],
)
def test_a_secret_that_was_left_out_cannot_be_used(value: Any, field: str) -> None:
    for copied in (pickle.loads(pickle.dumps(value)), type(value)(**value.to_dict())):
        assert "canary" not in repr(copied)
        with pytest.raises(ConfigError, match="left out"):
            getattr(copied, field)
        with pytest.raises(ConfigError, match="left out"):
            copied.to_dict(secrets=True)
        assert copied != value
        assert copied == pickle.loads(pickle.dumps(value))
        assert hash(copied) == hash(pickle.loads(pickle.dumps(copied)))
        assert copied.to_dict() == value.to_dict()
        repr(copied)
    assert getattr(value, field) == "canary"


def test_wrong_types_are_named(sandbox: Sandbox) -> None:
    wrong: list[Any] = [
        lambda: Status(logged_in=True, scopes="balance:read"),
        lambda: Tokens(access_token="a", token_type="b", scopes="balance:read"),
        lambda: sandbox.client(scopes="balance:read"),
        lambda: sandbox.client().start_login(scopes="balance:read"),
        lambda: sandbox.client().oauth.request_device_code("id", "balance:read"),
    ]
    for make in wrong:
        with pytest.raises(TypeError) as caught:
            make()
        assert "scopes must be a list of str" in str(caught.value)


def test_names() -> None:
    assert not issubclass(InvalidField, BaseException)
    assert not hasattr(parallel_account, "FieldError")
    scope: dict[str, Any] = {}
    exec("from parallel_account import *", scope)
    import builtins

    hidden = [name for name in scope if hasattr(builtins, name) and name != "__builtins__"]
    assert not hidden or hidden == ["__name__"], hidden
    assert issubclass(parallel_account.ConnectionError, AccountError)
    assert issubclass(parallel_account.TimeoutError, AccountError)


def test_what_a_client_reads_when_it_is_made(tmp_path: Any) -> None:
    """As its documentation says: `ca_bundle`."""
    with pytest.raises(ConfigError, match="ca_bundle"):
        AccountClient(ca_bundle=tmp_path / "none.pem")
    assert "only environment variables and ``ca_bundle`` are read" in str(AccountClient.__doc__)


def test_eventlet_is_warned_of(program: Program) -> None:
    source = """
import eventlet, warnings
import parallel_account
def work():
    client.balance.get()
    client.balance.get()
    print("done")
def outside():
    from eventlet import tpool
    assert tpool.execute(client.balance.get).org_id
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    eventlet.spawn(outside).wait()
    assert not [it for it in caught if it.category is RuntimeWarning], caught[0].message
    eventlet.spawn(work).wait()
    (warning,) = [it for it in caught if it.category is RuntimeWarning]
    assert "eventlet.tpool.execute(client.balance.get)" in str(warning.message)
"""
    ended = program(PRELUDE + source)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux treats a full backlog")
def test_one_message_for_two_limits_of_ten_seconds(sandbox: Sandbox) -> None:
    """A connection is waited for 10 s; with `timeout=10`, that races the request's own limit."""
    record = sandbox.record()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        full = False
        while not full:  # Nobody accepts them, until the kernel keeps no more.
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(1)
            full = waiting.connect_ex(address) != 0

        def call(_: int) -> str:
            client = sandbox.client(
                store=MemoryStore(record),
                account_url=f"http://127.0.0.1:{address[1]}",
                timeout=10,
                max_retries=0,
            )
            with pytest.raises(TimeoutError) as caught:
                client.balance.get()
            return str(caught.value)

        with ThreadPoolExecutor(16) as pool:
            messages = set(pool.map(call, range(16)))
    (message,) = messages
    assert "did not answer within 10 s. Check the network" in message


def test_a_subprocess_can_import_while_warnings_are_errors() -> None:
    source = "import parallel_account; parallel_account.AccountClient()"
    subprocess.run([sys.executable, "-W", "error", "-c", source], check=True, timeout=60)
