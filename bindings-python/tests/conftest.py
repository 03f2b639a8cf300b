"""A real sandbox for the tests, and what they need to steer it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parallel_account import AccountClient, AsyncAccountClient, DeviceLogin, MemoryStore

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

ROOT = Path(__file__).resolve().parents[2]


def sandbox_binary() -> Path:
    given = os.environ.get("PARALLEL_ACCOUNT_SANDBOX")
    if given:
        return Path(given)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binary = target / "debug" / "parallel-account-sandbox"
    if not binary.exists():
        subprocess.run(["cargo", "build", "-p", "parallel-account-sandbox"], cwd=ROOT, check=True)
    return binary


class Sandbox:
    """A running sandbox and its control surface."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sandbox_binary(), "--port", "0", *options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        urls = json.loads(self.process.stdout.readline())
        self.platform_url: str = urls["platform_url"]
        self.account_url: str = urls["account_url"]
        self.control_url: str = urls["control_url"]
        self.data_url: str = urls["data_url"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def control(self, method: str, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            self.control_url + path,
            method=method,
            data=json.dumps(body).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def approve(self, login: Any = None, **more: Any) -> None:
        if login is not None:
            more["user_code"] = login.user_code
        self.control("POST", "/approve", **more)

    def deny(self, login: Any) -> None:
        self.control("POST", "/deny", user_code=login.user_code)

    def fault(self, route: str, **fault: Any) -> None:
        self.control("POST", "/faults", route=route, **fault)

    def delay(self, seconds: float = 20.0, times: int = 1) -> None:
        """Has the next calls for the balance wait."""
        self.fault("balance.get", delay_ms=int(seconds * 1000), times=times)

    def requests(self, route: str) -> list[dict[str, Any]]:
        answer = self.control("GET", f"/requests?route={route}")
        return answer["requests"] if isinstance(answer, dict) else answer

    @property
    def urls(self) -> dict[str, str]:
        return {"platform_url": self.platform_url, "account_url": self.account_url}

    @property
    def environment(self) -> dict[str, str]:
        """For another process."""
        return {
            **os.environ,
            "PARALLEL_PLATFORM_URL": self.platform_url,
            "PARALLEL_SERVICE_API_URL": self.account_url,
            "PYTHONUNBUFFERED": "1",
        }

    def client(self, **options: Any) -> AccountClient:
        options.setdefault("store", MemoryStore())
        return AccountClient(client_name="tests", **{**self.urls, **options})

    def async_client(self, **options: Any) -> AsyncAccountClient:
        options.setdefault("store", MemoryStore())
        return AsyncAccountClient(client_name="tests", **{**self.urls, **options})

    def record(self) -> str:
        """The record of a login, to start from."""
        store = MemoryStore()
        with self.client(store=store, first_poll_at_once=True) as client:
            self.log_in(client)
        record = store.load()
        assert record is not None
        return record

    def log_in(self, client: AccountClient) -> DeviceLogin:
        login = client.start_login()
        self.approve(login)
        login.wait()
        return login


class Relay:
    """Stands before the sandbox's OAuth endpoints and keeps their answers until told."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.upstream = urllib.parse.urlsplit(sandbox.platform_url)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.answered = threading.Event()
        """The server has acted, and its answer is held here."""
        self.released = threading.Event()
        self.sent: list[bytes] = []
        """What clients sent, piece by piece."""
        threading.Thread(target=self._accept, daemon=True).start()

    def release(self) -> None:
        """Lets the answers go, those to come as well."""
        self.released.set()

    def headers(self) -> list[tuple[str, str]]:
        """Of the last request; names in lower case."""
        head = b"".join(self.sent).rpartition(b" HTTP/1.1\r\n")[2].split(b"\r\n\r\n")[0]
        pairs = (line.split(": ", 1) for line in head.decode().split("\r\n"))
        return [(name.lower(), value) for name, value in pairs]

    def close(self) -> None:
        self.release()
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection((self.upstream.hostname, self.upstream.port))
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with source, contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers:
                    self.answered.set()
                    self.released.wait(60)
                else:
                    self.sent.append(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay(sandbox: Sandbox) -> Iterator[Relay]:
    relay = Relay(sandbox)
    yield relay
    relay.close()


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Redis, Postgres and a file for SQLite, with the tables of the stores."""
    # Its imports are of no use to whoever runs other tests.
    from databases import start

    with contextlib.ExitStack() as stack:
        yield start(stack, tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox("--interval", "1")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    shared_sandbox.control("POST", "/reset")
    return shared_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[AccountClient]:
    """A client that is logged in."""
    with sandbox.client(store=MemoryStore(sandbox.record())) as client:
        yield client


@pytest.fixture
def program(sandbox: Sandbox) -> Any:
    """Runs a program in another Python, whose store begins with a login."""

    def run(source: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environment = {**sandbox.environment, "RECORD": sandbox.record()}
        return subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", source],
            env=environment,
            capture_output=True,
            text=True,
            **{"timeout": 60, **options},
        )

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long forms of the tests of memory")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line on the scenarios; one has passed if it has with both clients."""

    def played(outcome: str) -> set[str]:
        reports = terminalreporter.stats.get(outcome, [])
        names = (report.nodeid.partition("::test_scenario[")[2] for report in reports)
        return {name.rsplit("-", 1)[0] for name in names if name}

    failed = played("failed") | played("error")
    if passed := played("passed") - failed:
        terminalreporter.write_line(
            f"scenarios (python): {len(passed)} passed, {len(failed)} failed"
        )
