"""Logs, hooks and spans: what a program sees of what its clients do."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PRELUDE, Program, Sandbox
from parallel_account import (
    ConfigError,
    FileStore,
    LoginRequiredError,
    MemoryStore,
    RefreshEvent,
    RequestEvent,
    ResponseEvent,
    RetryEvent,
    StoreError,
    StoreEvent,
)

user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG, "parallel_account"):
        yield caplog


def lines(logs: pytest.LogCaptureFixture) -> list[str]:
    """The records, without what differs from run to run."""
    found = []
    for record in logs.records:
        assert record.name == "parallel_account.events"
        text = re.sub(
            r"http://\S+?(?=/(account|oauth|getServiceKeys|service))", "", record.getMessage()
        )
        text = re.sub(r"\d+\.\d{3} s", "… s", re.sub(r"Request \d+", "Request N", text))
        found.append(f"{record.levelname} {re.sub('request ID .*', 'request ID …', text)}")
    return found


def test_the_log_of_a_call_with_a_refresh_and_a_retry(
    sandbox: Sandbox, logs: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore(sandbox.record())
    client = sandbox.client(store=store)
    old = client.access_token()
    sandbox.control("POST", "/expire-access-token")
    logs.clear()
    sandbox.fault("balance.get", status=503, headers={"Retry-After": "0"})
    client.balance.get()
    told = lines(logs)
    print("\n".join(f"{it.levelname} {it.getMessage()}" for it in logs.records))
    assert "INFO Login of organization org_sandbox: token pair renewed" in told
    assert any(it.startswith("INFO Request N: retrying GET") for it in told)
    assert "DEBUG Request N: status 200 after … s, request ID …" in told
    assert "DEBUG Request N: status 503 after … s, request ID …" in told
    everything = "".join(str(vars(it)) for it in logs.records)
    assert client.access_token() != old
    for secret in (old, *re.findall(r'"\w+_token":\s*"(.*?)"', store.load() or "")):
        assert secret not in everything


def test_failures_are_warnings(sandbox: Sandbox, logs: pytest.LogCaptureFixture) -> None:
    class Broken:
        def load(self) -> str | None:
            raise OSError("the database is away")

        def replace(self, old: str | None, new: str | None) -> bool:
            return False

    with pytest.raises(StoreError):
        sandbox.client(store=Broken()).balance.get()
    assert (
        "WARNING A call of the credential store (the Broken given as store) failed:"
        in "\n".join(lines(logs))
    )
    sandbox.control("POST", "/expire-access-token")
    record = sandbox.record()
    sandbox.control("POST", "/expire-access-token")
    sandbox.fault("token.refresh", status=400, body={"error": "invalid_grant"})
    with pytest.raises(LoginRequiredError):
        sandbox.client(store=MemoryStore(record)).balance.get()
    assert any(
        it.startswith("WARNING Refreshing the login of organization org_sandbox failed: ")
        for it in lines(logs)
    )


def test_what_is_raised_is_not_printed_as_well(program: Program) -> None:
    """In a program that has imported logging and not configured it."""
    source = """
import logging
class Broken:
    def load(self):
        raise OSError("away")
    def replace(self, old, new):
        return False
try:
    AccountClient(store=Broken()).status()
except StoreError:
    print("raised")
"""
    ended = program(PRELUDE + source)
    assert (ended.stdout, ended.stderr) == ("raised\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_open_permissions_are_hinted_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """Also in a program that never heard of logging: the hint is on standard error."""
    path = tmp_path / "credentials.json"
    FileStore(path).replace(None, sandbox.record())
    source = f"""
import os
from parallel_account import AccountClient, FileStore
for _ in range(2):
    os.chmod({str(path)!r}, 0o644)
    AccountClient(store=FileStore({str(path)!r})).balance.get()
"""
    ended = subprocess.run(
        [sys.executable, "-c", source], env=sandbox.environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert "others could read the credentials" in line
    assert str(path) in line


class Heard:
    """Hooks of every kind that note what they get."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.users: list[str] = []

    def hear(self, event: Any) -> None:
        self.events.append(event)
        self.users.append(user.get())

    @property
    def hooks(self) -> Any:
        kinds = ("request", "response", "retry", "refresh", "store")
        return {kind: [self.hear] for kind in kinds}


EXPECTED = [
    (RequestEvent, "GET"),
    (ResponseEvent, 503),
    (RetryEvent, 0),
    (RequestEvent, "GET"),
    (ResponseEvent, 401),
    (RequestEvent, "POST"),
    (ResponseEvent, 200),
    (RefreshEvent, "renewed"),
    (RequestEvent, "GET"),
    (ResponseEvent, 200),
]


def short(event: Any) -> tuple[type, Any]:
    if isinstance(event, RequestEvent):
        return RequestEvent, event.method
    if isinstance(event, ResponseEvent):
        return ResponseEvent, event.status
    if isinstance(event, RetryEvent):
        return RetryEvent, event.request.attempt
    return type(event), event.outcome


