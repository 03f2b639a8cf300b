"""The stores of the README, as they are written."""

from __future__ import annotations

import contextlib
from textwrap import dedent
from typing import Any

import psycopg
import pytest

from conftest import Sandbox
from databases import Engines
from parallel_account.stores import PostgresStore
from readme import block, snippet


def test_the_recipe_for_s3(sandbox: Sandbox) -> None:
    boto3 = pytest.importorskip("boto3")
    from moto.server import ThreadedMotoServer

    scope: dict[str, Any] = {}
    exec(snippet("class S3Store:"), scope)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    secret = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=f"http://{host}:{port}", **secret)
    with contextlib.closing(s3):
        s3.create_bucket(Bucket="logins")
        store = scope["S3Store"](s3, "logins", "user-7")
        assert store.load() is None
        assert store.replace(None, None)
        assert not store.replace("old", "new")
        assert store.replace(None, "first")
        assert not store.replace(None, "second")
        assert not store.replace(None, None)
        assert store.load() == "first"

        class Raced(scope["S3Store"]):  # type: ignore[misc]
            """Somebody else writes between its reading and its writing."""

            def read(self) -> Any:
                found = super().read()
                s3.put_object(**store.at, Body=b"theirs")
                return found

        raced = Raced(s3, "logins", "user-7")
        assert not raced.replace("first", "mine")
        assert store.load() == "theirs"
        assert store.replace("theirs", "mine")
        assert not raced.replace("mine", None)
        assert store.load() == "theirs"
        assert store.replace("theirs", None)
        assert not raced.replace(None, "mine")
        assert store.load() == "theirs"
        assert store.replace("theirs", None)
        with sandbox.client(store=store, first_poll_at_once=True) as client:
            sandbox.log_in(client)
            sandbox.control("POST", "/expire-access-token")
            assert client.balance.get().org_id
        with sandbox.client(store=store) as client:
            assert client.balance.get().org_id
        assert len(sandbox.requests("token.refresh")) == 1
    server.stop()


def test_what_the_readme_shows(engines: Engines, sandbox: Sandbox) -> None:
    assert dedent(block("sql", "**Layout.**")).strip() == PostgresStore.schema
    key = "readme"
    with psycopg.connect(engines.postgres.url, autocommit=True) as connection:
        assert PostgresStore(connection, key).replace(None, sandbox.record())

    def client(**options: Any) -> Any:
        assert options.pop("client_name") == "my-service"
        return sandbox.client(**options)

    scope: dict[str, Any] = {
        "PostgresStore": PostgresStore,
        "AccountClient": client,
        "url": engines.postgres.url,
        "client_id": "parallel-cli",
    }
    exec(snippet("pool = ConnectionPool"), scope)
    with scope["pool"]:
        assert scope["balance_of"](key) == 5000
