"""What load.py puts under load: a service that acts for many users, each with a login in Postgres.

Environment: DATABASE_URL, and CACHE_FOR: seconds for which a record serves calls. With 0, each
request makes a client; otherwise each worker keeps the clients of its last users.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from parallel_account import AsyncAccountClient
from parallel_account.stores import PostgresStore

CACHE_FOR = float(os.environ.get("CACHE_FOR", "0"))
CLIENTS = 2000  # kept by each worker

pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
    os.environ["DATABASE_URL"], min_size=4, max_size=16, open=False
)
clients: OrderedDict[str, AsyncAccountClient] = OrderedDict()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with pool:
        yield
        for client in clients.values():
            await left(client)


app = FastAPI(lifespan=lifespan)


def client_of(user_id: str) -> AsyncAccountClient:
    store = PostgresStore(pool, user_id, cache_for=CACHE_FOR)
    return AsyncAccountClient(client_name="load", store=store)


async def kept_client_of(user_id: str) -> AsyncAccountClient:
    client = clients.pop(user_id, None) or client_of(user_id)
    clients[user_id] = client
    if len(clients) > CLIENTS:
        _, oldest = clients.popitem(last=False)
        await left(oldest)
    return client


async def left(client: AsyncAccountClient) -> None:
    """Ends a client once what it has to save is saved."""
    async with client:
        await client.settled()


@app.get("/users/{user_id}/balance")
async def balance(user_id: str) -> dict[str, object]:
    if CACHE_FOR:
        return (await (await kept_client_of(user_id)).balance.get()).to_dict()
    async with client_of(user_id) as client:
        return (await client.balance.get()).to_dict()
