"""The examples that serve many users, as they are started."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from conftest import Sandbox
from databases import Engines
from parallel_account import EncryptedStore

WSGI = "django.core.wsgi:get_wsgi_application()"
EXAMPLES = Path(__file__).parents[1] / "examples"


OLD = {"2026-05": bytes(range(32))}


NEW = {"2026-11": bytes(range(100, 132))}


def as_text(keys: dict[str, bytes]) -> str:
    """For LOGIN_KEYS."""
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


def database(engines: Engines, name: str) -> str:
    """The URL of a database of one's own."""
    with psycopg.connect(engines.postgres.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    return engines.postgres.url.replace("/postgres", f"/{name}")


def environment(sandbox: Sandbox, folder: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join([os.fspath(folder), *sys.path])
    return {**sandbox.environment, "PYTHONPATH": path, "LOGIN_KEYS": as_text(OLD), **more}


def encrypted(store: Any, user: str) -> EncryptedStore[Any, Any]:
    """A user's login as the examples keep it."""
    return EncryptedStore(store, OLD, subject=user)


def assert_encrypted(stored: str, user: str, key_id: str = "2026-05") -> None:
    """What is in the database is a JWE of the user's, and no part of it is a login in the clear."""
    parts = [base64.urlsafe_b64decode(part + "==") for part in stored.split(".")]
    assert len(parts) == 5
    assert json.loads(parts[0]) == {"alg": "dir", "enc": "A256GCM", "kid": key_id, "sub": user}
    assert not any(b"token" in part for part in (stored.encode(), *parts))


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    base: str


@contextlib.contextmanager
def serving(folder: Path, env: dict[str, str], *command: str) -> Iterator[Running]:
    """A server, given a socket to listen at as `{fd}`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        fd = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(fd=fd) for part in command)],
            cwd=folder,
            env=env,
            pass_fds=[fd],
        )
    try:
        yield Running(process, base)
    finally:
        process.terminate()
        process.wait(30)
