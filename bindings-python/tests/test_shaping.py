"""What calls send along, and what answers say besides their body."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Relay, Sandbox
from parallel_account import (
    AccountClient,
    AsyncAccountClient,
    Balance,
    ConfigError,
    MemoryStore,
    NotFoundError,
    RawResponse,
    TimeoutError,
)


@pytest.fixture
def heard(sandbox: Sandbox, relay: Relay) -> Iterator[Any]:
    """A client whose requests pass through the relay, with headers of its own."""
    relay.release()
    with sandbox.client(
        store=MemoryStore(sandbox.record()),
        account_url=f"{relay.url}/account",
        default_headers={"x-team": "one", "x-two": "both"},
    ) as client:
        yield client


def values(relay: Relay, name: str) -> list[str]:
    return [value for it, value in relay.headers() if it == name]


def test_headers_of_the_client_and_of_a_call(heard: AccountClient, relay: Relay) -> None:
    heard.balance.get()
    assert (values(relay, "x-team"), values(relay, "x-two")) == (["one"], ["both"])
    heard.balance.get(extra_headers={"X-Team": "other"})
    assert (values(relay, "x-team"), values(relay, "x-two")) == (["other"], ["both"])
    view = heard.with_options(default_headers={"x-team": "view"})
    view.with_options(timeout=9).apps.list(extra_headers={"x-three": "3"})
    assert (values(relay, "x-team"), values(relay, "x-three")) == (["view"], ["3"])
    view.with_options(default_headers={"X-TEAM": "again"}).apps.list()
    assert values(relay, "x-team") == ["again"]
    heard.request("GET", "/service/v1/apps", headers={"x-team": "request"})
    assert values(relay, "x-team") == ["request"]
    heard.balance.get()
    assert values(relay, "x-team") == ["one"]


@pytest.mark.parametrize("name", ["authorization", "Host", "a b", ""])
def test_headers_that_are_refused(sandbox: Sandbox, client: AccountClient, name: str) -> None:
    before = len(sandbox.requests("balance.get"))
    with pytest.raises(ConfigError):
        client.balance.get(extra_headers={name: "x"})
    with pytest.raises(ConfigError):
        sandbox.client(default_headers={name: "x"})
    assert len(sandbox.requests("balance.get")) == before


@pytest.mark.parametrize("headers", ["x-a", [("x-a", "1")], {"x-a": 1}, {1: "x"}])
def test_headers_of_the_wrong_type(client: AccountClient, headers: Any) -> None:
    with pytest.raises(TypeError, match="Headers must be a dict of str to str"):
        client.balance.get(extra_headers=headers)
    with pytest.raises(TypeError, match="Headers must be a dict of str to str"):
        client.with_options(default_headers=headers)


def test_a_time_limit_for_one_call(sandbox: Sandbox, client: AccountClient) -> None:
    sandbox.delay(5)
    with pytest.raises(TimeoutError, match=r"within 0\.1 s"):
        client.with_options(max_retries=0).balance.get(timeout=0.1)
    assert client.balance.get().org_id
    with pytest.raises(ConfigError, match="timeout"):
        client.apps.list(timeout=-1)


def test_raw_responses(sandbox: Sandbox, client: AccountClient) -> None:
    answer = client.balance.with_raw_response.get()
    assert isinstance(answer, RawResponse)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == answer.headers["content-type"] == "application/json"
    assert "CONTENT-TYPE" in answer.headers
    assert dict(answer.headers) == {name: answer.headers[name] for name in answer.headers}
    assert answer.request_id == answer.headers["x-request-id"]
    balance = answer.parse()
    assert isinstance(balance, Balance)
    assert balance.request_id == answer.request_id
    assert balance == client.balance.get()
    made = client.apps.with_raw_response.create("app").parse()
    (app,) = client.apps.with_raw_response.list().parse()
    assert app.app_id == made.app_id
    key = client.keys.with_raw_response.create(app.app_id, "key")
    assert key.parse().raw_api_key not in repr(key)
    deleted = client.keys.with_raw_response.delete(app.app_id, key.parse().api_key_id)
    assert deleted.parse() is None
    assert deleted.status_code == 200
    assert client.balance.with_raw_response.add(100, timeout=9).parse().credit_balance_cents
    with pytest.raises(NotFoundError):
        client.apps.with_raw_response.delete("00000000-0000-4000-8000-000000000000")


def test_raw_responses_awaited(sandbox: Sandbox) -> None:
    record = sandbox.record()

    async def main() -> None:
        async with sandbox.async_client(store=MemoryStore(record)) as client:
            answer = await client.balance.with_raw_response.get(extra_headers={"x-a": "b"})
            assert answer.parse().request_id == answer.request_id
            both = await asyncio.gather(client.balance.get(), client.balance.get())
            assert both[0] == both[1]
            assert both[0].request_id != both[1].request_id
            assert (await client.request("GET", "/service/v1/apps")).parse() == {"apps": []}

    asyncio.run(main())


def test_the_request_of_every_model(client: AccountClient) -> None:
    first, second = client.balance.get(), client.balance.get()
    assert first == second
    assert hash(first) == hash(second)
    assert first.request_id
    assert first.request_id != second.request_id
    assert first.request_id not in repr(first)
    assert "request_id" not in first.to_dict()
    assert pickle.loads(pickle.dumps(first)).request_id == first.request_id
    app = client.apps.create("app")
    assert app.request_id
    ids = {app.request_id for app in client.apps.list()}
    assert len(ids) == 1
    assert None not in ids
    assert client.keys.create(app.app_id, "key").request_id
    assert client.status().request_id is None
    assert Balance(org_id="o", credit_balance_cents=1).request_id is None
    assert Balance(org_id="o", credit_balance_cents=1, request_id="r").request_id == "r"


def test_the_query_of_a_request(heard: AccountClient, relay: Relay) -> None:
    params: dict[str, Any] = {
        "q": "a b&c=ü",
        "all": True,
        "none": None,
        "many": [1, "x"],
        "ratio": 0.5,
    }
    with pytest.raises(NotFoundError):
        heard.request("GET", "/service/v1/x?first=1", params=params)
    line = b"".join(relay.sent).rpartition(b"GET ")[2].split(b" HTTP")[0].decode()
    assert line.partition("?")[2] == ("first=1&q=a+b%26c%3D%C3%BC&all=true&many=1&many=x&ratio=0.5")
    answer = heard.request("GET", "/service/v1/apps", params={"none": None})
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == answer.request_id
    assert json.dumps(answer.parse()) == '{"apps": []}'
    with pytest.raises(TypeError, match="params\\['q'\\]"):
        heard.request("GET", "/service/v1/apps", params={"q": {}})  # type: ignore[dict-item]


class Billing(AccountClient):
    """Adds an attribute of each kind."""

    __slots__ = ("__dict__", "slotted")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.currency = "USD"
        self.slotted = 7


class AsyncBilling(AsyncAccountClient):
    currency = "class"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.currency = "USD"


def test_subclasses_keep_what_they_are(sandbox: Sandbox) -> None:
    options: dict[str, Any] = {"store": MemoryStore(sandbox.record()), **sandbox.urls}
    with Billing(**options) as billing:
        view = billing.with_options(timeout=5)
        assert type(view) is Billing
        assert (view.currency, view.slotted) == ("USD", 7)
        view.currency = "EUR"
        assert billing.currency == "USD"
        assert view.balance.get() == billing.balance.get()

    async def main() -> None:
        async with AsyncBilling(**options) as billing:
            view = billing.with_options(max_retries=0)
            assert type(view) is AsyncBilling
            assert view.currency == "USD"
            assert await view.balance.get() == await billing.balance.get()

    asyncio.run(main())
