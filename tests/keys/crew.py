"""Processes that share a login and ask for its data key, and the sandbox that makes the keys."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from typing import ClassVar

SANDBOX = os.environ["PARALLEL_ACCOUNT_SANDBOX"]
# Language to command; set by run.sh.
WORKERS: dict[str, list[str]] = json.loads(os.environ["KEYS_WORKERS"])
# The command `parallel-account`, as a list; absent where it is not built.
COMMAND: list[str] | None = json.loads(os.environ.get("KEYS_COMMAND", "null"))
PATIENCE = 180.0  # seconds: a claim of a process that died is waited for, 45 s at most


def ask(url: str, body: object = None, headers: dict[str, str] | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"Content-Type": "application/json", **(headers or {})}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


class Parallel:
    """A sandbox in which everything is approved."""

    def __init__(self) -> None:
        command = [SANDBOX, "--interval=1", "--approve-after=0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = json.loads(self.process.stdout.readline())
        self.control, self.data_url = said["control_url"], said["data_url"]
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PARALLEL_API_KEY"},
            "CI": "1",
            "PARALLEL_PLATFORM_URL": said["platform_url"],
            "PARALLEL_SERVICE_API_URL": said["account_url"],
        }

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def keys(self) -> dict:
        """The keys that are alive, and how many were made and deleted."""
        return ask(f"{self.control}/keys")

    def works(self, key: str) -> bool:
        """Whether the data API takes the key."""
        try:
            ask(f"{self.data_url}/v1/search", {"search_queries": ["keys"]}, {"x-api-key": key})
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise
            return False
        return True

    def delete_keys(self) -> None:
        ask(f"{self.control}/delete-key", {})

    def hold(self, route: str, milliseconds: int, takes_effect: bool) -> None:
        """Holds the next request of the route, before or after its effect."""
        when = "delay_answer_ms" if takes_effect else "delay_ms"
        ask(f"{self.control}/faults", {"route": route, when: milliseconds})

    def sent(self, route: str) -> list[dict]:
        return ask(f"{self.control}/requests?route={route}")["requests"]

    def await_request(self, route: str, seen: int) -> dict:
        """The first request of the route after those that were seen."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            sent = self.sent(route)
            if len(sent) > seen:
                return sent[seen]
        raise AssertionError(f"nobody sent {route}")


class File:
    """A credentials file that processes share."""

    kind = "a file"

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "auth.json"
        self.place = str(self.path)

    def read(self) -> str:
        return self.path.read_text()

    def write(self, record: str) -> None:
        """Puts a record there, while nobody uses it."""
        self.path.write_text(record)

    def close(self) -> None:
        self.folder.cleanup()


class Database:
    """A login in Redis, with a database of its own."""

    kind = "Redis"

    def __init__(self, engine_url: str, number: int) -> None:
        import redis

        self.place = f"{engine_url.rsplit('/', 1)[0]}/{number}"
        self.client = redis.Redis.from_url(self.place, decode_responses=True)
        self.client.flushdb()

    def read(self) -> str:
        return self.client.get("parallel-account:user")

    def write(self, record: str) -> None:
        self.client.set("parallel-account:user", record)

    def close(self) -> None:
        self.client.close()


class Worker:
    """A process that does what its input says, a word on a line, and answers each in JSON."""

    def __init__(self, language: str, place: str, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [*WORKERS[language], place, name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def await_ready(self) -> None:
        self.hear()

    def tell(self, order: str) -> None:
        try:
            self.process.stdin.write(f"{order}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.dead() from None

    def hear(self) -> dict:
        impatience = threading.Timer(PATIENCE, self.process.kill)
        impatience.start()
        line = self.process.stdout.readline()
        impatience.cancel()
        if not line:
            raise self.dead()
        return json.loads(line)

    def dead(self) -> AssertionError:
        self.process.wait()
        self.errors.seek(0)
        return AssertionError(
            f"{self.name} ended with {self.process.returncode}:\n{self.errors.read()[-2000:]}"
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        else:
            self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


class CommandRun:
    """The command `parallel-account` in the place of a worker: a process for each order."""

    ORDERS: ClassVar = {"get": ["key"], "renew": ["key", "--renew"], "logout": ["logout"]}

    def __init__(self, place: str, name: str, environment: dict[str, str]) -> None:
        self.name, self.place, self.environment = name, place, environment
        self.process: subprocess.Popen | None = None

    def await_ready(self) -> None:
        """It starts with its order."""

    def tell(self, order: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--json", "--store", self.place, *self.ORDERS[order]],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> dict:
        output, errors = self.process.communicate(timeout=PATIENCE)
        if self.process.returncode != 0:
            error = json.loads(errors.splitlines()[-1])["error"]
            return {"code": error["code"], "message": error["message"]}
        said = json.loads(output) if output.strip() else {}
        return {"key": said["api_key"]} if "api_key" in said else {}

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


class Crew:
    """Workers of all languages over one store."""

    def __init__(self, place: File | Database) -> None:
        self.place = place
        self.parallel = Parallel()
        self.languages = [
            language
            for language in WORKERS
            if isinstance(place, File) or language in ("rust", "python", "node")
        ]
        if COMMAND and isinstance(place, File):
            self.languages.append("command")
        self.started = 0
        person = self.start("rust")
        person.await_ready()
        if self.together([person], "login") != [{}]:
            raise AssertionError("the login failed")
        person.end()

    def start(self, language: str) -> Worker | CommandRun:
        self.started += 1
        name = f"{language}-{self.started}"
        if language == "command":
            return CommandRun(self.place.place, name, self.parallel.environment)
        return Worker(language, self.place.place, name, self.parallel.environment)

    def start_all(self, languages: list[str]) -> list[Worker | CommandRun]:
        """A process of each language named, all of them ready."""
        workers = [self.start(language) for language in languages]
        for worker in workers:
            worker.await_ready()
        return workers

    def together(self, workers: list[Worker | CommandRun], order: str) -> list[dict]:
        """Has all of them do it at once; what each answered."""
        for worker in workers:
            worker.tell(order)
        return [worker.hear() for worker in workers]

    def close(self) -> None:
        self.parallel.stop()
        self.place.close()
