"""What encrypted stores refuse, and that keys are shown nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from own_stores import Plain
from parallel_account import (
    AccountClient,
    ConfigError,
    EncryptedStore,
    FileStore,
    MemoryStore,
)

NEW = {"2026-11": bytes(range(100, 132))}


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        (None, TypeError),
        (7, TypeError),
        (b"k" * 32, TypeError),
        ("k" * 32, TypeError),
        ([("a", b"k" * 32)], TypeError),
        ({"a": "canary-secret-canary-secret-cana"}, TypeError),
        ({b"a": b"k" * 32}, TypeError),
        ({"a": None}, TypeError),
        ({"a": b"k" * 32, 7: b"k" * 32}, TypeError),
        ({}, ConfigError),
        ({"a": b"canary"}, ConfigError),
        ({"a": b"canary-secret-canary-secret-canar-"}, ConfigError),
        ({"": b"k" * 32}, ConfigError),
        ({"canary\n": b"k" * 32}, ConfigError),
        ({"\ud800canary": b"k" * 32}, ConfigError),
        ({"canary" * 11: b"k" * 32}, ConfigError),
    ],
)
def test_bad_keys_are_refused_and_not_shown(keys: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        EncryptedStore(MemoryStore(), keys)
    assert "keys" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_bad_stores_and_options_are_refused() -> None:
    for store in [None, 7, object(), Plain, MemoryStore, "file.json"]:
        with pytest.raises(ConfigError, match="store must"):
            EncryptedStore(store, NEW)  # type: ignore[call-overload]
    for subject in ["", "s" * 257]:
        with pytest.raises(ConfigError, match="subject"):
            EncryptedStore(MemoryStore(), NEW, subject=subject)
    wrong: Any = {"subject": 7}
    with pytest.raises(TypeError):
        EncryptedStore(MemoryStore(), NEW, **wrong)
    with pytest.raises(TypeError):
        EncryptedStore(MemoryStore(), NEW).replace(7, None)  # type: ignore[arg-type]


def test_keys_are_shown_nowhere(tmp_path: Path) -> None:
    store = EncryptedStore(FileStore(tmp_path / "x"), {"id": b"canary-secret-canary-secret-cana"})
    assert store.location == str(tmp_path / "x")
    assert repr(store) == f'<EncryptedStore "{tmp_path / "x"}">'
    for shown in [repr(store), str(store), repr(AccountClient(store=store)), repr(dir(store))]:
        assert "canary" not in shown
    assert not hasattr(store, "__dict__")
    with pytest.raises(TypeError):
        store.__reduce_ex__(2)
    assert EncryptedStore(Plain(), NEW).location == "a Plain"
