#!/usr/bin/env python3
"""Real database engines for tests: each on a free port of the loopback, in a folder of its own,
and gone when the test is.

    python3 tests/fleet/engines.py redis postgres -- COMMAND ARGUMENTS…

runs the command with FLEET_REDIS_URL and FLEET_POSTGRES_URL set. From Python, use `Redis` and
`Postgres` as context managers; `stop`, `kill` and `start` take an engine away in the middle. Tests
in other languages run

    python3 tests/fleet/engines.py --serve redis

which prints the URL on a line of its own, then does what its input says (a line each: `stop`,
`kill`, `start`), printing `ok` when it is done, and ends with its input.
Engines that are not installed are installed from Debian, where this may be done (as root).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

PATIENCE = 60.0  # seconds for an engine to answer


class Engine:
    """A server process with its data in a temporary folder."""

    package: ClassVar[str]

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="parallel-account-fleet-"))
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = unprivileged(self.folder)

    def __enter__(self) -> Engine:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self) -> list[str]:
        """What starts it, in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it serves yet."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where clients find it."""
        raise NotImplementedError

    def start(self) -> None:
        """Starts it, with the data that it had, and waits until it answers."""
        log = self.folder / "log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command(), stdout=out, stderr=out, cwd=self.folder, **self.owner
            )
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{type(self).__name__} did not start:\n{last}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it the quick way that loses nothing (SIGINT: a fast shutdown for both engines)."""
        self._end(2)

    def kill(self) -> None:
        """Ends it as a power cut would, with what it has forked, which would serve on."""
        if self.process is not None:
            self.process.send_signal(19)
            pid = self.process.pid
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), 9)
        self._end(9)

    def _end(self, signal: int) -> None:
        if self.process is not None:
            self.process.send_signal(signal)
            self.process.wait(PATIENCE)
            self.process = None


class Redis(Engine):
    """redis-server, with every write on disk before it is answered."""

    package = "redis-server"

    def command(self) -> list[str]:
        return [
            program("redis-server", self.package),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
        ]

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


class Postgres(Engine):
    """postgres, whose one user needs no password on the loopback."""

    package = "postgresql"

    def __init__(self) -> None:
        super().__init__()
        initdb = [
            postgres_program("initdb"),
            "--pgdata",
            "data",
            "--username",
            "fleet",
            "--auth",
            "trust",
        ]
        made = subprocess.run(
            [*initdb, "--encoding", "UTF8", "--no-sync"],
            cwd=self.folder,
            capture_output=True,
            **self.owner,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace')}")

    def command(self) -> list[str]:
        settings = (
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            "max_connections=400",
        )
        options = [part for setting in settings for part in ("-c", setting)]
        return [
            postgres_program("postgres"),
            "-D",
            str(self.folder / "data"),
            "-p",
            str(self.port),
            *options,
        ]

    def answers(self) -> bool:
        ready = [postgres_program("pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        return subprocess.run(ready, check=False).returncode == 0

    @property
    def url(self) -> str:
        return f"postgresql://fleet@127.0.0.1:{self.port}/postgres"


ENGINES: dict[str, type[Engine]] = {"redis": Redis, "postgres": Postgres}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged(folder: Path) -> dict[str, object]:
    """postgres refuses to run as root: there, engines run as nobody in a folder that is theirs."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        install(package)
        found = shutil.which(name)
    if found is None:
        raise SystemExit(f"There is no {name} on PATH. Install {package}.")
    return found


def postgres_program(name: str) -> str:
    """Debian keeps postgres' programs off PATH, in a folder per version."""
    for attempt in (1, 2):
        versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(versions[-1]) if versions else shutil.which(name)
        if found:
            return found
        if attempt == 1:
            install("postgresql")
    raise SystemExit(f"There is no {name} on this machine. Install postgresql.")


def install(package: str) -> None:
    """Installs an engine without letting Debian start a server of its own."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        get = ["apt-get", "install", "-y", "--no-install-recommends", package]
        if (
            subprocess.run(get, env=environment, stdout=subprocess.DEVNULL, check=False).returncode
            != 0
        ):
            subprocess.run(["apt-get", "update"], stdout=subprocess.DEVNULL, check=False)
            subprocess.run(get, env=environment, stdout=subprocess.DEVNULL, check=False)
    finally:
        if ours:
            policy.unlink()


@contextlib.contextmanager
def running(names: list[str]) -> Iterator[dict[str, Engine]]:
    """The engines named, started, by name."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(ENGINES[name]()) for name in names}


def serve(name: str) -> int:
    """Runs an engine for a test in another language, which goes away with that test."""
    with ENGINES[name]() as engine:
        print(engine.url, flush=True)
        for line in sys.stdin:
            {"stop": engine.stop, "kill": engine.kill, "start": engine.start}[line.strip()]()
            print("ok", flush=True)
    return 0


def main() -> int:
    names, command = sys.argv[1:], []
    if names[:1] == ["--serve"] and len(names) == 2 and names[1] in ENGINES:
        return serve(names[1])
    if "--" in names:
        at = names.index("--")
        names, command = names[:at], names[at + 1 :]
    if not command or not names or any(name not in ENGINES for name in names):
        print(
            "usage: engines.py redis|postgres… -- COMMAND…, or --serve redis|postgres",
            file=sys.stderr,
        )
        return 2
    with running(names) as engines:
        urls = {f"FLEET_{name.upper()}_URL": engine.url for name, engine in engines.items()}
        return subprocess.run(command, env={**os.environ, **urls}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
