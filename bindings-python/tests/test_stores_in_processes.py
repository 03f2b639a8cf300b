"""Stores in forked children, in signal handlers and under gevent."""

from __future__ import annotations

import os

import pytest

from conftest import PRELUDE, Program, Sandbox

FORKED = (
    PRELUDE
    + """
class Plain:
    def load(self):
        return os.environ["RECORD"]
    def replace(self, old, new): ...
class Coroutines(Plain):
    async def load(self):
        return os.environ["RECORD"]
client = AccountClient(store=Plain())
aclients = [AsyncAccountClient(store=it()) for it in (Plain, Coroutines)]
def use():
    signal.alarm(20)  # ends a child that waits for a lock that nobody holds
    assert client.balance.get().org_id
    for it in aclients:
        assert asyncio.run(it.balance.get()).org_id
def busy():
    while True:
        client.status()
        for it in aclients:
            asyncio.run(it.status())
def handle(*_):
    try:
        print("handler", client.balance.get().org_id)
    except ConfigError as error:
        # This thread was just making a call of the store.
        assert "must not call its client" in str(error)
        print("handler refused")
use()
threading.Thread(target=busy, daemon=True).start()
for _ in range(20):
    child = os.fork()
    if not child:
        use()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.2)
print("main", client.request("GET", "/service/v1/apps").parse())
"""
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_and_signal_handlers(sandbox: Sandbox, program: Program) -> None:
    sandbox.fault("apps.list", delay_ms=600)
    ran = program(FORKED)
    assert ran.returncode == 0, ran.stderr
    handled, ended = ran.stdout.splitlines()
    assert handled in ("handler org_sandbox", "handler refused")
    assert ended == "main {'apps': []}"


GEVENT = (
    """
from gevent import monkey
{patch}
import gevent
"""
    + PRELUDE
    + """
import contextvars, json
user = contextvars.ContextVar("user")
record = json.loads(os.environ["RECORD"])
record["orgs"]["org_sandbox"]["control_api"]["access_token_expires_at"] = 1
class Own:
    def __init__(self):
        self.record, self.users, self.threads = json.dumps(record), set(), set()
    def note(self):
        gevent.sleep(0.01)
        self.users.add(user.get(None))
        self.threads.add(monkey.get_original("_thread", "get_ident")())
    def load(self):
        self.note()
        return self.record
    def replace(self, old, new):
        self.note()
        same = old == self.record
        if same:
            self.record = new
        return same
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.005)
ticking = gevent.spawn(tick)
def one(number, client):
    user.set(number)
    assert client.balance.get().org_id
own = Own()
for client in client, AccountClient(store=own):
    gevent.joinall([gevent.spawn(one, it, client) for it in range(30)], raise_error=True)
assert len(own.threads) == 1, own.threads
assert own.users <= set(range(30)), own.users
before = ticks
# The service takes its time; the hub does not stand still.
try:
    with gevent.Timeout(0.4):
        client.request("GET", "/service/v1/apps")
except gevent.Timeout:
    print("timed out")
assert ticks - before > 20, ticks - before
with AccountClient(store=Own()) as another:
    call = gevent.spawn(one, 1, another)
    gevent.sleep(0.02)
    call.kill()
print("killed")
"""
)


@pytest.mark.parametrize("patch", ["monkey.patch_all()", ""], ids=["patched", "plain"])
def test_gevent(sandbox: Sandbox, program: Program, patch: str) -> None:
    pytest.importorskip("gevent")
    sandbox.fault("apps.list", delay_ms=20_000)
    ran = program(GEVENT.replace("{patch}", patch))
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    assert ran.stdout == "timed out\nkilled\n"
