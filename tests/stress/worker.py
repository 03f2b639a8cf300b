"""The Python worker of the stress tests; see README.md for what workers do."""

import asyncio
import collections
import concurrent.futures
import json
import sys
import time
import urllib.request

from parallel_account import AccountClient, AccountError, AsyncAccountClient, FileStore

mode, path, number = sys.argv[1:]


class Cell:
    """A custom store without a lock: stress.py keeps the record and compares and swaps it."""

    def ask(self, change=None):
        body = None if change is None else json.dumps(change).encode()
        with urllib.request.urlopen(path, body, timeout=30) as answer:
            return json.load(answer)

    def load(self):
        return self.ask()

    def replace(self, old, new):
        return self.ask([old, new])


class AsyncCell(Cell):
    async def load(self):
        return await asyncio.to_thread(super().load)

    async def replace(self, old, new):
        return await asyncio.to_thread(super().replace, old, new)


def store(custom):
    return custom() if path.startswith("http:") else FileStore(path)


failures: collections.Counter = collections.Counter()
calls = 0


def attempt(client):
    try:
        client.balance.get()
    except AccountError as error:
        failures[error.code] += 1


async def attempt_async(client):
    try:
        await client.balance.get()
    except AccountError as error:
        failures[error.code] += 1


async def herd_async():
    async with AsyncAccountClient(client_name="stress", store=store(AsyncCell)) as client:
        await asyncio.gather(*(attempt_async(client) for _ in range(int(number))))


if mode == "herd-tasks":
    asyncio.run(herd_async())
    calls = int(number)
else:
    with AccountClient(client_name="stress", store=store(Cell)) as client:
        if mode == "herd":
            with concurrent.futures.ThreadPoolExecutor(int(number)) as pool:
                list(pool.map(lambda _: attempt(client), range(int(number))))
            calls = int(number)
        else:
            end = time.monotonic() + float(number)
            print("ready", flush=True)
            while time.monotonic() < end:
                calls += 1
                attempt(client)
                time.sleep(0.02)
print(json.dumps({"calls": calls, "failures": failures}))
