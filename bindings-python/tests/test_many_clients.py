"""Many clients in one process, and a system that has no descriptors or threads left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import PRELUDE, Program, Sandbox
from many_clients import LONG

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SHORT = ({"blocking": 300, "threads": 8}, {"shared": 50, "threads": 20}, {"asyncio": 300})


@pytest.mark.parametrize("what", range(3), ids=["blocking", "shared", "asyncio"])
def test_many_clients(sandbox: Sandbox, request: pytest.FixtureRequest, what: int) -> None:
    arguments = (LONG if request.config.getoption("--long") else SHORT)[what]
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("many_clients.py")), json.dumps(arguments)],
        env={**sandbox.environment, "RECORD": sandbox.record()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    print(found)
    assert found["failures"] == {}
    # Each call needs a connection while it lasts: one a thread, and 64 calls at once by tasks.
    assert found["sockets after a call"] - found["sockets before"] <= arguments.get("threads", 64)
    assert found["sockets settled"] <= found["sockets before"]
    if "threads" in arguments:
        assert found["sockets after close"] <= found["sockets before"]
    if "shared" not in arguments:
        assert found["kB per client after a call"] < 40


EXHAUSTED = f"""{PRELUDE}
import json, resource, socket
def outcome(call):
    try:
        call()
        return "ok"
    except AccountError as error:
        assert isinstance(error, ConnectionError), repr(error)
        return str(error)
"""

DESCRIPTORS = """
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
def leave(free):
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        for _ in range(free):
            os.close(held.pop())
    return held
def in_a_running_loop():
    async def main():
        held = leave(free)
        try:
            return await aclient.balance.get()
        finally:
            for it in held:
                os.close(it)
    asyncio.run(main())
for call in (client.balance.get, in_a_running_loop):
    for free in range(20):
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0, (call, free)
            continue
        held = [] if call is in_a_running_loop else leave(free)
        said = outcome(call)
        for it in held:
            os.close(it)
        # Whatever it was that could not be made is made now.
        assert client.balance.get().org_id
        assert asyncio.run(aclient.balance.get()).org_id
        print(said, flush=True)
        os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_no_descriptors_left(program: Program) -> None:
    ran = program(EXHAUSTED + DESCRIPTORS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    said = set(ran.stdout.splitlines())
    assert "ok" in said
    refusals = said - {"ok"}
    assert len(refusals) >= 2, said
    for message in refusals:
        assert "ulimit -n" in message, message


THREADS = """
def expired(record):
    record = json.loads(record)
    for org in record["orgs"].values():
        org["control_api"]["access_token_expires_at"] = 1
    return json.dumps(record)
class Plain:
    def load(self):
        return os.environ["RECORD"]
    def replace(self, old, new):
        return False
renewing = AccountClient(store=MemoryStore(expired(os.environ["RECORD"])))
own = AccountClient(store=Plain())
by_name = os.environ["PARALLEL_SERVICE_API_URL"].replace("127.0.0.1", "localhost")
resolving = AccountClient(store=MemoryStore(os.environ["RECORD"]), account_url=by_name)
if os.geteuid() == 0:
    os.setuid(65534)  # root has as many as it likes
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
assert client.balance.get().org_id  # needs none
print(outcome(renewing.balance.get))
print(outcome(own.balance.get))
print(outcome(resolving.balance.get))
print(outcome(lambda: asyncio.run(aclient.balance.get())))
"""


def test_no_threads_left(program: Program) -> None:
    ran = program(EXHAUSTED + THREADS)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    said = ran.stdout.splitlines()
    assert len(said) == 4
    for message in said:
        assert "limits on open files and threads" in message
