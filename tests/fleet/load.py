#!/usr/bin/env python3
"""Many users through FastAPI under uvicorn with several workers, their logins in Postgres.

    tests/fleet/load.py [--users 1000] [--calls 10] [--workers 4]

Run it with the Python of bindings-python/tools/setup; PARALLEL_ACCOUNT_SANDBOX may name the
sandbox. Half of each user's calls come before all access tokens expire and the others after, so
that each user is refreshed once. It fails where a user is answered with another's organization,
where a user is refreshed more than once, or where a refresh token is used twice. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from engines import Postgres
from psycopg_pool import ConnectionPool

from parallel_account import AccountClient
from parallel_account.stores import PostgresStore

HERE = Path(__file__).resolve().parent
CONNECTIONS = 64


class CountingPostgres(Postgres):
    """It counts statements."""

    def command(self) -> list[str]:
        return [*super().command(), "-c", "shared_preload_libraries=pg_stat_statements"]


class Sandbox:
    def __init__(self) -> None:
        target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target"))
        default = target / "debug" / "parallel-account-sandbox"
        binary = os.environ.get("PARALLEL_ACCOUNT_SANDBOX", default)
        self.process = subprocess.Popen([binary, "--port", "0"], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.urls = json.loads(self.process.stdout.readline())

    def control(self, method: str, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        headers = {"Content-Type": "application/json"}
        url = self.urls["control_url"] + path
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PARALLEL_PLATFORM_URL": self.urls["platform_url"],
            "PARALLEL_SERVICE_API_URL": self.urls["account_url"],
        }


def log_in_users(users: int, sandbox: Sandbox, url: str) -> None:
    with ConnectionPool(url, min_size=1, max_size=8) as pool:
        with AccountClient(store=PostgresStore(pool, "registration")) as client:
            client_id = client.oauth.register()

        def log_in(user: int) -> None:
            store = PostgresStore(pool, f"user-{user}")
            with AccountClient(store=store, client_id=client_id, first_poll_at_once=True) as client:
                login = client.start_login()
                whose = {"org_id": f"org_{user}", "org_name": f"Org {user}"}
                sandbox.control("POST", "/approve", user_code=login.user_code, **whose)
                login.wait()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(log_in, range(users)))


@contextmanager
def service(workers: int, environment: dict[str, str]) -> Any:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "load_service:app", "--log-level", "warning"),
                *("--fd", str(listener.fileno()), "--workers", str(workers)),
            ],
            cwd=HERE,
            env={**os.environ, **environment},
            pass_fds=[listener.fileno()],
        )
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait(60)


async def call_all(port: int, calls: list[int]) -> list[float]:
    """Calls for each user in turn, over a fixed number of connections; how long each took."""
    waiting = iter(calls)
    took: list[float] = []

    async def visit() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for user in waiting:
            began = time.perf_counter()
            writer.write(f"GET /users/user-{user}/balance HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            if not head.startswith(b"HTTP/1.1 200") or json.loads(body)["org_id"] != f"org_{user}":
                raise SystemExit(f"user {user} was answered: {head.decode()}{body.decode()}")
            took.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(visit() for _ in range(CONNECTIONS)))
    return took


class Watch(threading.Thread):
    """The peaks of the workers' memory and of their sockets to the sandbox."""

    def __init__(self, parent: int, port: int) -> None:
        super().__init__(daemon=True)
        self.parent, self.port = parent, port
        self.memory = self.sockets = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.2):
            self.memory = max(self.memory, sum(map(resident, children(self.parent))))
            self.sockets = max(self.sockets, established(self.port))


def children(pid: int) -> list[int]:
    return [int(it) for it in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def established(port: int) -> int:
    """Connections to `port` of this machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(it[2].endswith(f":{port:04X}") and it[3] == "01" for it in lines)


def statements(url: str) -> list[tuple[int, str]]:
    """How often which statement ran since this was last asked."""
    query = (
        "SELECT sum(calls)::int, query FROM pg_stat_statements "
        "WHERE query !~ 'pg_stat_statements' GROUP BY query ORDER BY 1 DESC"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(query).fetchall()
        connection.execute("SELECT pg_stat_statements_reset()")
    return rows


def measure(arguments: argparse.Namespace, sandbox: Sandbox, url: str, cache_for: int) -> None:
    users, half = arguments.users, arguments.calls // 2
    environment = {**sandbox.environment, "DATABASE_URL": url, "CACHE_FOR": str(cache_for)}
    port = int(sandbox.urls["platform_url"].rpartition(":")[2])
    before = sandbox.control("GET", "/counts")
    what = f"kept clients, cache_for={cache_for}" if cache_for else "a client for each request"
    print(f"{what}: {users} users x {arguments.calls} calls, {arguments.workers} workers")
    with service(arguments.workers, environment) as (process, at):
        # Each worker starts, and takes some of these.
        asyncio.run(call_all(at, list(range(min(users, 200))) * 2))
        statements(url)
        watch = Watch(process.pid, port)
        watch.start()
        rest = arguments.calls - half - 1
        phases = (("tokens valid", half), ("tokens expired", 1), ("tokens renewed", rest))
        for phase, each in phases:
            if phase == "tokens expired":
                sandbox.control("POST", "/expire-access-token")
            calls = [user for _ in range(each) for user in range(users)]
            began = time.perf_counter()
            took = sorted(asyncio.run(call_all(at, calls)))
            seconds = time.perf_counter() - began
            ran = statements(url)
            print(
                f"  {phase}: {len(calls) / seconds:.0f} requests/s, "
                f"median {took[len(took) // 2] * 1000:.1f} ms, "
                f"99 % {took[len(took) * 99 // 100] * 1000:.1f} ms; "
                f"{sum(number for number, _ in ran) / len(calls):.3f} statements per call"
            )
            for number, query in ran[:4]:
                print(f"    {number:7} {' '.join(query.split())[:90]}")
        watch.stopped.set()
        watch.join()
    after = sandbox.control("GET", "/counts")
    print(
        f"  sockets to the service: {watch.sockets} at most; "
        f"memory of the workers: {watch.memory / 1e6:.0f} MB at most"
    )
    refreshes = counted(after, "token.refresh") - counted(before, "token.refresh")
    reuses = after["refresh_token_reuses"] - before["refresh_token_reuses"]
    print(f"  refreshes: {refreshes}, refresh tokens used twice: {reuses}")
    if refreshes != users or reuses:
        raise SystemExit("not every user was refreshed exactly once")


def counted(counts: Any, route: str) -> int:
    return int(counts["routes"].get(route, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=10, help="of each user, at least 3")
    parser.add_argument("--workers", type=int, default=4)
    arguments = parser.parse_args()
    sandbox = Sandbox()
    os.environ.update(sandbox.environment)
    try:
        with CountingPostgres() as postgres:
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                connection.execute("CREATE EXTENSION pg_stat_statements")
                connection.execute(PostgresStore.schema)
            log_in_users(arguments.users, sandbox, postgres.url)
            for cache_for in (0, 3600):
                measure(arguments, sandbox, postgres.url, cache_for)
    finally:
        sandbox.process.terminate()
        sandbox.process.wait(10)


if __name__ == "__main__":
    main()
