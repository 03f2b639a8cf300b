"""Encryption at rest, around every kind of store, and what another JOSE library makes of it."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import gc
import json
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from conftest import Program, Sandbox
from own_stores import Asynchronous, Plain
from parallel_account import (
    AccountClient,
    EncryptedStore,
    FileStore,
    LoginRequiredError,
    MemoryStore,
    StoreError,
)
from readme import snippet

RECORD = '{"version":1,"orgs":{},"secret":"canary-secret"}'
OTHER = '{"version":1,"orgs":{}}'
OLD = {"2026-05": bytes(range(32))}
NEW = {"2026-11": bytes(range(100, 132))}


def header(text: str) -> dict[str, Any]:
    part = text.split(".")[0]
    found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(found, dict)
    return found


def test_another_library_reads_what_is_stored() -> None:
    inner = Plain()
    store = EncryptedStore(inner, NEW)
    assert store.load() is None
    assert store.replace(None, RECORD)
    assert inner.record is not None
    assert header(inner.record) == {"alg": "dir", "enc": "A256GCM", "kid": "2026-11"}
    opened = jwe.decrypt_compact(inner.record, OctKey.import_key(NEW["2026-11"]))
    assert opened.plaintext == RECORD.encode()
    bound = Plain()
    assert EncryptedStore(bound, NEW, subject="user-42").replace(None, RECORD)
    assert bound.record is not None
    lenient = jwe.JWERegistry(strict_check_header=False)
    key = OctKey.import_key(NEW["2026-11"])
    opened = jwe.decrypt_compact(bound.record, key, registry=lenient)
    assert opened.headers()["sub"] == "user-42"


def test_what_another_library_wrote_is_read() -> None:
    protected = {"alg": "dir", "enc": "A256GCM", "kid": "2026-05", "typ": "JWE"}
    key = OctKey.import_key(OLD["2026-05"])
    inner = Plain(jwe.encrypt_compact(protected, RECORD, key))
    store = EncryptedStore(inner, {**NEW, **OLD})
    assert store.load() == RECORD
    assert store.replace(RECORD, OTHER)
    assert inner.record is not None
    assert header(inner.record)["kid"] == "2026-11"
    # And not in another way than this.
    for wrong in [
        {"alg": "dir", "enc": "A256CBC-HS512", "kid": "2026-11"},
        {"alg": "A256KW", "enc": "A256GCM", "kid": "2026-11"},
        {"alg": "dir", "enc": "A256GCM", "kid": "2026-11", "zip": "DEF"},
    ]:
        bits = bytes(64) if "CBC" in wrong["enc"] else NEW["2026-11"]
        inner.record = jwe.encrypt_compact(
            wrong, RECORD, OctKey.import_key(bits), algorithms=[wrong["alg"], wrong["enc"], "DEF"]
        )
        planted = inner.record
        with pytest.raises(StoreError, match="Only alg dir with enc A256GCM"):
            store.load()
        assert not store.replace(None, OTHER)
        assert inner.record == planted


def test_keys_rotate() -> None:
    inner = Plain()
    assert EncryptedStore(inner, OLD).replace(None, RECORD)
    rotating = EncryptedStore(inner, {**NEW, **OLD})
    assert rotating.load() == RECORD
    with pytest.raises(StoreError, match=r'"2026-05", which is not among keys'):
        EncryptedStore(inner, NEW).load()
    assert rotating.replace(RECORD, RECORD)
    assert EncryptedStore(inner, NEW).load() == RECORD


@pytest.mark.parametrize("kind", ["memory", "file", "plain", "asynchronous", "twice"])
def test_a_client_logs_in_and_out(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    makers: dict[str, Any] = {
        "memory": MemoryStore,
        "file": lambda: FileStore(tmp_path / "login.jwe"),
        "plain": Plain,
        "asynchronous": Asynchronous,
        "twice": lambda: EncryptedStore(Plain(), OLD),
    }
    inner = makers[kind]()

    def stored() -> str | None:
        record = inner.load()
        record = asyncio.run(record) if asyncio.iscoroutine(record) else record
        assert record is None or isinstance(record, str)
        return record

    def make() -> AccountClient:
        store = EncryptedStore(inner, NEW, subject="user-42")
        return sandbox.client(store=store, first_poll_at_once=True)

    with make() as client, make() as sibling:
        sandbox.log_in(client)
        assert sibling.balance.get().credit_balance_cents >= 0
        text = stored()
        assert text is not None
        assert header(text)["sub"] == "user-42"
        assert "access_token" not in text
        assert client.access_token() in decrypted(text) or kind == "twice"
        client.logout()
        with pytest.raises(LoginRequiredError):
            sibling.access_token()
    if kind == "file":
        assert sorted(os.listdir(tmp_path)) == ["login.jwe", "login.jwe.lock"]


def decrypted(text: str) -> str:
    key = OctKey.import_key(NEW["2026-11"])
    lenient = jwe.JWERegistry(strict_check_header=False)
    plaintext = jwe.decrypt_compact(text, key, registry=lenient).plaintext
    assert plaintext is not None
    return plaintext.decode()


def test_it_is_awaited_where_the_wrapped_store_is() -> None:
    inner = Asynchronous()

    async def main() -> None:
        store = EncryptedStore(inner, NEW)
        assert await store.load() is None
        assert await store.replace(None, RECORD)
        assert await EncryptedStore(inner, NEW).load() == RECORD
        assert not await EncryptedStore(inner, NEW).replace(OTHER, None)
        assert await EncryptedStore(inner, NEW).replace(RECORD, OTHER)
        twice = EncryptedStore(store, OLD)
        with pytest.raises(StoreError, match="not encrypted"):
            await twice.load()
        changes = [store.replace(OTHER, f'{{"n":{number}}}') for number in range(20)]
        assert sum(await asyncio.gather(*changes)) == 1
        assert inner.loops == {asyncio.get_running_loop()}

    asyncio.run(main())


@pytest.mark.parametrize("seconds", [0, 600])
def test_the_time_for_which_the_wrapped_store_caches_counts(
    sandbox: Sandbox, seconds: float
) -> None:
    class Counting(Asynchronous):
        loads = 0
        cache_for = seconds

        async def load(self) -> str | None:
            self.loads += 1
            return await super().load()

    async def main() -> int:
        inner = Counting()
        twice = EncryptedStore(EncryptedStore(inner, OLD), NEW, subject="user-42")
        assert await twice.replace(None, sandbox.record())
        async with sandbox.async_client(store=twice) as client:
            await client.balance.get()
            first = inner.loads
            for _ in range(5):
                await client.balance.get()
            return inner.loads - first

    loads = asyncio.run(main())
    assert loads == 0 if seconds else loads >= 5


def test_methods_run_where_they_are_called() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    seen: list[tuple[int, str]] = []

    class Here(Plain):
        def load(self) -> str | None:
            seen.append((threading.get_ident(), who.get()))
            return super().load()

    who.set("user-42")
    EncryptedStore(Here(), NEW).load()
    assert seen == [(threading.get_ident(), "user-42")]


def test_a_change_costs_one_statement() -> None:
    inner = Plain()
    store = EncryptedStore(inner, NEW)
    assert store.replace(None, RECORD)
    assert store.replace(RECORD, OTHER)
    assert store.replace(OTHER, RECORD)
    assert inner.loads == 0
    assert inner.replaced == [True] * 3


class HostsOwn:
    """A host's own encryption around a file."""

    def __init__(self, path: Path, encode: Any, decode: Any) -> None:
        self.file = FileStore(path)
        self.encode, self.decode = encode, decode
        self.last: tuple[str, str] | None = None

    def load(self) -> str | None:
        text = self.file.load()
        if text is None:
            return None
        record = self.decode(text)
        self.last = (record, text)
        return str(record)

    def replace(self, old: str | None, new: str | None) -> bool:
        if old is not None and (self.last is None or self.last[0] != old):
            self.load()
        stored = None if old is None else self.last[1] if self.last else ""
        text = None if new is None else self.encode(new)
        done = self.file.replace(stored, text)
        if done and new is not None and text is not None:
            self.last = (new, text)
        return done


