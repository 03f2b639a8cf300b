"""Cancellation, Ctrl-C, threads, fork, exit, several loops: what a program does to a library."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from parallel_account import AccountClient, AsyncAccountClient, Balance, MemoryStore

Program = Callable[..., "subprocess.CompletedProcess[str]"]

# A shell's background jobs ignore Ctrl-C and hand that down; a program in a terminal does not.
PRELUDE = """
import asyncio, os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from parallel_account import *
store = MemoryStore(os.environ["RECORD"])
client = AccountClient(store=store)
aclient = AsyncAccountClient(store=MemoryStore(os.environ["RECORD"]))
"""


def delay(sandbox: Sandbox, seconds: float = 20.0, times: int = 1) -> None:
    sandbox.fault("balance.get", delay_ms=int(seconds * 1000), times=times)


def loops() -> list[Any]:
    found: list[Any] = [asyncio.new_event_loop]
    try:
        import uvloop
    except ImportError:
        pass
    else:
        found.append(uvloop.new_event_loop)
    found.append(ProactorLike)
    return found


class ProactorLike(asyncio.SelectorEventLoop):
    """Cannot watch descriptors for others, like the proactor loop of Windows."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError


@pytest.fixture(params=loops(), ids=lambda it: f"{it.__module__}.{it.__name__}")
def run(request: pytest.FixtureRequest) -> Any:
    def run(main: Any) -> Any:
        loop = request.param()
        problems: list[Any] = []
        loop.set_exception_handler(lambda _loop, context: problems.append(context))
        try:
            result = loop.run_until_complete(main)
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()
        gc.collect()
        assert problems == []
        return result

    return run


@pytest.fixture
def aclient(sandbox: Sandbox) -> AsyncAccountClient:
    return sandbox.async_client(store=MemoryStore(sandbox.record()))


def test_every_way_to_await(run: Any, aclient: AsyncAccountClient) -> None:
    async def main() -> None:
        one = await aclient.balance.get()
        assert await asyncio.create_task(aclient.balance.get()) == one
        assert await asyncio.wait_for(aclient.balance.get(), 10) == one
        assert await asyncio.gather(*(aclient.balance.get() for _ in range(50))) == [one] * 50
        done, _ = await asyncio.wait([asyncio.ensure_future(aclient.balance.get())])
        assert done.pop().result() == one
        for next_done in asyncio.as_completed([aclient.balance.get(), aclient.status()]):
            await next_done
        if sys.version_info >= (3, 11):
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                task = group.create_task(aclient.balance.get())
            assert task.result() == one

    run(main())


def test_cancelling_stops_the_request(run: Any, sandbox: Sandbox, aclient: Any) -> None:
    async def main() -> None:
        await aclient.balance.get()
        delay(sandbox, times=3)
        task = asyncio.ensure_future(aclient.balance.get())
        await asyncio.sleep(0.05)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aclient.balance.get(), 0.05)
        at_once = asyncio.ensure_future(aclient.balance.get())
        at_once.cancel()
        with pytest.raises(asyncio.CancelledError):
            await at_once
        assert time.monotonic() - started < 2
        sandbox.control("DELETE", "/faults")
        assert (await aclient.balance.get()).org_id

    run(main())


def test_cancelling_all_keeps_the_refresh(run: Any, sandbox: Sandbox, aclient: Any) -> None:
    sandbox.control("POST", "/expire-access-token")
    sandbox.fault("token.refresh", delay_answer_ms=300)

    async def main() -> None:
        tasks = [asyncio.ensure_future(aclient.balance.get()) for _ in range(10)]
        while not sandbox.requests("token.refresh"):
            await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (await aclient.balance.get()).org_id
        assert len(sandbox.requests("token.refresh")) == 1

    run(main())


def test_a_coroutine_that_nobody_awaits_sends_nothing(sandbox: Sandbox, aclient: Any) -> None:
    async def main() -> None:
        coroutine = aclient.balance.get()
        coroutine.close()

    asyncio.run(main())
    assert sandbox.requests("balance.get") == []


def test_no_loop_is_a_clear_error(aclient: AsyncAccountClient) -> None:
    coroutine = aclient.balance.get()
    with pytest.raises(RuntimeError, match="running asyncio event loop"):
        coroutine.send(None)


def test_loops_in_threads_and_in_turn(sandbox: Sandbox, aclient: Any, client: Any) -> None:
    results: list[Any] = []

    async def main() -> None:
        results.extend(await asyncio.gather(*(aclient.balance.get() for _ in range(20))))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(20):
        asyncio.run(main())
    assert len(results) == 24 * 20
    assert set(results) == {client.balance.get()}


def test_loops_leave_no_descriptors(aclient: AsyncAccountClient) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts descriptors through /proc")

    async def main() -> None:
        await aclient.balance.get()

    asyncio.run(main())
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        asyncio.run(main())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_closed_loop_with_calls_in_flight(
    sandbox: Sandbox, aclient: Any, caplog: pytest.LogCaptureFixture
) -> None:
    delay(sandbox, 0.3)
    loop = asyncio.new_event_loop()
    task = loop.create_task(aclient.balance.get())
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()
    time.sleep(0.5)
    assert not task.done()
    assert caplog.records == []
    # That the task was left behind is asyncio's to say, and it would.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task
    gc.collect()
    assert caplog.records == []


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
    delay(sandbox, 0.3)
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
    delay(sandbox)
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
    delay(sandbox)
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
print("main", client.with_options(timeout=10).request("GET", "/service/v1/apps"))
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
    delay(sandbox, times=2)
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
    def save(self, record): ...
    def delete(self): ...
class HangingAsync(Hanging):
    async def load(self):
        await asyncio.sleep(0.3)
class Lock(Hanging):
    def load(self):
        return os.environ["RECORD"]
    def lock(self):
        time.sleep(0.3)
        raise OSError
"""


@pytest.mark.parametrize("store", ["Hanging", "HangingAsync", "Lock"])
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


def test_no_leak_of_cancelled_calls(sandbox: Sandbox, aclient: AsyncAccountClient) -> None:
    async def main() -> None:
        tasks = [asyncio.ensure_future(aclient.balance.get()) for _ in range(300)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    gc.collect()
    alive = [it for it in gc.get_objects() if type(it).__name__ == "coroutine"]
    assert alive == []


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