@pytest.mark.parametrize("mode", ["blocking", "async"])
def test_hooks_in_the_context_of_the_caller(sandbox: Sandbox, mode: str) -> None:
    heard = Heard()
    options: dict[str, Any] = {"store": MemoryStore(sandbox.record()), "event_hooks": heard.hooks}
    sandbox.control("POST", "/expire-access-token")
    sandbox.fault("balance.get", status=503, headers={"Retry-After": "0"})
    if mode == "blocking":
        token = user.set("me")
        sandbox.client(**options).balance.get()
        user.reset(token)
    else:

        async def main() -> None:
            user.set("me")
            await sandbox.async_client(**options).balance.get()

        asyncio.run(main())
    assert [short(event) for event in heard.events] == EXPECTED
    # The refresh is detached: it runs in no caller's context.
    assert heard.users[:5] == heard.users[-2:] + heard.users[:3] == ["me"] * 5
    answered = heard.events[-1]
    assert answered.request == heard.events[-2]
    assert answered.request_id
    assert 0 <= answered.duration < 60


def test_store_events_and_failed_requests(sandbox: Sandbox) -> None:
    heard = Heard()
    client = sandbox.client(store=MemoryStore("{"), event_hooks=heard.hooks)
    with pytest.raises(Exception, match="damaged"):
        client.balance.get()
    options: dict[str, Any] = {"event_hooks": heard.hooks, "max_retries": 0}
    client = sandbox.client(store=MemoryStore(sandbox.record()), **options)
    sandbox.fault("balance.get", reset="before")
    with pytest.raises(ConnectionError) as caught:
        client.balance.get()
    failed = heard.events[-1]
    assert isinstance(failed, ResponseEvent)
    assert failed.status is None
    assert str(failed.error) in str(caught.value) or failed.error is not None

    class Broken:
        def load(self) -> str | None:
            raise OSError("away")

        def replace(self, old: str | None, new: str | None) -> bool:
            return False

    with pytest.raises(StoreError):
        sandbox.client(store=Broken(), event_hooks=heard.hooks).status()
    broken = heard.events[-1]
    assert isinstance(broken, StoreEvent)
    assert "Broken" in broken.location


def test_a_hook_that_fails_fails_nothing(sandbox: Sandbox, logs: pytest.LogCaptureFixture) -> None:
    heard = Heard()

    def bad(event: Any) -> None:
        raise ValueError("not my day")

    hooks: Any = {"request": [bad, heard.hear]}
    client = sandbox.client(store=MemoryStore(sandbox.record()), event_hooks=hooks)
    assert client.balance.get().org_id
    assert heard.events
    assert "An event hook failed" in logs.text
    assert "not my day" in logs.text


def test_a_hook_that_calls_its_client_is_told_so(sandbox: Sandbox) -> None:
    errors: list[BaseException] = []

    def calls(event: Any) -> None:
        try:
            client.status()
        except ConfigError as error:
            errors.append(error)

    client = sandbox.client(store=MemoryStore(sandbox.record()), event_hooks={"request": [calls]})
    assert client.balance.get().org_id
    assert "event hook" in str(errors[0])


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        ([print], "must be a dict"),
        ({"requests": []}, "requests"),
        ({"request": print}, "list of functions"),
        ({"request": 7}, "list of functions"),
        ({"request": [7]}, "plain function"),
        ({"response": [asyncio.sleep]}, "coroutine"),
    ],
)
def test_hooks_that_are_none(sandbox: Sandbox, hooks: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sandbox.client(event_hooks=hooks)


def test_hooks_do_not_keep_their_client_alive(sandbox: Sandbox) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.client = sandbox.client(event_hooks={"request": [self.hear]})

        def hear(self, event: Any) -> None:
            pass

    watcher = weakref.ref(Watcher())
    gc.collect()
    assert watcher() is None


def test_logins_keep_the_hooks(sandbox: Sandbox) -> None:
    heard = Heard()
    login = sandbox.client(event_hooks=heard.hooks, first_poll_at_once=True).start_login()
    gc.collect()
    heard.events.clear()
    sandbox.approve(login)
    login.wait()
    assert heard.events


def test_ctrl_c_in_a_hook_ends_the_call(program: Program, sandbox: Sandbox) -> None:
    sandbox.delay(50)
    source = """
import os, signal
def interrupt(event):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
client = AccountClient(store=store, event_hooks={"request": [interrupt]}, max_retries=0)
try:
    client.balance.get()
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = program(PRELUDE + source, timeout=30)
    assert ended.stdout == "interrupted\n", ended.stderr


def test_nobody_takes_the_gil_for_events_that_nobody_wants(program: Program) -> None:
    """A thread that never gives the GIL away would stop a request that waits for it."""
    source = """
import logging
logging.basicConfig(level=logging.WARNING)
def nobody(*arguments):
    raise SystemExit("somebody was told")
from parallel_account import _events
_events.hear = nobody
client.balance.get()
asyncio.run(aclient.balance.get())
print("done")
"""
    ended = program(PRELUDE + source)
    assert ended.stdout == "done\n", ended.stderr
    assert not ended.stderr


def test_logging_is_not_imported_for_nothing(program: Program) -> None:
    source = """
import sys
import os
from parallel_account import AccountClient, MemoryStore
client = AccountClient(store=MemoryStore(os.environ["RECORD"]))
client.balance.get()
assert "logging" not in sys.modules
"""
    ended = program(source)
    assert ended.returncode == 0, ended.stderr


def test_threads_that_log_at_once(sandbox: Sandbox) -> None:
    """A hook may wait for the GIL while others hold it."""
    heard = Heard()
    client = sandbox.client(store=MemoryStore(sandbox.record()), event_hooks=heard.hooks)
    client.balance.get()
    heard.events.clear()

    def work() -> None:
        for _ in range(20):
            client.balance.get()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard.events) == 2 * 20 * 8
