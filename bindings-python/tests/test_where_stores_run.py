"""Where the methods of stores run: the caller's thread, event loop and context variables."""

from __future__ import annotations

import asyncio
import contextvars
import os
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import PRELUDE, Program, Sandbox
from parallel_account import ConfigError, MemoryStore, StoreError

user: contextvars.ContextVar[int] = contextvars.ContextVar("user")


def threads() -> int:
    """How many this process has, whoever made them."""
    return len(os.listdir("/proc/self/task"))


class Noting:
    """Notes where it was called, and that it never is twice at once."""

    def __init__(self, record: str | None, *, slow: float = 0.0) -> None:
        self.record = record
        self.slow = slow
        self.loads = 0
        self.at_work = 0
        self.overlapped = 0
        self.threads: set[int] = set()
        self.users: set[int | None] = set()
        self.most_threads = 0

    def note(self) -> None:
        self.threads.add(threading.get_ident())
        self.users.add(user.get(None))

    def load(self) -> str | None:
        self.loads += 1
        self.at_work += 1
        self.overlapped += self.at_work > 1
        self.note()
        time.sleep(self.slow)
        if sys.platform == "linux":
            self.most_threads = max(self.most_threads, threads())
        self.at_work -= 1
        return self.record

    def replace(self, old: str | None, new: str | None) -> bool:
        self.note()
        if self.record != old:
            return False
        self.record = new
        return True


class NotingAsync(Noting):
    def __init__(self, record: str | None, *, slow: float = 0.0) -> None:
        super().__init__(record, slow=slow)
        self.loops: set[Any] = set()

    async def load(self) -> str | None:  # type: ignore[override]
        self.loops.add(asyncio.get_running_loop())
        self.loads += 1
        self.at_work += 1
        self.overlapped += self.at_work > 1
        await asyncio.sleep(self.slow)
        self.at_work -= 1
        self.note()
        return self.record

    async def replace(self, old: str | None, new: str | None) -> bool:  # type: ignore[override]
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        return super().replace(old, new)


