"""Blocking calls: threads, Ctrl-C, signal handlers, the end of the interpreter."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conftest import PRELUDE, Program, Relay, Sandbox
from parallel_account import AccountClient, Balance, FileStore


def test_threads_share_a_client(client: AccountClient) -> None:
    expected = client.balance.get()
    results: list[Balance] = []

    def work() -> None:
        results.extend(client.balance.get() for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 160


def test_blocking_inside_a_running_loop(client: AccountClient) -> None:
    async def main() -> str:
        return client.balance.get().org_id

    assert asyncio.run(main()) == "org_sandbox"


def test_blocking_lets_other_threads_run(sandbox: Sandbox, client: AccountClient) -> None:
    sandbox.delay(0.3)
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    client.balance.get()
    done.set()
    thread.join()
    assert ticks > 10


@pytest.mark.parametrize("call", ["client.balance.get()", "asyncio.run(aclient.balance.get())"])
def test_ctrl_c(sandbox: Sandbox, call: str) -> None:
    sandbox.delay()
    source = f"""{PRELUDE}
client.status()
print("ready", flush=True)
try:
    {call}
except KeyboardInterrupt as error:
    assert type(error) is KeyboardInterrupt
    print("interrupted", time.time(), flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        env={**sandbox.environment, "RECORD": sandbox.record()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        while not sandbox.requests("balance.get"):
            time.sleep(0.01)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        word, at = process.stdout.readline().split()
    assert process.wait(10) == 0
    assert word == "interrupted"
    assert float(at) - sent < 1.0


def test_ctrl_c_unhandled_ends_the_program(sandbox: Sandbox) -> None:
    sandbox.delay()
    process = subprocess.Popen(
        [sys.executable, "-c", f"{PRELUDE}\nclient.balance.get()"],
        env={**sandbox.environment, "RECORD": sandbox.record()},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not sandbox.requests("balance.get"):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


def test_signal_handlers_may_make_calls(sandbox: Sandbox, program: Program) -> None:
    source = f"""{PRELUDE}
signal.signal(signal.SIGALRM, lambda *_: print("handler", client.balance.get().org_id))
signal.setitimer(signal.ITIMER_REAL, 0.2)
print("main", client.with_options(timeout=10).request("GET", "/service/v1/apps").parse())
"""
    sandbox.fault("apps.list", delay_ms=600)
    ran = program(source)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "handler org_sandbox\nmain {'apps': []}\n"


@pytest.mark.parametrize(
    "flight",
    [
        "threading.Thread(target=client.balance.get, daemon=True).start()",
        "threading.Thread(target=asyncio.run, args=(aclient.balance.get(),), daemon=True).start()",
        "loop = asyncio.new_event_loop(); task = loop.create_task(aclient.balance.get());"
        " loop.run_until_complete(asyncio.sleep(0.1)); task._log_destroy_pending = False",
    ],
)
def test_exit_with_calls_in_flight(sandbox: Sandbox, program: Program, flight: str) -> None:
    sandbox.delay(times=2)
    ran = program(f"{PRELUDE}\n{flight}\ntime.sleep(0.3)\nprint('end')")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "end\n", "")


def test_results_after_the_interpreter_began_to_end(sandbox: Sandbox, program: Program) -> None:
    sandbox.fault("balance.get", delay_ms=150, times=50)
    source = f"""{PRELUDE}
for _ in range(20):
    threading.Thread(target=client.balance.get, daemon=True).start()
time.sleep(0.149)
"""
    ran = program(source)
    assert (ran.returncode, ran.stderr) == (0, "")


HANGING_STORE = """
class Hanging:
    def load(self):
        time.sleep(0.3)
        return os.environ["RECORD"]
    def replace(self, old, new): ...
class HangingAsync(Hanging):
    async def load(self):
        await asyncio.sleep(0.3)
class HangingReplace(Hanging):
    def load(self):
        return os.environ["RECORD"]
    def replace(self, old, new):
        time.sleep(0.3)
        raise OSError
"""


@pytest.mark.parametrize("store", ["Hanging", "HangingAsync", "HangingReplace"])
@pytest.mark.parametrize("wait", [0.05, 0.29, 0.3, 0.31])
def test_exit_while_a_store_works(
    sandbox: Sandbox, program: Program, store: str, wait: float
) -> None:
    ran = program(f"""{PRELUDE}{HANGING_STORE}
def work():
    try:
        AccountClient(store={store}(), store_timeout=0.3).request("GET", "/service/v1/apps")
    except AccountError:
        pass
import asyncio
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep({wait})
""")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_calls_in_del_and_at_exit(program: Program) -> None:
    source = f"""{PRELUDE}
import atexit
class Owner:
    def __del__(self):
        print("del", client.balance.get().org_id)
owner = Owner()
atexit.register(lambda: print("atexit", client.balance.get().org_id))
sys.modules["keep"] = owner
del owner
"""
    ran = program(source)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "atexit org_sandbox" in ran.stdout
    assert "del org_sandbox" in ran.stdout


REFRESHING = f"""{PRELUDE}
path = os.environ["STORE"]
class Own:
    def load(self):
        return open(path).read()
    def replace(self, old, new):
        if Own.load(self) != old:
            return False
        open(path, "w").write(new)
        return True
class OwnAsync(Own):
    async def load(self):
        return super().load()
    async def replace(self, old, new):
        await asyncio.sleep(0.01)
        return super().replace(old, new)
stores = {{"file": lambda: FileStore(path), "own": Own, "own async": OwnAsync}}
client = AccountClient(store=stores[os.environ["KIND"]]())
aclient = AsyncAccountClient(store=stores[os.environ["KIND"]]())
async def cancelled():
    call = asyncio.ensure_future(aclient.balance.get())
    await asyncio.to_thread(sys.stdin.readline)
    call.cancel()
    await call
def say(text):
    print(text, flush=True)
"""


class Refreshing:
    """A process in a call that is in the middle of a refresh: the answer is on its way."""

    def __init__(self, sandbox: Sandbox, relay: Relay, store: Path, kind: str, source: str) -> None:
        self.store = store
        store.write_text(sandbox.record())
        store.chmod(0o600)
        sandbox.control("POST", "/expire-access-token")
        self.before = self.refresh_token
        self.process = subprocess.Popen(
            [sys.executable, "-c", REFRESHING + source],
            env={
                **sandbox.environment,
                "PARALLEL_PLATFORM_URL": relay.url,
                "RECORD": "",
                "STORE": str(store),
                "KIND": kind,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert relay.answered.wait(30)

    @property
    def refresh_token(self) -> str:
        record = json.loads(self.store.read_text())
        token = record["orgs"]["org_sandbox"]["control_api"]["refresh_token"]
        assert isinstance(token, str)
        return token

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ends(self, say: str | None = None) -> str:
        """Its further output, once it has ended well."""
        out, err = self.process.communicate(say, timeout=30)
        assert (self.process.returncode, err) == (0, "")
        return out


def test_ctrl_c_in_the_middle_of_a_refresh(sandbox: Sandbox, relay: Relay, tmp_path: Path) -> None:
    source = """
try:
    client.balance.get()
except KeyboardInterrupt:
    say(time.time())
sys.stdin.readline()
client.settled()
say(client.balance.get().org_id)
"""
    process = Refreshing(sandbox, relay, tmp_path / "auth.json", "file", source)
    sent = time.time()
    process.interrupt()
    # It comes while the answer is still held back, well within the request's time.
    assert float(process.hear()) - sent < 2
    assert process.refresh_token == process.before
    relay.release()
    assert process.ends("continue\n") == "org_sandbox\n"
    assert process.refresh_token != process.before
    assert len(sandbox.requests("token.refresh")) == 1


LAST_CALLS = {
    "blocking": """
try:
    client.balance.get()
except KeyboardInterrupt:
    say("stopped")
""",
    "async": """
try:
    asyncio.run(cancelled())
except asyncio.CancelledError:
    say("stopped")
""",
}


@pytest.mark.parametrize("store", ["file", "own", "own async"])
@pytest.mark.parametrize("mode", LAST_CALLS)
def test_the_end_of_a_process_waits_for_its_refresh(
    sandbox: Sandbox, relay: Relay, tmp_path: Path, mode: str, store: str
) -> None:
    process = Refreshing(sandbox, relay, tmp_path / "auth.json", store, LAST_CALLS[mode])
    if mode == "blocking":
        process.interrupt()
    else:
        assert process.process.stdin is not None
        process.process.stdin.write("cancel\n")
        process.process.stdin.flush()
    assert process.hear() == "stopped"
    with pytest.raises(subprocess.TimeoutExpired):
        process.process.wait(0.3)
    assert process.refresh_token == process.before
    relay.release()
    assert process.ends() == ""
    assert process.refresh_token != process.before
    with sandbox.client(store=FileStore(process.store)) as client:
        assert client.balance.get().org_id
    assert len(sandbox.requests("token.refresh")) == 1


def test_a_second_ctrl_c_does_not_wait(sandbox: Sandbox, relay: Relay, tmp_path: Path) -> None:
    # The last thing before the wait: nothing of Python runs in between that could be hit instead.
    source = (
        LAST_CALLS["blocking"]
        + """
import atexit, _thread
atexit.register(_thread.interrupt_main)
"""
    )
    process = Refreshing(sandbox, relay, tmp_path / "auth.json", "file", source)
    process.interrupt()
    started = time.monotonic()
    assert process.ends() == "stopped\n"
    assert time.monotonic() - started < 4
    assert process.refresh_token == process.before


def test_the_end_waits_so_long_and_no_longer(
    sandbox: Sandbox, relay: Relay, tmp_path: Path
) -> None:
    source = LAST_CALLS["blocking"]
    process = Refreshing(sandbox, relay, tmp_path / "auth.json", "file", source)
    process.interrupt()
    started = time.monotonic()
    assert process.ends() == "stopped\n"
    assert 4 < time.monotonic() - started < 20
