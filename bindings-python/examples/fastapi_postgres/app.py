"""A web service that acts for many users, each logged in at Parallel.

    psql "$DATABASE_URL" -f schema.sql
    uvicorn app:app --workers 4

DATABASE_URL, LOGIN_KEYS, PARALLEL_PLATFORM_URL and PARALLEL_SERVICE_API_URL are read. Behind TLS,
set SECURE_COOKIES=1. LOGIN_KEYS has the keys that logins are encrypted with, by their IDs:

    LOGIN_KEYS="2026-11:$(openssl rand -base64 32)"

To rotate, let every process know the new key in the last place, then put it first: the first key
encrypts, and all of them decrypt.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html import escape
from typing import Annotated, Any

from fastapi import Cookie, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from parallel_account import (
    AccessDeniedError,
    AccountError,
    AsyncAccountClient,
    ConfigError,
    EncryptedStore,
    LoginExpiredError,
    MemoryStore,
)
from parallel_account.stores import PostgresStore

SECURE = os.environ.get("SECURE_COOKIES") == "1"
# With this prefix, no other host of the domain can set the cookie.
COOKIE = "__Host-session" if SECURE else "session"
SCOPES = ["balance:read"]


def login_keys(text: str) -> dict[str, bytes]:
    """The keys in ``ID:BASE64,ID:BASE64``."""
    pairs = [pair.strip().split(":") for pair in text.split(",")]
    try:
        keys = {name: b64decode(key, validate=True) for name, key in pairs}
        # It checks the IDs and keys.
        EncryptedStore(MemoryStore(), keys)
    except (ValueError, ConfigError):
        keys = {}
    if len(keys) < len(pairs):
        raise RuntimeError(
            "LOGIN_KEYS must be ID:KEY, or several such pairs with commas between them. Each ID is "
            "there once, and each KEY is 32 bytes in Base64: openssl rand -base64 32"
        )
    return keys


# Without good keys, the service does not start.
KEYS = login_keys(os.environ.get("LOGIN_KEYS", ""))

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]
pool: Pool = AsyncConnectionPool(os.environ["DATABASE_URL"], max_size=20, open=False)
client_id = ""


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None, None]:
    global client_id
    # The pool outlives all requests, and so it does all clients: what they have to save is saved.
    async with pool:
        client_id = await registered()
        yield


app = FastAPI(lifespan=lifespan)


async def registered() -> str:
    """This program's client ID. Without one in common, each new user would register anew."""
    async with pool.connection() as connection:
        # One worker registers, the others wait for it.
        await connection.execute("LOCK TABLE registration")
        row = await (await connection.execute("SELECT client_id FROM registration")).fetchone()
        if row:
            return str(row[0])
        async with AsyncAccountClient(client_name="my-service", store=store("nobody")) as client:
            found = await client.oauth.register()
        await connection.execute("INSERT INTO registration (client_id) VALUES (%s)", (found,))
        return found


def store(user_id: str) -> EncryptedStore[Any, Any]:
    # With the subject, a record that was copied from another user's row is refused.
    return EncryptedStore(PostgresStore(pool, user_id), KEYS, subject=user_id)


def client_of(user_id: str) -> AsyncAccountClient:
    """A client for one request: it is cheap, and its connections are those of all others."""
    return AsyncAccountClient(
        client_name="my-service", client_id=client_id, scopes=SCOPES, store=store(user_id)
    )


