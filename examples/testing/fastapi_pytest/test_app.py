"""The service against a local Parallel: ``pytest``."""

from pathlib import Path

import pytest
from app import create_app
from fastapi.testclient import TestClient

from parallel_account.stores import SqliteStore
from parallel_account_sandbox import AccountSandbox


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "logins.db")


@pytest.fixture
def service(parallel_sandbox: AccountSandbox, database: str) -> TestClient:
    return TestClient(create_app(database))


@pytest.fixture
def ada(service: TestClient, parallel_sandbox: AccountSandbox, database: str) -> dict[str, str]:
    """The headers of a user who has logged in."""
    assert SqliteStore(database, key="ada").replace(None, parallel_sandbox.login_record())
    return {"X-User": "ada"}


def test_a_login(service: TestClient, parallel_sandbox: AccountSandbox) -> None:
    bob = {"X-User": "bob"}
    assert service.get("/balance", headers=bob).status_code == 401

    login = service.post("/login", headers=bob).json()
    parallel_sandbox.approve(login["code"], org_id="org_bob", org_name="Bob & Sons")

    assert service.get("/login", headers=bob).json() == {"state": "authorized"}
    assert service.get("/balance", headers=bob).json() == {"cents": 5000}


def test_a_login_that_is_denied(service: TestClient, parallel_sandbox: AccountSandbox) -> None:
    bob = {"X-User": "bob"}
    parallel_sandbox.deny(service.post("/login", headers=bob).json()["code"])
    assert service.get("/login", headers=bob).json() == {"state": "access_denied"}


def test_users_have_their_own_balance(
    service: TestClient, ada: dict[str, str], parallel_sandbox: AccountSandbox, database: str
) -> None:
    record = parallel_sandbox.login_record(org_id="org_bob")
    SqliteStore(database, key="bob").replace(None, record)
    parallel_sandbox.set_balance(100, org_id="org_bob")

    assert service.get("/balance", headers={"X-User": "bob"}).json() == {"cents": 100}
    assert service.get("/balance", headers=ada).json() == {"cents": 5000}


def test_a_top_up(service: TestClient, ada: dict[str, str]) -> None:
    assert service.post("/top-up/250", headers=ada).json() == {"cents": 5250}


def test_a_card_that_is_declined(
    service: TestClient, ada: dict[str, str], parallel_sandbox: AccountSandbox
) -> None:
    parallel_sandbox.decline_card()
    assert service.post("/top-up/250", headers=ada).status_code == 402
    assert service.get("/balance", headers=ada).json() == {"cents": 5000}


def test_a_lost_answer_charges_once(
    service: TestClient, ada: dict[str, str], parallel_sandbox: AccountSandbox
) -> None:
    parallel_sandbox.fault("balance.add", drop_answer_after_processing=True)
    assert service.post("/top-up/250", headers=ada).json() == {"cents": 5250}
    assert parallel_sandbox.organizations()[0]["charges"] == 1


def test_an_access_token_that_has_expired(
    service: TestClient, ada: dict[str, str], parallel_sandbox: AccountSandbox
) -> None:
    parallel_sandbox.expire_access_tokens()
    assert service.get("/balance", headers=ada).status_code == 200
    assert parallel_sandbox.counts()["routes"]["token.refresh"] == 1


def test_access_that_was_withdrawn(
    service: TestClient, ada: dict[str, str], parallel_sandbox: AccountSandbox
) -> None:
    parallel_sandbox.revoke()
    parallel_sandbox.expire_access_tokens()
    assert service.get("/balance", headers=ada).status_code == 401


def test_parallel_is_down(
    service: TestClient, ada: dict[str, str], parallel_sandbox: AccountSandbox
) -> None:
    parallel_sandbox.break_network()
    assert service.get("/balance", headers=ada).status_code == 503
    parallel_sandbox.clear_faults()
    assert service.get("/balance", headers=ada).status_code == 200
