"""The Account API, and what bad input gets, with both clients."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Sandbox
from parallel_account import (
    AccountClient,
    AccountError,
    AsyncAccountClient,
    ConfigError,
    InvalidRequestError,
    MemoryStore,
    NotFoundError,
    PaymentRequiredError,
)

APP = str(uuid.uuid4())


def test_balance(sandbox: Sandbox, client: AccountClient) -> None:
    before = client.balance.get()
    after = client.balance.add(250, idempotency_key="only-once-1")
    assert after.credit_balance_cents == before.credit_balance_cents + 250
    assert client.balance.add(250, "only-once-1") == after
    declined = {"org_id": before.org_id, "card_declined": True}
    sandbox.control("POST", "/organizations", **declined)
    with pytest.raises(PaymentRequiredError) as caught:
        client.balance.add(100)
    assert caught.value.status == 402


def test_apps_and_keys(client: AccountClient) -> None:
    app = client.apps.create("Größe 😀")
    assert app.app_name == "Größe 😀"
    (listed,) = client.apps.list()
    assert (listed.app_id, listed.app_name) == (app.app_id, "Größe 😀")
    key = client.keys.create(app.app_id, "first")
    assert key.app_id == app.app_id
    assert key.raw_api_key
    assert client.keys.delete(app.app_id, key.api_key_id) is None
    client.apps.delete(app.app_id)
    assert client.apps.list() == []
    with pytest.raises(NotFoundError):
        client.apps.delete(app.app_id)


def test_the_same_with_asyncio(sandbox: Sandbox) -> None:
    record = sandbox.record()

    async def main() -> None:
        async with sandbox.async_client(store=MemoryStore(record)) as client:
            before = await client.balance.get()
            after = await client.balance.add(100)
            assert after.credit_balance_cents == before.credit_balance_cents + 100
            app_id = (await client.apps.create("app")).app_id
            assert [app.app_id for app in await client.apps.list()] == [app_id]
            key = await client.keys.create(app_id, "key")
            assert await client.keys.delete(app_id, key.api_key_id) is None
            await client.apps.delete(app_id)
            answer = await client.request("GET", "/service/v1/apps")
            assert answer.parse() == {"apps": []}
            assert (await client.organizations())[0].selected
            await client.select_organization("org_sandbox")

    asyncio.run(main())


def test_request_returns_parsed_json(sandbox: Sandbox, client: AccountClient) -> None:
    answer = {"a": [1, 2.5, None, True, "ü"], "big": 2**63, "nested": {"x": -1}}
    sandbox.fault("balance.get", status=200, body=answer)
    assert client.request("GET", "/service/v1/balance").parse() == answer
    created = client.request("POST", "/service/v1/apps", {"app_name": "by hand"}).parse()
    assert client.apps.list()[0].app_id == created["app_id"]


@pytest.mark.parametrize(
    ("json", "kind"),
    [
        (object(), TypeError),
        ({1: 2}, TypeError),
        (float("nan"), ValueError),
        (2**64, ValueError),
        (b"bytes", TypeError),
    ],
)
def test_what_json_has_no_form_for(client: AccountClient, json: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="json holds"):
        client.request("POST", "/service/v1/apps", json)


def test_json_without_end(client: AccountClient) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        client.request("POST", "/service/v1/apps", endless)


def test_other_limits(sandbox: Sandbox, client: AccountClient) -> None:
    sandbox.fault("balance.get", status=503, body="", times=1)
    assert client.balance.get().org_id
    sandbox.fault("balance.get", status=503, body="", times=1)
    with pytest.raises(AccountError) as caught:
        client.with_options(max_retries=0).balance.get()
    assert (caught.value.code, caught.value.retryable) == ("server", True)
    sandbox.fault("balance.get", delay_ms=5000)
    with pytest.raises(AccountError) as caught:
        client.with_options(timeout=0.1, max_retries=0).balance.get()
    assert caught.value.code == "timeout"
    assert isinstance(caught.value, TimeoutError)


def test_a_deadline_ends_a_call_as_a_whole(sandbox: Sandbox, client: AccountClient) -> None:
    limits: dict[str, Any] = {"deadline": 1.5, "timeout": 1, "max_retries": 1000}
    for it in (
        client.with_options(**limits),
        sandbox.client(store=MemoryStore(sandbox.record()), **limits),
    ):
        # Each request may be retried for ever.
        sandbox.delay(times=1000)
        started = time.monotonic()
        with pytest.raises(TimeoutError, match="deadline"):
            it.balance.get()
        assert 1 < time.monotonic() - started < 10
        sandbox.control("DELETE", "/faults")
        assert it.balance.get().org_id


@pytest.mark.parametrize("given", [None, "chosen-by-the-caller"])
def test_errors_of_a_charge_name_its_key(
    sandbox: Sandbox, client: AccountClient, given: str | None
) -> None:
    sandbox.fault("balance.add", status=500, body="")
    with pytest.raises(AccountError) as caught:
        client.with_options(max_retries=0).balance.add(100, given)
    key = caught.value.idempotency_key
    (request,) = sandbox.requests("balance.add")
    assert key == request["json"]["idempotency_key"]
    assert given in (None, key)
    # With it, a retry cannot charge twice.
    before = client.balance.get().credit_balance_cents
    for _ in range(2):
        assert client.balance.add(100, key).credit_balance_cents == before + 100


def test_other_errors_have_no_key(client: AccountClient) -> None:
    with pytest.raises(AccountError) as caught:
        client.apps.create("")
    assert caught.value.idempotency_key is None


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda it: it.balance.add(0), "amount"),
    (lambda it: it.balance.add(10_001), "amount"),
    (lambda it: it.balance.add(2**80), "amount"),
    (lambda it: it.balance.add(100, "short"), "8"),
    (lambda it: it.balance.add(100, "x" * 129), "128"),
    (lambda it: it.apps.create(""), "name"),
    (lambda it: it.apps.delete("../keys"), "UUID"),
    (lambda it: it.keys.create("nope", "name"), "UUID"),
    (lambda it: it.keys.create(APP, ""), "name"),
    (lambda it: it.keys.delete(APP, ""), "key"),
    (lambda it: it.request("GET", "https://elsewhere.example/"), "path"),
    (lambda it: it.request("GET", "/../x"), "path"),
    (lambda it: it.request("G E T", "/service/v1/balance"), "method"),
]


@pytest.mark.parametrize(("call", "hint"), REFUSED)
def test_bad_arguments_are_not_sent(
    sandbox: Sandbox, client: AccountClient, call: Callable[[Any], Any], hint: str
) -> None:
    sent = len(sandbox.requests("*"))
    with pytest.raises(InvalidRequestError, match=hint) as caught:
        call(client)
    assert caught.value.status is None

    async def main() -> None:
        async with sandbox.async_client() as client:
            with pytest.raises(InvalidRequestError, match=hint):
                await call(client)

    asyncio.run(main())
    assert len(sandbox.requests("*")) == sent


WRONG_TYPES: list[Callable[[Any], Any]] = [
    lambda it: it.balance.add("100"),
    lambda it: it.balance.add(1.5),
    lambda it: it.balance.add(None),
    lambda it: it.apps.create(7),
    lambda it: it.keys.create(APP, None),
    lambda it: it.keys.delete(APP, 3),
    lambda it: it.request(None, "/"),
    lambda it: it.start_login(scopes="balance:read"),
    lambda it: it.start_login(timeout="soon"),
    lambda it: it.resume_login(None),
    lambda it: it.select_organization(1),
    lambda it: it.logout(organization=1),
    lambda it: it.oauth.refresh(None),
    lambda it: it.oauth.revoke(b"x"),
    lambda it: it.oauth.poll_token("a", None),
    lambda it: it.oauth.request_device_code("a", "balance:read"),
]


@pytest.mark.parametrize("call", WRONG_TYPES)
def test_wrong_types(sandbox: Sandbox, call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(sandbox.client())

    async def main() -> None:
        async with sandbox.async_client() as client:
            with pytest.raises(TypeError):
                await call(client)

    asyncio.run(main())


@pytest.mark.parametrize("scopes", ["balance:read", b"balance:read", 7, ["balance:read", 7]])
def test_scopes_that_are_no_list(client: AccountClient, scopes: Any) -> None:
    hint = r"scopes must be a list of str, such as \[\"balance:read\"\]\."
    for call in (
        lambda: AccountClient(scopes=scopes),
        lambda: client.start_login(scopes=scopes),
        lambda: client.oauth.request_device_code("id", scopes),
    ):
        with pytest.raises(TypeError, match=hint):
            call()


def test_a_pending_record_that_is_no_str(client: AccountClient) -> None:
    with pytest.raises(TypeError, match=r"record must be the str that pending_record\(\) returned"):
        client.resume_login({"user_code": "ABCD"})  # type: ignore[arg-type]


BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"timeout": 0}, "timeout"),
    ({"timeout": -1}, "timeout"),
    ({"timeout": float("nan")}, "timeout"),
    ({"timeout": float("inf")}, "timeout"),
    ({"timeout": 86_400.5}, "timeout.*one day"),
    ({"deadline": 0}, "deadline.*greater than zero"),
    ({"deadline": -1}, "deadline"),
    ({"deadline": 1e300}, "deadline.*one day"),
    ({"lock_timeout": 0}, "lock_timeout"),
    ({"lock_timeout": 1e9}, "lock_timeout"),
    ({"store_timeout": 0}, "store_timeout"),
    ({"store_timeout": 1e15}, "store_timeout.*one day"),
    ({"max_retries": -1}, "max_retries"),
    ({"platform_url": "http://platform.example"}, "https"),
    ({"account_url": "not a url"}, "account_url"),
    ({"scopes": ["two words"]}, "scope"),
    ({"client_name": ""}, "client_name"),
    ({"proxy": "::"}, "proxy"),
    ({"ca_bundle": "/nonexistent/ca.pem"}, "ca_bundle|ca.pem"),
    ({"user_agent": "a\nb"}, "user_agent"),
    ({"store": object()}, "load"),
    ({"store": MemoryStore}, "make one of the class MemoryStore"),
    ({"store": "file.json"}, "load"),
]


@pytest.mark.parametrize("kind", [AccountClient, AsyncAccountClient])
@pytest.mark.parametrize(("options", "hint"), BAD_OPTIONS)
def test_bad_options(kind: Any, options: dict[str, Any], hint: str) -> None:
    options = {"store": MemoryStore(), **options}
    with pytest.raises(ConfigError, match=hint):
        kind(**options)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"deadline": -1}, {"deadline": 1e9}])
def test_bad_limits_of_a_call(client: AccountClient, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ConfigError, match=f"{name} must be"):
        client.with_options(**options).balance.get()


@pytest.mark.parametrize(
    "options",
    [{"timeout": "1"}, {"client_name": 1}, {"scopes": "balance:read"}, {"max_retries": 1.5}],
)
def test_options_of_the_wrong_type(options: dict[str, Any]) -> None:
    (name,) = options
    # The name is a note of the exception, which Python 3.10 has no place for.
    with pytest.raises(TypeError, match=name if sys.version_info >= (3, 11) else None):
        AccountClient(**options)
    with pytest.raises(TypeError):
        AccountClient("positional")  # type: ignore[misc]


def test_a_closed_client(sandbox: Sandbox, client: AccountClient) -> None:
    other = client.with_options(timeout=5)
    with client:
        assert not client.closed
    assert client.closed
    assert other.closed
    assert "closed" in repr(client)
    for call in (client.balance.get, client.status, client.start_login, other.access_token):
        with pytest.raises(ConfigError, match="closed"):
            call()