def test_sqlite_and_context_of_the_calling_thread(sandbox: Sandbox) -> None:
    """A connection of `sqlite3` refuses every thread but its own."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE logins (user_id INTEGER PRIMARY KEY, record TEXT NOT NULL)")
    database.execute("INSERT INTO logins VALUES (7, ?)", (sandbox.record(),))

    class Bound:
        def load(self) -> str | None:
            row = database.execute("SELECT record FROM logins WHERE user_id = ?", (user.get(),))
            return str(row.fetchone()[0])

        def replace(self, old: str | None, new: str | None) -> bool:
            change = "UPDATE logins SET record = ? WHERE user_id = ? AND record = ?"
            return database.execute(change, (new, user.get(), old)).rowcount == 1

    sandbox.control("POST", "/expire-access-token")
    token = user.set(7)
    try:
        with sandbox.client(store=Bound()) as client:
            assert client.balance.get().org_id
            # Within the transaction that the first change began, as a TestCase of Django's has it.
            assert database.in_transaction
    finally:
        user.reset(token)
        database.close()
    assert len(sandbox.requests("token.refresh")) == 1


@pytest.mark.parametrize("kind", [Noting, NotingAsync])
def test_the_context_of_the_caller(sandbox: Sandbox, kind: Any) -> None:
    store = kind(sandbox.record())
    sandbox.control("POST", "/expire-access-token")
    user.set(3)

    async def main() -> None:
        user.set(4)
        async with sandbox.async_client(store=store) as client:
            await client.balance.get()

    asyncio.run(main())
    assert store.users == {4}
    store.users.clear()
    sandbox.control("POST", "/expire-access-token")
    with sandbox.client(store=store) as client:
        client.balance.get()
    assert store.users == {3}
    assert threading.get_ident() in store.threads


def test_coroutines_of_a_blocking_client_run_in_its_thread(sandbox: Sandbox) -> None:
    store = NotingAsync(sandbox.record())
    client = sandbox.client(store=store)
    client.status()
    assert store.threads == {threading.get_ident()}

    async def main() -> None:
        client.status()

    # This thread's loop stands still meanwhile.
    asyncio.run(main())
    assert len(store.threads) == 2


@pytest.mark.parametrize("kind", [Noting, NotingAsync])
def test_one_load_at_a_time(sandbox: Sandbox, kind: Any) -> None:
    store = kind(sandbox.record(), slow=0.05)

    async def main() -> None:
        async with sandbox.async_client(store=store) as client:
            await asyncio.gather(*(client.balance.get() for _ in range(458)))

    asyncio.run(main())
    assert store.overlapped == 0
    assert store.loads < 46


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_calls_at_once_need_no_threads(sandbox: Sandbox) -> None:
    store = Noting(sandbox.record(), slow=0.01)

    async def main() -> None:
        async with sandbox.async_client(store=store) as client:
            await client.status()
            await asyncio.gather(*(client.status() for _ in range(1000)))

    asyncio.run(main())
    before = threads()
    store.most_threads = 0
    asyncio.run(main())
    # One thread makes the calls of one client's store.
    assert store.most_threads <= before + 1
    assert store.overlapped == 0

    store = Noting(sandbox.record(), slow=0.01)
    start = threading.Barrier(200)
    with sandbox.client(store=store) as client, ThreadPoolExecutor(200) as pool:

        def call(_: int) -> None:
            start.wait()
            for _ in range(5):
                client.status()

        before = threads()
        list(pool.map(call, range(200)))
    # All the others are the caller's own.
    assert store.most_threads <= before + 200
    assert store.overlapped == 0
    assert store.loads < 500


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_users_at_once_need_few_threads(sandbox: Sandbox) -> None:
    record = sandbox.record()
    stores = [Noting(record, slow=0.01) for _ in range(200)]

    async def main() -> None:
        clients = [sandbox.async_client(store=store) for store in stores]
        await clients[0].status()
        before = threads()
        await asyncio.gather(*(client.status() for client in clients))
        assert max(store.most_threads for store in stores) <= before + 8

    asyncio.run(main())


class Hanging(Noting):
    def __init__(self) -> None:
        super().__init__(None)
        self.hangs = threading.Event()
        self.release = threading.Event()

    def load(self) -> str | None:
        self.loads += 1
        self.hangs.set()
        self.release.wait(50)
        return None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_store_that_hangs_costs_one_thread_or_call(sandbox: Sandbox) -> None:
    words = r"load\(\).* not finish within 0.2 s.*store_timeout"
    store = Hanging()

    async def main() -> None:
        client = sandbox.async_client(store=store, store_timeout=0.2)
        ends = []
        for _ in range(3):
            calls = (client.status() for _ in range(20))
            ends += await asyncio.gather(*calls, return_exceptions=True)
        for end in ends:
            with pytest.raises(StoreError, match=words):
                raise end
        assert store.loads == 1
        assert threads() <= before + 1

    asyncio.run(sandbox.async_client(store=MemoryStore()).status())
    before = threads()
    asyncio.run(main())
    store.release.set()

    # A blocking call cannot leave the method that hangs in its own thread; the others do.
    store = Hanging()
    client = sandbox.client(store=store, store_timeout=0.2)
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(client.status)
        assert store.hangs.wait(30)
        for _ in range(3):
            with pytest.raises(StoreError, match=words):
                client.status()
        assert store.loads == 1
        assert not stuck.done()
        store.release.set()
        with pytest.raises(StoreError, match=words):
            stuck.result(30)
    assert not client.status().logged_in


def test_stores_that_hang_hold_up_other_users_until_their_time_is_over(sandbox: Sandbox) -> None:
    release = threading.Event()

    class Stuck(Noting):
        def load(self) -> str | None:
            release.wait(60)
            return None

    async def main() -> None:
        stuck = [sandbox.async_client(store=Stuck(None), store_timeout=1) for _ in range(8)]
        hung = [asyncio.create_task(client.status()) for client in stuck]
        await asyncio.sleep(0)
        healthy = sandbox.async_client(store=Noting(None), store_timeout=30)
        # Nobody releases the stuck ones before it, which would take a minute.
        status = await asyncio.wait_for(healthy.status(), 25)
        assert not status.logged_in
        for task in hung:
            with pytest.raises(StoreError, match="store_timeout"):
                await task
        release.set()

    try:
        asyncio.run(main())
    finally:
        release.set()


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_users_never_see_each_other(sandbox: Sandbox, mode: str) -> None:
    """One store for all, which knows by a context variable whose record it is to keep."""
    long = bool(os.environ.get("PARALLEL_ACCOUNT_LONG_TESTS"))
    users, requests = (200, 5000) if long else (40, 400)
    records = isolation_records(sandbox, users)
    owner = {record: number for number, record in records.items()}
    mixed: list[Any] = []

    class Tenants:
        def load(self) -> str | None:
            return records[user.get()]

        def replace(self, old: str | None, new: str | None) -> bool:
            raise AssertionError("nothing expires here")

    class AsyncTenants(Tenants):
        async def load(self) -> str | None:  # type: ignore[override]
            await asyncio.sleep(0)
            return records[user.get()]

    assert len(owner) == users
    plain = Tenants()

    def check(number: int, organizations: list[Any]) -> None:
        if [it.id for it in organizations] != [f"org_{number}"]:
            mixed.append((number, organizations))

    def blocking(request: int) -> None:
        number = request % users
        token = user.set(number)
        with sandbox.client(store=plain) as client:
            check(number, client.organizations())
        user.reset(token)

    async def main() -> None:
        at_once = asyncio.Semaphore(100)
        coroutines = AsyncTenants()

        async def one(request: int) -> None:
            number = request % users
            user.set(number)
            async with at_once:
                store = coroutines if request // users % 2 else plain
                async with sandbox.async_client(store=store) as client:
                    check(number, await client.organizations())

        await asyncio.gather(*(asyncio.ensure_future(one(it)) for it in range(requests)))

    if mode == "asyncio":
        asyncio.run(main())
    else:
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(blocking, range(requests)))
    assert mixed == []


def isolation_records(sandbox: Sandbox, users: int) -> dict[int, str]:
    record = sandbox.record()
    assert "org_sandbox" in record
    return {it: record.replace("org_sandbox", f"org_{it}") for it in range(users)}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_programs_when_a_store_raises_it(sandbox: Sandbox, error: Any) -> None:
    class Raises(Noting):
        async def load(self) -> str | None:  # type: ignore[override]
            raise error

    class RaisesPlainly(Noting):
        def load(self) -> str | None:
            raise error

    async def main(store: Any) -> None:
        await sandbox.async_client(store=store).status()

    ends = StoreError if error is asyncio.CancelledError else error
    started = time.monotonic()
    with pytest.raises(ends):
        asyncio.run(main(Raises(None)))
    # In a thread apart, it ends no program.
    with pytest.raises(StoreError, match=error.__name__):
        asyncio.run(main(RaisesPlainly(None)))
    for store in Raises(None), RaisesPlainly(None):
        with pytest.raises(ends):
            sandbox.client(store=store).status()
    assert time.monotonic() - started < 10
    assert not sandbox.client(store=Noting(None)).status().logged_in


@pytest.mark.parametrize(
    "options",
    [{"max_retries": 2**70}, {"max_retries": -(2**70)}, {"timeout": 10**400}]
    + [{"store_timeout": it} for it in (0, -1, float("nan"), 10**400, 1e9)],
)
def test_options_out_of_range(sandbox: Sandbox, options: Any) -> None:
    for make in sandbox.client, sandbox.async_client:
        with pytest.raises(ConfigError, match=next(iter(options))):
            make(**options)
    if "store_timeout" not in options:
        with pytest.raises(ConfigError, match=next(iter(options))):
            sandbox.client().with_options(**options).status()


def test_the_default_time_of_a_store(sandbox: Sandbox) -> None:
    assert not sandbox.client(store=Noting(None), store_timeout=None).status().logged_in


class Away(Noting):
    """Is away from the moment on in which a refresh has claimed, until it is told to be back."""

    away = False

    def load(self) -> str | None:
        if self.away:
            raise OSError("nobody is there")
        return super().load()

    def replace(self, old: str | None, new: str | None) -> bool:
        if self.away:
            raise OSError("nobody is there")
        replaced = super().replace(old, new)
        self.away = new is not None and '"claim"' in new
        return replaced


def test_what_was_not_saved_is_saved_though_the_client_is_gone(sandbox: Sandbox) -> None:
    store = Away(sandbox.record())
    client = sandbox.client(store=store)
    sandbox.control("POST", "/expire-access-token")
    with pytest.raises(StoreError, match="memory only"):
        client.balance.get()
    before = store.record
    store.away = False
    del client
    deadline = time.monotonic() + 30
    while store.record == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert sandbox.client(store=store).balance.get().org_id
    assert len(sandbox.requests("token.refresh")) == 1


class Deferring(Noting):
    """Its methods are plain and return what is to be awaited, as decorated ones do."""

    def load(self) -> Any:  # type: ignore[override]
        return self.where(super().load())

    def replace(self, old: str | None, new: str | None) -> Any:  # type: ignore[override]
        return self.where(super().replace(old, new))

    async def where(self, answer: Any) -> Any:
        self.threads = {threading.get_ident()}
        self.loop = asyncio.get_running_loop()
        return answer


def test_what_a_plain_method_returns_is_awaited_on_the_callers_loop(sandbox: Sandbox) -> None:
    async def main() -> None:
        store = Deferring(None)
        client = sandbox.async_client(store=store)
        for _ in range(2):
            assert not (await client.status()).logged_in
            assert store.loop is asyncio.get_running_loop()
            assert store.threads == {threading.get_ident()}
        await client.oauth.register()
        await client.aclose()

    asyncio.run(main())


def test_trio_runs_coroutines_on_its_loop(sandbox: Sandbox) -> None:
    trio: Any = pytest.importorskip("trio")
    seen: set[Any] = set()

    class InTrio(Noting):
        async def load(self) -> str | None:  # type: ignore[override]
            await trio.sleep(0)
            self.note()
            seen.add(trio.lowlevel.current_trio_token())
            return self.record

        async def replace(self, old: str | None, new: str | None) -> bool:  # type: ignore[override]
            await trio.sleep(0)
            seen.add(trio.lowlevel.current_trio_token())
            return super().replace(old, new)

    store = InTrio(sandbox.record())
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        user.set(5)
        async with sandbox.async_client(store=store) as client, trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(client.balance.get)
        assert seen == {trio.lowlevel.current_trio_token()}

    trio.run(main)
    assert store.users == {5}
    assert len(sandbox.requests("token.refresh")) == 1


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
