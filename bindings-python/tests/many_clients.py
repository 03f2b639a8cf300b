"""Many clients in one process at 1,024 descriptors: failures, descriptors, memory.

As in a server, every client belongs to a user and has a store of its own. Without arguments, this
is the long form: it starts a sandbox and prints a table. Linux only, because it reads ``/proc``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from parallel_account import AccountClient, AccountError, AsyncAccountClient, MemoryStore

LONG = ({"blocking": 2000, "threads": 16}, {"shared": 200, "threads": 50}, {"asyncio": 2000})


def descriptors() -> list[str]:
    """What each open descriptor refers to."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:  # the one by which the folder was listed
            continue
    return found


def sockets() -> int:
    return sum(it.startswith("socket:") for it in descriptors())


def settled_sockets(at_most: int) -> int:
    """Their number, once it is low enough or has had its time."""
    end = time.monotonic() + 10
    while sockets() > at_most and time.monotonic() < end:
        time.sleep(0.01)
    return sockets()


def resident() -> float:
    """In kB."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


class Census:
    """What was counted at each step."""

    def __init__(self, clients: int) -> None:
        self.clients = clients
        self.failures: Counter[str] = Counter()
        self.memory = resident()
        self.found: dict[str, Any] = {"clients": clients, "sockets before": sockets()}

    def note(self, step: str) -> None:
        grown = resident() - self.memory
        self.found[f"descriptors {step}"] = len(descriptors())
        self.found[f"sockets {step}"] = sockets()
        self.found[f"kB per client {step}"] = round(grown / self.clients, 1)

    def closed(self) -> dict[str, Any]:
        self.note("after close")
        self.found["sockets settled"] = settled_sockets(self.found["sockets before"])
        self.found["failures"] = dict(self.failures)
        return self.found


def options() -> dict[str, Any]:
    return {"client_name": "many", "store": MemoryStore(os.environ["RECORD"])}


def with_threads(number: int, threads: int, *, shared: bool) -> dict[str, Any]:
    """Calls each client from one thread, or from every thread if they are ``shared``."""
    with AccountClient(**options()) as first:
        first.balance.get()
    census = Census(number)
    clients = [AccountClient(**options()) for _ in range(number)]

    def call(client: AccountClient) -> None:
        try:
            client.balance.get()
        except AccountError as error:
            census.failures[str(error)] += 1

    def call_all(_: int) -> None:
        for client in clients:
            call(client)

    with ThreadPoolExecutor(threads) as pool:
        census.note("made")
        if shared:
            list(pool.map(call_all, range(threads)))
        else:
            list(pool.map(call, clients))
        census.note("after a call")
        # The threads are there and idle; none of them will make another call.
        for client in clients:
            client.close()
        clients.clear()
        return census.closed()


async def with_tasks(number: int) -> dict[str, Any]:
    async with AsyncAccountClient(**options()) as first:
        await first.balance.get()
    census = Census(number)
    clients = [AsyncAccountClient(**options()) for _ in range(number)]
    census.note("made")
    at_once = asyncio.Semaphore(64)

    async def call(client: AsyncAccountClient) -> None:
        async with at_once:
            try:
                await client.balance.get()
            except AccountError as error:
                census.failures[str(error)] += 1

    await asyncio.gather(*(call(client) for client in clients))
    census.note("after a call")
    for client in clients:
        await client.aclose()
    clients.clear()
    return census.closed()


def run(what: dict[str, int]) -> dict[str, Any]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    if "asyncio" in what:
        return asyncio.run(with_tasks(what["asyncio"]))
    shared = "shared" in what
    number = what["shared" if shared else "blocking"]
    return with_threads(number, what["threads"], shared=shared)


def main() -> None:
    from conftest import Sandbox

    sandbox = Sandbox()
    environment = {**sandbox.environment, "RECORD": sandbox.record()}
    for what in LONG:
        command = [sys.executable, __file__, json.dumps(what)]
        ran = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        print(json.dumps(what))
        for name, value in json.loads(ran.stdout).items():
            print(f"  {name}: {value}")
    sandbox.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(run(json.loads(sys.argv[1]))))
    else:
        main()