def test_a_host_may_wrap_a_file_store_in_its_own_encryption(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    key = OctKey.import_key(NEW["2026-11"])

    def jose(record: str) -> str:
        return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, record, key)

    def unjose(text: str) -> str:
        return (jwe.decrypt_compact(text, key).plaintext or b"").decode()

    def mix(record: str) -> str:
        return base64.encodebytes(bytes(byte ^ 0x55 for byte in record.encode())).decode()

    def unmix(text: str) -> str:
        return bytes(byte ^ 0x55 for byte in base64.decodebytes(text.encode())).decode()

    for encode, decode in [(jose, unjose), (mix, unmix)]:
        path = tmp_path / encode.__name__
        with sandbox.client(
            store=HostsOwn(path, encode, decode), first_poll_at_once=True
        ) as client:
            sandbox.log_in(client)
            assert client.balance.get().credit_balance_cents >= 0
        with sandbox.client(store=HostsOwn(path, encode, decode)) as client:
            assert client.status().logged_in
            # Somebody forgot to wrap it.
            with sandbox.client(store=FileStore(path)) as bare:
                with pytest.raises(StoreError, match="encrypted"):
                    bare.status()
                with pytest.raises(StoreError, match="encrypted"):
                    bare.start_login()
            client.logout()
    assert sorted(os.listdir(tmp_path)) == ["jose", "jose.lock", "mix", "mix.lock"]


