"""A service that tops up its users' Parallel accounts: ``uvicorn --factory app:create_app``.

A proxy in front of it authenticates users and names them in the header ``X-User``.
"""

import os
import sqlite3
from contextlib import closing
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse

from parallel_account import AccountError, AsyncAccountClient, AsyncDeviceLogin
from parallel_account.stores import SqliteStore

STATUS = {"login_required": 401, "payment_required": 402, "connection": 503}


def create_app(database: str | None = None) -> FastAPI:
    """The service, with its users' logins in a SQLite file."""
    database = database or os.environ["DATABASE"]
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(SqliteStore.schema)

    app = FastAPI()
    pending: dict[str, AsyncDeviceLogin] = {}

    def current_client(x_user: Annotated[str, Header()]) -> AsyncAccountClient:
        return AsyncAccountClient(
            client_name="top-up", max_retries=1, store=SqliteStore(database, key=x_user)
        )

    Client = Annotated[AsyncAccountClient, Depends(current_client)]

    @app.exception_handler(AccountError)
    async def on_error(_request: Any, error: AccountError) -> JSONResponse:
        return JSONResponse({"error": error.code}, STATUS.get(error.code, 502))

    @app.post("/login")
    async def start_login(client: Client, x_user: Annotated[str, Header()]) -> dict[str, str]:
        login = pending[x_user] = await client.start_login()
        return {"code": login.user_code, "link": login.verification_uri}

    @app.get("/login")
    async def poll_login(x_user: Annotated[str, Header()]) -> dict[str, str]:
        if x_user not in pending:
            raise HTTPException(404, "Start a login first.")
        try:
            event = await pending[x_user].poll()
        except AccountError as error:
            del pending[x_user]
            return {"state": error.code}
        if event.kind == "authorized":
            del pending[x_user]
        return {"state": event.kind}

    @app.get("/balance")
    async def balance(client: Client) -> dict[str, float]:
        return {"cents": (await client.balance.get()).credit_balance_cents}

    @app.post("/top-up/{cents}")
    async def top_up(client: Client, cents: int) -> dict[str, float]:
        return {"cents": (await client.balance.add(cents)).credit_balance_cents}

    return app
