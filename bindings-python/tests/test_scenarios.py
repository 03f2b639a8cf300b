"""The shared scenarios: the sandbox plays the server and judges, this plays the client."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from concurrent.futures import CancelledError, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Sandbox
from parallel_account import (
    AccountClient,
    AccountError,
    AsyncAccountClient,
    LoginEvent,
    MemoryStore,
    PollAnswer,
    RawResponse,
)

SCENARIOS = sorted(
    path
    for path in (ROOT / "tests" / "scenarios").glob("*/*.json")
    # What the scenarios share.
    if path.parent.name != "common"
)


class Player:
    """Makes the calls of a scenario with either client: what it returns may be awaitable."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.login: Any = None

    def call(self, step: dict[str, Any]) -> Any:
        """The call, whose result is the value or an awaitable of it."""
        name, args, options = step["call"], step.get("args") or {}, step.get("options") or {}
        limited = self.client.with_options(**named(options)) if options else self.client
        if name == "login":
            return self.client.start_login(**args)
        if name == "resume_login":
            record = args.get("record") or self.login.pending_record()
            return self.client.resume_login(
                record if isinstance(record, str) else json.dumps(record)
            )
        if name in ("poll", "wait"):
            return self.login.poll()
        if name == "cancel":
            return self.login.cancel()
        target = limited
        *owners, method = name.split(".")
        for owner in owners:
            target = getattr(target, owner)
        # `request()` always says what the answer says.
        if step.get("response") and owners:
            target = target.with_raw_response
        return getattr(target, method)(**args)

    def outcome(self, step: dict[str, Any], value: Any, events: list[Any]) -> dict[str, Any]:
        """What is reported of a call that returned ``value``."""
        name = step["call"]
        response = {}
        if step.get("response"):
            said = {"status": value.status_code, "request_id": value.request_id}
            response = {"response": said}
        if isinstance(value, RawResponse):
            value = value.parse()
        return {"returns": self.keep(name, value), "events": events, **response}

    def keep(self, name: str, value: Any) -> Any:
        """What the scenario compares, of a value."""
        if name in ("start_login", "resume_login"):
            self.login = value
            fields = ("user_code", "verification_uri", "verification_uri_complete")
            return plain({it: getattr(value, it) for it in (*fields, "expires_at", "interval")})
        if name == "poll":
            return event(value)
        if isinstance(value, PollAnswer):
            return plain(value.tokens or value.kind)
        if name == "oauth.register":
            return {"client_id": value}
        if name in ("api_key", "renew_api_key"):
            return {"api_key": value}
        return plain(value)


def named(options: dict[str, Any]) -> dict[str, Any]:
    """Options as this binding names them."""
    options = dict(options)
    if "headers" in options:
        options["default_headers"] = options.pop("headers")
    return options


def plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        value = value.to_dict(secrets=True)
    if isinstance(value, dict):
        return {name: plain(field) for name, field in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def event(value: LoginEvent) -> dict[str, Any]:
    error = value.error and raised(value.error)
    return {
        "type": value.kind,
        "retry_in": value.retry_in,
        "interval": value.interval,
        "error": error,
    }


def raised(error: BaseException) -> dict[str, Any]:
    if not isinstance(error, AccountError):
        assert isinstance(error, (CancelledError, asyncio.CancelledError)), repr(error)
        return {"code": "cancelled", "message": "cancelled"}
    found = {"code": error.code, **vars(error)}
    found["oauth_error"] = found.pop("error", None)
    found["fields"] = [
        {"location": it.location, "message": it.message, "type": it.error_type}
        for it in found.get("fields", ())
    ]
    return found


def make(kind: Any, started: dict[str, Any], store: MemoryStore) -> Any:
    urls = {name: started[name] for name in ("platform_url", "account_url")}
    options = {name: value for name, value in started["options"].items() if value is not None}
    return kind(store=store, _time_scale=started["time_scale"], **{**urls, **named(options)})


CAUGHT = (AccountError, CancelledError, asyncio.CancelledError)


def play(started: dict[str, Any], store: MemoryStore) -> list[Any]:
    results = []
    try:
        player = Player(make(AccountClient, started, store))
    except AccountError as error:
        return [{"raises": raised(error), "events": []}]
    for step in started["client"]:
        name = step["call"]
        events: list[Any] = []
        try:
            value = player.call(step)
            if name == "login":
                player.login = value
            if name in ("login", "wait"):
                for seen in player.login:
                    events.append(event(seen))
                    value = seen.status
            results.append(player.outcome(step, value, events))
        except CAUGHT as error:
            results.append({"raises": raised(error), "events": events})
    return results


async def play_async(started: dict[str, Any], store: MemoryStore) -> list[Any]:
    results = []
    try:
        player = Player(make(AsyncAccountClient, started, store))
    except AccountError as error:
        return [{"raises": raised(error), "events": []}]
    for step in started["client"]:
        name = step["call"]
        events: list[Any] = []
        try:
            value = player.call(step)
            if hasattr(value, "__await__"):
                value = await value
            if name == "login":
                player.login = value
            if name in ("login", "wait"):
                async for seen in player.login:
                    events.append(event(seen))
                    value = seen.status
            results.append(player.outcome(step, value, events))
        except CAUGHT as error:
            results.append({"raises": raised(error), "events": events})
    return results


def post(url: str, body: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def run_one(sandbox: Sandbox, path: Path, asynchronous: bool) -> list[str]:
    started = post(f"{sandbox.control_url}/scenarios", path.read_bytes())
    store = MemoryStore(started["store"])
    if asynchronous:
        results = asyncio.run(play_async(started, store))
    else:
        results = play(started, store)
    try:
        stored = store.load()
    except AccountError:
        stored = None
    verdict = post(started["verdict_url"], {"results": results, "stored": stored})
    return [str(problem) for problem in verdict["problems"]]


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest) -> Any:
    """Runs all scenarios once, 64 at a time; each test then reads its own verdict."""
    sandbox = Sandbox()
    with ThreadPoolExecutor(64) as pool:
        futures = {
            (path, mode): pool.submit(run_one, sandbox, path, mode == "async")
            for path in SCENARIOS
            for mode in ("blocking", "async")
        }
    sandbox.stop()
    return futures


@pytest.mark.parametrize("mode", ["blocking", "async"])
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(verdicts: Any, path: Path, mode: str) -> None:
    problems = verdicts[path, mode].result()
    assert not problems, "\n".join([path.name, *problems])


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 80