def test_nothing_is_overwritten_that_cannot_be_decrypted(sandbox: Sandbox) -> None:
    for planted in [sandbox.record(), "eyJhbGciOiJkaXIi", "", "gAAAA" * 20]:
        inner = Plain(planted)
        with sandbox.client(store=EncryptedStore(inner, NEW)) as client:
            with pytest.raises(StoreError, match="untouched") as caught:
                client.status()
            assert caught.value.code == "store"
            with pytest.raises(StoreError):
                client.start_login()
        assert inner.record == planted


def test_records_from_before_can_be_allowed(sandbox: Sandbox) -> None:
    inner = Plain(sandbox.record())
    with sandbox.client(store=EncryptedStore(inner, NEW, accept_plaintext=True)) as client:
        assert client.status().logged_in
    record = EncryptedStore(inner, NEW, accept_plaintext=True).load()
    assert EncryptedStore(inner, NEW, accept_plaintext=True).replace(record, record)
    assert EncryptedStore(inner, NEW).load() == record


def test_another_users_record_is_refused(sandbox: Sandbox) -> None:
    inner = Plain()
    assert EncryptedStore(inner, NEW, subject="mallory").replace(None, sandbox.record())
    client = sandbox.client(store=EncryptedStore(inner, NEW, subject="alice"))
    with pytest.raises(StoreError, match="another subject"):
        client.balance.get()
    with pytest.raises(StoreError, match="names a subject"):
        EncryptedStore(inner, NEW).load()


def test_what_the_wrapped_store_raises_comes_through(sandbox: Sandbox) -> None:
    class Broken(Plain):
        def load(self) -> Any:
            raise self.error

        error: Exception = OSError("canary-secret")

    store = EncryptedStore(Broken(), NEW)
    with pytest.raises(OSError, match="canary"):
        store.load()
    with sandbox.client(store=store) as client:
        with pytest.raises(StoreError, match="Broken: load") as caught:
            client.status()
        assert isinstance(caught.value.__cause__, OSError)

    class Confused(Plain):
        def load(self) -> Any:
            return b"x"

        def replace(self, old: Any, new: Any, /) -> Any:
            return "yes"

    with pytest.raises(TypeError, match=r"load.*str or None, not bytes"):
        EncryptedStore(Confused(), NEW).load()
    with pytest.raises(TypeError, match=r"replace.*True or False, not str"):
        EncryptedStore(Confused(), NEW).replace(None, RECORD)

    class Nosy(Plain):
        def load(self) -> Any:
            return client.status()

    client = sandbox.client(store=EncryptedStore(Nosy(), NEW))
    with pytest.raises(StoreError, match="must not call its client"):
        client.status()


def test_a_store_that_holds_its_wrapper_is_collected() -> None:
    class Holder(Plain):
        wrapper: Any = None

    inner = Holder()
    inner.wrapper = EncryptedStore(inner, NEW)
    gone = weakref.ref(inner)
    del inner
    gc.collect()
    assert gone() is None


def test_the_example_of_the_readme(sandbox: Sandbox) -> None:
    inner = Plain()
    scope = {
        "new_key": NEW["2026-11"],
        "old_key": OLD["2026-05"],
        "EncryptedStore": EncryptedStore,
        "DatabaseStore": lambda path, user_id: inner,
        "AccountClient": lambda store: sandbox.client(store=store, first_poll_at_once=True),
    }
    exec(snippet("keys = {"), scope)
    client: Any = scope["client"]
    sandbox.log_in(client)
    assert inner.record is not None
    assert header(inner.record)["sub"] == "42"
    client.close()


def test_a_server_can_require_that_a_store_is_given(program: Program) -> None:
    source = """
import os
from parallel_account import *
for value in ["0", "", "1", "yes", "perhaps"]:
    os.environ["PARALLEL_ACCOUNT_REQUIRE_STORE"] = value
    AccountClient(store=MemoryStore())
    for kind in AccountClient, AsyncAccountClient:
        try:
            kind()
            print(value, "made")
        except ConfigError as error:
            print(value, str(error)[:19])
"""
    done = program(source)
    assert done.stdout.splitlines() == [
        *["0 made"] * 2,
        *[" made"] * 2,
        *["1 store must be given"] * 2,
        *["yes store must be given"] * 2,
        *["perhaps PARALLEL_ACCOUNT_RE"] * 2,
    ], done.stdout + done.stderr
