"""Models and errors as values: frozen, comparable, picklable, and silent about secrets."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from typing import Any

import pytest

import parallel_account
from conftest import Sandbox
from parallel_account import (
    AccountClient,
    AccountError,
    ApiKey,
    Balance,
    ConnectionError,
    DeviceCode,
    InvalidField,
    InvalidRequestError,
    LoginEvent,
    MemoryStore,
    OAuthError,
    Organization,
    Status,
    StoreError,
    TimeoutError,
    Tokens,
)

CANARY = "canary-7f3a91"
SECRETIVE: list[Any] = [
    ApiKey(api_key_id="id", api_key_name="name", app_id="app", raw_api_key=CANARY),
    DeviceCode(
        device_code=CANARY,
        user_code="AB-CD",
        verification_uri="https://example.com",
        expires_in=600.0,
        interval=5.0,
    ),
    Tokens(access_token=CANARY, refresh_token=CANARY, token_type="Bearer"),
]


def test_values() -> None:
    one = Balance(org_id="org", credit_balance_cents=1.5)
    assert one == Balance(org_id="org", credit_balance_cents=1.5, will_invoice=False)
    assert one != Balance(org_id="org", credit_balance_cents=2)
    assert one != "org"
    assert len({one, copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))}) == 1
    assert eval(repr(one)) == one
    with pytest.raises(AttributeError):
        one.org_id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Balance("org", 1.0)  # type: ignore[misc]


def test_nested_values() -> None:
    status = Status(logged_in=True, organization=Organization(id="a"), scopes=["x"])
    assert status.scopes == ("x",)
    assert pickle.loads(pickle.dumps(status)) == status
    nested = status.to_dict()["organization"]
    assert nested == {"id": "a", "name": None, "selected": False, "logged_in": False}
    event = LoginEvent(kind="authorized", status=status)
    assert pickle.loads(pickle.dumps(event)) == event


@pytest.mark.parametrize("value", SECRETIVE, ids=lambda it: type(it).__name__)
def test_secrets_stay_out(value: Any) -> None:
    for text in (repr(value), str(value), f"{value}", str(value.to_dict())):
        assert CANARY not in text
    assert CANARY.encode() not in pickle.dumps(value)
    assert type(pickle.loads(pickle.dumps(value))) is type(value)
    asked = value.to_dict(secrets=True)
    assert CANARY in asked.values()
    assert type(value)(**asked) == value


def test_errors_are_one_tree_and_pickle() -> None:
    kinds = [
        kind
        for kind in vars(parallel_account).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    assert len(kinds) > 20
    for kind in kinds:
        assert issubclass(kind, AccountError)
        cause = ValueError("why")
        details: dict[str, Any] = {"status": 400, "request_id": "r", "retry_after": 1.5}
        error = kind("what", outcome_unknown=True, idempotency_key="key-0001", **details)
        error.__cause__ = cause
        copied = pickle.loads(pickle.dumps(error))
        assert type(copied) is kind
        assert vars(copied) == vars(error)
        assert str(copied) == "what"
        assert "idempotency_key='key-0001'" in repr(copied)
        assert repr(copied.__cause__) == repr(cause)
    oauth = OAuthError("what", error="invalid_scope", description="why")
    assert vars(pickle.loads(pickle.dumps(oauth))) == vars(oauth)
    invalid = InvalidRequestError("what", fields=(InvalidField("body.x", "bad", "type"),))
    assert vars(pickle.loads(pickle.dumps(invalid))) == vars(invalid)


class TwoArguments(Exception):
    """Can be pickled, and not unpickled: `args` has one."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


class Connected(Exception):
    """Cannot be pickled."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


@pytest.mark.parametrize("cause", [TwoArguments("what", "why"), Connected()])
def test_a_cause_that_cannot_be_pickled_is_left_out(cause: Exception) -> None:
    error = StoreError("what")
    error.__cause__ = cause
    outer = StoreError("outer")
    outer.__cause__ = error
    copied = pickle.loads(pickle.dumps(outer))
    assert repr(copied.__cause__) == repr(error)
    assert copied.__cause__.__cause__ is None


def test_builtin_relatives(sandbox: Sandbox) -> None:
    client = AccountClient(
        store=MemoryStore(),
        max_retries=0,
        platform_url="http://127.0.0.1:9",
        account_url="http://127.0.0.1:9",
    )
    with pytest.raises(OSError, match="could not be reached") as caught:
        client.start_login()
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.__cause__ is not None
    assert caught.value.errno is None
    import builtins

    assert issubclass(ConnectionError, builtins.ConnectionError)
    assert issubclass(TimeoutError, builtins.TimeoutError)


def test_field_errors(sandbox: Sandbox, client: AccountClient) -> None:
    detail = [{"loc": ["body", "amount_cents"], "msg": "too much", "type": "less_than"}]
    sandbox.fault("balance.add", status=422, body={"detail": detail})
    with pytest.raises(InvalidRequestError) as caught:
        client.balance.add(1)
    assert caught.value.fields == (InvalidField("body.amount_cents", "too much", "less_than"),)
    assert caught.value.status == 422


def test_import_starts_nothing() -> None:
    source = """
import os, sys
before = set(sys.modules)
import parallel_account
new = set(sys.modules) - before
assert not new & {"asyncio", "threading", "typing", "dataclasses", "inspect", "socket"}, new
client = parallel_account.AccountClient(store=parallel_account.MemoryStore())
if os.path.isdir("/proc/self/task"):
    assert len(os.listdir("/proc/self/task")) == 1
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")[:-1]]
    assert not [it for it in links if "socket" in it or "event" in it], links
"""
    subprocess.run([sys.executable, "-I", "-S", "-c", prelude() + source], check=True, timeout=60)


def prelude() -> str:
    from pathlib import Path

    assert parallel_account.__file__
    return f"import sys; sys.path.insert(0, {str(Path(parallel_account.__file__).parents[1])!r})\n"


def test_public_names() -> None:
    for name in parallel_account.__all__:
        assert getattr(parallel_account, name).__doc__ or name == "__version__"