def hashed(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


async def query(statement: str, *values: object) -> tuple[Any, ...] | None:
    """One statement; the row that it answers, if it answers one."""
    async with pool.connection() as connection:
        cursor = await connection.execute(statement.encode(), values)
        return await cursor.fetchone() if cursor.description else None


Session = Annotated[str, Cookie(alias=COOKIE)]


async def user(session: Session = "") -> str:
    row = await query("SELECT user_id FROM sessions WHERE id = %s", hashed(session))
    if row is None:
        raise HTTPException(401, "Log in first.")
    return str(row[0])


def same_origin(request: Request) -> None:
    """No other site may send a form here in the name of its visitor."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    ours = f"{request.url.scheme}://{request.headers.get('host')}"
    if site not in ("same-origin", "none") or origin not in (None, ours):
        raise HTTPException(403, "This request came from another site.")


def set_session(response: Response) -> str:
    """Gives the visitor a new session: one that is known already may have been planted."""
    session = secrets.token_urlsafe(32)
    response.set_cookie(COOKIE, session, httponly=True, secure=SECURE, samesite="lax")
    return hashed(session)


@app.exception_handler(AccountError)
async def on_error(_request: Request, error: AccountError) -> JSONResponse:
    status = 401 if error.code == "login_required" else 502
    return JSONResponse({"error": error.code, "message": str(error)}, status)


@app.get("/")
async def index(session: Session = "") -> HTMLResponse:
    found = hashed(session)
    if await query("SELECT 1 FROM sessions WHERE id = %s", found):
        page = "<a href=/balance>Balance</a><form method=post action=/logout><button>Log out"
    elif row := await query(
        "SELECT user_code, verification_uri FROM pending_logins WHERE id = %s", found
    ):
        code, link = (escape(str(it)) for it in row)
        page = (
            f'<p>Enter <b>{code}</b> at <a href="{link}">{link}</a>.'
            "<form method=post action=/login/poll><button>Done"
        )
    else:
        page = "<form method=post action=/login><button>Log in at Parallel"
    return HTMLResponse(f"<!doctype html><title>My service</title>{page}")


@app.post("/login", dependencies=[Depends(same_origin)])
async def login(session: Session = "") -> Response:
    home = RedirectResponse("/", 303)
    if await query("SELECT 1 FROM sessions WHERE id = %s", hashed(session)):
        return home
    user_id = secrets.token_hex(16)
    async with client_of(user_id) as client:
        pending = await client.start_login()
    await query("DELETE FROM pending_logins WHERE id = %s OR expires_at < now()", hashed(session))
    await query(
        "INSERT INTO pending_logins VALUES (%s, %s, %s, %s, %s, %s, now())",
        set_session(home),
        user_id,
        pending.pending_record(),
        pending.user_code,
        pending.verification_uri,
        pending.expires_at,
    )
    return home


@app.post("/login/poll", dependencies=[Depends(same_origin)])
async def poll(session: Session = "") -> Response:
    """Asks Parallel whether the visitor has approved: once per interval, however many tabs ask."""
    home = RedirectResponse("/", 303)
    found = hashed(session)
    row = await query(
        "UPDATE pending_logins SET poll_at = now() + interval '60 s' "
        "WHERE id = %s AND poll_at <= now() RETURNING user_id, record",
        found,
    )
    if row is None:
        return home
    user_id, record = row
    try:
        async with client_of(user_id) as client:
            pending = await client.resume_login(record)
            # It waits until a poll is due.
            event = await pending.poll()
        record = pending.pending_record()
    except (AccessDeniedError, LoginExpiredError):
        await query("DELETE FROM pending_logins WHERE id = %s", found)
        raise
    finally:
        await query(
            "UPDATE pending_logins SET record = %s, poll_at = now() WHERE id = %s", record, found
        )
    if event.kind == "authorized":
        await query("DELETE FROM pending_logins WHERE id = %s", found)
        await query("INSERT INTO sessions VALUES (%s, %s)", set_session(home), user_id)
    return home


@app.post("/logout", dependencies=[Depends(same_origin)])
async def logout(user_id: Annotated[str, Depends(user)]) -> Response:
    home = RedirectResponse("/", 303)
    await query("DELETE FROM sessions WHERE user_id = %s", user_id)
    home.delete_cookie(COOKIE, secure=SECURE, httponly=True, samesite="lax")
    async with client_of(user_id) as client:
        await client.logout()
    # What is left in the record names nobody, and this user does not come back.
    await query("DELETE FROM parallel_account_logins WHERE key = %s", user_id)
    return home


@app.get("/balance")
async def balance(user_id: Annotated[str, Depends(user)]) -> dict[str, object]:
    async with client_of(user_id) as client:
        return (await client.balance.get()).to_dict()
