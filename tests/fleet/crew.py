"""Processes that share the logins of some users, and what becomes of them."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import sqlite3
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field

SANDBOX = os.environ["PARALLEL_ACCOUNT_SANDBOX"]
# Language to command; set by run.sh.
WORKERS: dict[str, list[str]] = json.loads(os.environ["FLEET_WORKERS"])
PATIENCE = 180.0  # seconds: a claim of a process that died is waited for, 45 s at most


def ask(url: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def fingerprint(secret: str) -> str:
    """As the sandbox shows secrets."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


class Parallel:
    """A sandbox, and all refreshes that it saw."""

    def __init__(self, **options: object) -> None:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        command = [SANDBOX, "--interval=1", "--approve-after=0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = json.loads(self.process.stdout.readline())
        self.began = time.time()
        self.control = said["control_url"]
        self.environment = {
            "PARALLEL_PLATFORM_URL": said["platform_url"],
            "PARALLEL_SERVICE_API_URL": said["account_url"],
        }
        self.sent: dict[int, dict] = {}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def collect(self) -> None:
        """It shows its newest requests only, so they are collected as they come."""
        since = max(self.sent, default=-1) + 1
        url = f"{self.control}/requests?route=token.refresh&since={since}"
        for request in ask(url)["requests"]:
            self.sent[request["number"]] = request

    def refreshes_of(self, token: str) -> list[dict]:
        """The requests with this refresh token (its fingerprint), in order."""
        sent = sorted(self.sent.values(), key=lambda request: request["number"])
        return [request for request in sent if request["form"]["refresh_token"] == token]

    def at(self, request: dict) -> float:
        """When it came, by the clock of the machine."""
        return self.began + request["at_ms"] / 1000

    @property
    def expiries(self) -> int:
        """Each expiry has a refresh token of its own, so tokens that were sent are expiries."""
        return len({request["form"]["refresh_token"] for request in self.sent.values()})

    def counts(self) -> dict:
        return ask(f"{self.control}/counts")


@dataclass
class Worker:
    """A process. `name` is in the user agent of its requests."""

    name: str
    language: str
    process: subprocess.Popen
    output: pathlib.Path
    killed: float | None = None
    stopped: float | None = None
    resumed: float | None = None
    unread: int = 0
    calls: int = 0
    done: bool = False
    failures: list[dict] = field(default_factory=list)

    def read(self) -> list[dict]:
        """Takes in what it has said since, and answers the new failures."""
        text = self.output.read_text()
        complete = text[self.unread : text.rfind("\n") + 1]
        self.unread += len(complete)
        said = [json.loads(line) for line in complete.splitlines()]
        for line in said:
            self.calls = line.get("calls", self.calls)
            self.done = line.get("done", self.done)
        new = [line for line in said if "code" in line]
        self.failures += new
        return new


class Crew:
    """Workers of one store, their users, and the sandbox that they talk to."""

    def __init__(
        self, store: str, url: str, users: int, folder: pathlib.Path, **sandbox: object
    ) -> None:
        self.store, self.url, self.folder = store, url, folder
        self.users = [f"user-{number}" for number in range(users)]
        self.parallel = Parallel(**sandbox)
        self.workers: list[Worker] = []
        self.seconds, self.pause, self.tasks = 0.0, 0.05, 2

    def languages(self) -> list[str]:
        """There is no SQLite store for Rust; Node has one from its version 22 on."""
        return [
            language
            for language in WORKERS
            if self.store != "sqlite" or language in SQLITE_LANGUAGES
        ]

    def order(
        self, language: str, environment: dict[str, str] | None = None, **order: object
    ) -> Worker:
        name = f"worker-{len(self.workers)}-{language}"
        whole = {
            **{"name": name, "store": self.store, "url": self.url, "users": self.users},
            **{"seconds": self.seconds, "pause": self.pause, "tasks": self.tasks},
            **order,
        }
        output = self.folder / f"{name}.out"
        with output.open("wb") as out, (self.folder / f"{name}.err").open("wb") as err:
            process = subprocess.Popen(
                [*WORKERS[language], json.dumps(whole)],
                env={**os.environ, "CI": "1", **self.parallel.environment, **(environment or {})},
                stdout=out,
                stderr=err,
                cwd=self.folder,
            )
        return Worker(name, language, process, output)

    def start(
        self, language: str, environment: dict[str, str] | None = None, **order: object
    ) -> Worker:
        worker = self.order(language, environment, **order)
        self.workers.append(worker)
        return worker

    def log_in(self, users: list[str], make_table: bool = False) -> None:
        worker = self.order("asyncio", users=users, login=True, make_table=make_table)
        if worker.process.wait(PATIENCE) != 0:
            raise AssertionError(f"logging in failed:\n{self.errors_of(worker)}")

    def errors_of(self, worker: Worker) -> str:
        return (self.folder / f"{worker.name}.err").read_text()[-2000:]

    def kill(self, worker: Worker) -> None:
        worker.killed = time.time()
        worker.process.kill()
        worker.process.wait()

    def stored(self, user: str) -> dict:
        """A user's login, as the database has it."""
        record = json.loads(self.record(user))
        return record["orgs"][record["selected_org_id"]]["control_api"]

    def record(self, user: str) -> str:
        if self.store == "redis":
            import redis

            with redis.Redis.from_url(self.url, decode_responses=True) as client:
                return client.get(f"parallel-account:{user}")
        select = "SELECT record FROM parallel_account_logins WHERE key = "
        if self.store == "postgres":
            import psycopg

            with psycopg.connect(self.url) as connection:
                return connection.execute(f"{select}%s", (user,)).fetchone()[0]
        connection = sqlite3.connect(self.url)
        try:
            return connection.execute(f"{select}?", (user,)).fetchone()[0]
        finally:
            connection.close()

    def end(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
        self.parallel.stop()


SQLITE_LANGUAGES = os.environ.get("FLEET_SQLITE_LANGUAGES", "python asyncio").split()
