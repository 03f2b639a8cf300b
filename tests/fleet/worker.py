"""The Python workers of the fleet, blocking and asyncio; see README.md for what workers do."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time

from parallel_account import AccountClient, AccountError, AsyncAccountClient
from parallel_account.stores import PostgresStore, RedisStore, SqliteStore

flavor, order = sys.argv[1], json.loads(sys.argv[2])
users = order["users"]
said = threading.Lock()
calls = 0


def say(**what):
    with said:
        print(json.dumps(what), flush=True)


def blocking_stores():
    """Makes a user's store, over the connections that all of them share."""
    if order["store"] == "redis":
        import redis

        client = redis.Redis.from_url(order["url"], socket_timeout=10)
        return lambda user: RedisStore(client, user)
    if order["store"] == "postgres":
        import psycopg_pool

        pool = psycopg_pool.ConnectionPool(order["url"], min_size=1, max_size=2, open=True)
        return lambda user: PostgresStore(pool, user)
    return lambda user: SqliteStore(order["url"], user)


async def asyncio_stores():
    if order["store"] == "redis":
        import redis.asyncio

        client = redis.asyncio.Redis.from_url(order["url"], socket_timeout=10)
        return lambda user: RedisStore(client, user)
    if order["store"] == "postgres":
        import psycopg_pool

        pool = psycopg_pool.AsyncConnectionPool(order["url"], min_size=1, max_size=2, open=False)
        await pool.open()
        return lambda user: PostgresStore(pool, user)
    return lambda user: SqliteStore(order["url"], user)


def faulty(store):
    """A store that stops this process right after its first claim was written, or kills it just
    before its first new pair is, if that is ordered."""
    if "fault" not in order:
        return store
    done = threading.Event()

    def happens(fault, applies):
        if order["fault"] == fault and applies and not done.is_set():
            done.set()
            os.kill(os.getpid(), signal.SIGSTOP if fault == "stop_on_claim" else signal.SIGKILL)

    class Faulty:
        def load(self):
            return store.load()

        def replace(self, old, new):
            claimed, claims = ('"claim"' in (record or "") for record in (old, new))
            happens("die_with_pair", claimed and not claims)
            swapped = store.replace(old, new)
            happens("stop_on_claim", swapped and claims)
            return swapped

    return Faulty()


def options(store):
    return {"client_name": "fleet", "user_agent": order["name"], "store": store}


def made_a_call():
    global calls
    calls += 1
    if calls % 20 == 0:
        say(calls=calls)


def failed(user, error, began):
    after = time.monotonic() - began
    say(at=time.time(), after=after, user=user, code=error.code, message=str(error))


def use_blocking():
    store = blocking_stores()
    clients = [(user, AccountClient(**options(faulty(store(user))))) for user in users]
    end = time.monotonic() + order["seconds"]
    say(ready=True)

    def use(task):
        turn = task
        while time.monotonic() < end:
            user, client = clients[turn % len(clients)]
            turn += 1
            began = time.monotonic()
            try:
                client.balance.get()
            except AccountError as error:
                failed(user, error, began)
            made_a_call()
            time.sleep(order["pause"])

    threads = [threading.Thread(target=use, args=(task,)) for task in range(order["tasks"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with contextlib.ExitStack() as stack:
        for _, client in clients:
            stack.enter_context(client)


async def use_asyncio():
    store = await asyncio_stores()
    clients = [(user, AsyncAccountClient(**options(store(user)))) for user in users]
    if order.get("login"):
        await asyncio.gather(*(log_in(client) for _, client in clients))
        return
    end = time.monotonic() + order["seconds"]
    say(ready=True)

    async def use(task):
        turn = task
        while time.monotonic() < end:
            user, client = clients[turn % len(clients)]
            turn += 1
            began = time.monotonic()
            try:
                await client.balance.get()
            except AccountError as error:
                failed(user, error, began)
            made_a_call()
            await asyncio.sleep(order["pause"])

    await asyncio.gather(*(use(task) for task in range(order["tasks"])))
    async with contextlib.AsyncExitStack() as stack:
        for _, client in clients:
            await stack.enter_async_context(client)


async def log_in(client):
    login = await client.start_login()
    await login.wait()


def make_table():
    """What a migration of the application does."""
    if order["store"] == "postgres":
        import psycopg

        with psycopg.connect(order["url"]) as connection:
            connection.execute(PostgresStore.schema)
    if order["store"] == "sqlite":
        import sqlite3

        connection = sqlite3.connect(order["url"])
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SqliteStore.schema)
        connection.close()


if order.get("make_table"):
    make_table()
if flavor == "asyncio":
    asyncio.run(use_asyncio())
else:
    use_blocking()
say(calls=calls, done=True)
# Pools of connections have threads of their own, and nothing is left to wait for.
sys.stdout.flush()
os._exit(0)
