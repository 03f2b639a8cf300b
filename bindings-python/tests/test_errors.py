"""Every code of the shared table, provoked: its class, its message, and how it is chained.

``pytest -s -k errors_table`` prints the table.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import parallel_account
from conftest import ROOT, Sandbox
from parallel_account import AccountError, FileStore, MemoryStore

ROWS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "errors.json").read_text())


class Trigger:
    """What provoking an error needs, for either client."""

    def __init__(self, sandbox: Sandbox, mode: str, folder: Path) -> None:
        self.sandbox = sandbox
        self.make: Any = sandbox.client if mode == "blocking" else sandbox.async_client
        self.folder = folder
        self.record = sandbox.record()

    def client(self, **options: Any) -> Any:
        """One that is logged in and repeats nothing."""
        options = {"store": MemoryStore(self.record), "max_retries": 0, **options}
        return self.make(**options)

    def balance(self, **fault: Any) -> Any:
        """Reads the balance from a service that answers so."""
        self.sandbox.fault("balance.get", **fault)
        return self.client().balance.get()


async def value(given: Any) -> Any:
    return await given if hasattr(given, "__await__") else given


async def login_required(it: Trigger) -> None:
    await value(it.make().balance.get())


async def access_denied(it: Trigger) -> None:
    login = await value(it.make(first_poll_at_once=True).start_login())
    it.sandbox.deny(login)
    await value(login.wait())


async def login_expired(it: Trigger) -> None:
    login = await value(it.make(first_poll_at_once=True).start_login())
    it.sandbox.control("POST", "/expire-device-code", user_code=login.user_code)
    await value(login.wait())


async def oauth(it: Trigger) -> None:
    body = {"error": "invalid_scope", "error_description": "There is no such scope"}
    it.sandbox.fault("device_code", status=400, body=body)
    await value(it.make().start_login())


async def unauthorized(it: Trigger) -> None:
    await value(it.balance(status=401, body={"detail": "Invalid token"}, times=2))


async def payment_required(it: Trigger) -> None:
    it.sandbox.control("POST", "/organizations", org_id="org_sandbox", card_declined=True)
    await value(it.client().balance.add(100))


async def permission_denied(it: Trigger) -> None:
    client = it.make(first_poll_at_once=True)
    login = await value(client.start_login(scopes=["balance:read"]))
    it.sandbox.approve(login)
    await value(login.wait())
    await value(client.balance.add(100))


async def not_found(it: Trigger) -> None:
    await value(it.client().apps.delete(str(uuid.uuid4())))


async def conflict(it: Trigger) -> None:
    await value(it.balance(status=409, body={"detail": "Busy"}))


async def invalid_request(it: Trigger) -> None:
    await value(it.client().balance.add(10_001))


async def rate_limited(it: Trigger) -> None:
    await value(it.balance(status=429, headers={"Retry-After": "7"}, body=""))


async def server(it: Trigger) -> None:
    await value(it.balance(status=503, body="<html>"))


async def connection(it: Trigger) -> None:
    it.sandbox.fault("balance.get", reset="before")
    await value(it.client().balance.get())


async def tls(it: Trigger) -> None:
    url = it.sandbox.account_url.replace("http:", "https:")
    await value(it.client(account_url=url).balance.get())


async def timeout(it: Trigger) -> None:
    it.sandbox.fault("balance.get", delay_ms=5000)
    await value(it.client(timeout=0.1).balance.get())


async def invalid_response(it: Trigger) -> None:
    await value(it.balance(status=200, body="<html>"))


async def store(it: Trigger) -> None:
    await value(it.client(store=FileStore(it.folder)).balance.get())


async def store_corrupt(it: Trigger) -> None:
    await value(it.client(store=MemoryStore("{")).balance.get())


async def config(it: Trigger) -> None:
    client = it.client()
    client.close()
    await value(client.balance.get())


async def cancelled(it: Trigger) -> None:
    login = await value(it.make().start_login())
    login.cancel()
    await value(login.wait())


async def internal(it: Trigger) -> None:
    await value(it.client()._native._panic_for_tests("not for display"))


# What happened, and what to do about it.
PROVOKED: dict[Callable[[Trigger], Awaitable[None]], str] = {
    login_required: r"Nobody is logged in\. Log in first\.",
    access_denied: r"denied on the approval page\. Start a new login",
    login_expired: r"expired before the login was approved\. Start a new login",
    oauth: r"invalid_scope.*There is no such scope",
    unauthorized: r"the access token was refused\. Log in again\. .*Invalid token",
    payment_required: r"declined\. Check the organization's payment method",
    permission_denied: r"permission denied\. Log in with the required scope",
    not_found: r"not found\. Check the ID",
    conflict: r"conflicts with what is there\. .*Busy",
    invalid_request: r"10000",
    rate_limited: r"too many requests\. Wait",
    server: r"the service failed\. Try again later",
    connection: r"127\.0\.0\.1:\d+.*Check the network",
    tls: r"No secure connection to 127\.0\.0\.1:\d+.*ca_bundle",
    timeout: r"did not answer within 0\.1 s\. Check the network, or allow more time",
    invalid_response: r"is malformed.*Check the base URL",
    store: r"is a folder, where a file should be\. Move it away",
    store_corrupt: r"are damaged.*Log in again",
    config: r"closed\. Create a new one",
    cancelled: "",
    internal: r"bug in parallel-account .*Please report it",
}
BY_CODE = {trigger.__name__: (trigger, message) for trigger, message in PROVOKED.items()}


@pytest.fixture(scope="module", params=["blocking", "async"])
def caught(
    request: pytest.FixtureRequest, shared_sandbox: Sandbox, tmp_path_factory: Any
) -> dict[str, BaseException]:
    """What each trigger raised."""
    found: dict[str, BaseException] = {}
    for code, (trigger, _) in BY_CODE.items():
        shared_sandbox.control("POST", "/reset")
        it = Trigger(shared_sandbox, request.param, tmp_path_factory.mktemp(code))
        try:
            asyncio.run(trigger(it))  # type: ignore[arg-type]
        except BaseException as error:
            found[code] = error
    return found


def test_errors_table(caught: dict[str, BaseException]) -> None:
    """With ``-s``, the table: code, class, message."""
    print()
    for row in ROWS:
        error = caught[row["code"]]
        port = r"(?<=127\.0\.0\.1:)\d+"
        message = re.sub(rf"{port}|/\S+/(?=store)", "…", str(error))
        print(row["code"], type(error).__name__, message, sep=" | ")
    assert [row["code"] for row in ROWS] == list(BY_CODE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_each_code(caught: dict[str, BaseException], row: dict[str, Any]) -> None:
    error = caught[row["code"]]
    if row["class"] is None:
        own = (asyncio.CancelledError, concurrent.futures.CancelledError)
        assert isinstance(error, own)
        return
    assert re.search(BY_CODE[row["code"]][1], str(error)), str(error)
    assert isinstance(error, AccountError)
    assert error.code == row["code"]
    assert type(error) is getattr(parallel_account, row["class"])
    assert isinstance(error, getattr(parallel_account, row["base"]))
    assert error.retryable is row["retryable"]
    assert "not for display" not in str(error)


def test_classes_are_those_of_the_table() -> None:
    listed = {row["code"]: row["class"] for row in ROWS if row["class"]}
    found = {
        kind.code: kind.__name__
        for kind in vars(parallel_account).values()
        if isinstance(kind, type) and issubclass(kind, AccountError) and "code" in vars(kind)
    }
    assert found.pop("internal") in ("AccountError", "InternalError")
    listed.pop("internal")
    assert found == listed
