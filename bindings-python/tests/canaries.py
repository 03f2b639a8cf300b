"""A whole session and every error, shown in every way that a program has, as a process of its own.

Writes the secrets that it met to the file that it is given, one a line.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import sys
import traceback
from pathlib import Path
from typing import Any

from conftest import Sandbox
from parallel_account import AccountError, MemoryStore
from test_errors import BY_CODE, Trigger, value

SECRETS: list[str] = []


def show(*things: Any) -> None:
    for thing in things:
        print(repr(thing), str(thing), f"{thing}", pickle.dumps(thing) if plain(thing) else "")
        logging.getLogger("app").debug("%r %s", thing, thing)
        if isinstance(thing, BaseException):
            print("".join(traceback.format_exception(thing)), vars(thing))
            logging.getLogger("app").error("failed", exc_info=thing)


def plain(thing: Any) -> bool:
    return hasattr(thing, "to_dict") or isinstance(thing, AccountError)


def note(login: Any, store: MemoryStore) -> None:
    """The secrets of a login that was approved."""
    tokens = json.loads(store.load() or "")["orgs"]["org_sandbox"]["control_api"]
    device_code = json.loads(login.pending_record())["device_code"]
    SECRETS.extend([tokens["access_token"], tokens["refresh_token"], device_code])


async def session(sandbox: Sandbox, make: Any) -> None:
    store = MemoryStore()
    client = make(store=store, first_poll_at_once=True, max_retries=0)
    login = await value(client.start_login())
    show(login, login.prompt)
    sandbox.approve(login)
    show(await value(login.wait()))
    note(login, store)
    app = await value(client.apps.create("app"))
    key = await value(client.keys.create(app.app_id, "key"))
    SECRETS.append(key.raw_api_key)
    SECRETS.append(await value(client.api_key()))
    SECRETS.append(await value(client.renew_api_key()))
    status = await value(client.status())
    show(client, vars(type(client)), store, key, key.to_dict(), status, status.to_dict())
    show(await value(client.organizations()), await value(client.balance.get()))
    sandbox.control("POST", "/expire-access-token")
    await value(client.balance.get())
    note(login, store)
    await echoes(sandbox, client, store)
    await value(client.logout())


async def echoes(sandbox: Sandbox, client: Any, store: MemoryStore) -> None:
    """Errors of a server that repeats what it was sent."""
    for status in (200, 400, 401, 402, 403, 404, 409, 422, 429, 500):
        access_token = await value(client.access_token())
        SECRETS.append(access_token)
        echo = {"detail": f"you sent Bearer {access_token}", "error": access_token}
        sandbox.fault("balance.get", status=status, body=echo, times=2)
        await fails(client.balance.get)
        sandbox.control("DELETE", "/faults")
    tokens = json.loads(store.load() or "")["orgs"]["org_sandbox"]["control_api"]
    refresh_token = tokens["refresh_token"]
    SECRETS.append(refresh_token)
    for status in (200, 400, 503):
        echo = {"error": "odd", "error_description": f"{refresh_token} is refused"}
        sandbox.fault("token.refresh", status=status, body=echo, times=2)
        await fails(client.oauth.refresh, refresh_token)
        device_code = SECRETS[2]
        echo = {"error": device_code, "error_description": f"{device_code} is refused"}
        sandbox.fault("token.poll", status=status, body=echo)
        await fails(client.oauth.poll_token, "parallel-cli", device_code)
        sandbox.control("DELETE", "/faults")


async def fails(call: Any, *arguments: Any) -> None:
    try:
        await value(call(*arguments))
    except AccountError as error:
        show(error)
    else:
        raise AssertionError("the fault was not hit")


async def every_error(sandbox: Sandbox, mode: str, folder: Path) -> None:
    for code, (trigger, _) in BY_CODE.items():
        sandbox.control("POST", "/reset")
        it = Trigger(sandbox, mode, folder)
        for tokens in json.loads(it.record)["orgs"].values():
            SECRETS.extend(
                tokens["control_api"][name] for name in ("access_token", "refresh_token")
            )
        try:
            await trigger(it)
        except (Exception, asyncio.CancelledError) as error:
            show(error)
        else:
            raise AssertionError(code)


def main(secrets: Path) -> None:
    logging.basicConfig(level=0, stream=sys.stdout)
    sandbox = Sandbox()
    try:
        for mode in ("blocking", "async"):
            make = sandbox.client if mode == "blocking" else sandbox.async_client
            asyncio.run(session(sandbox, make), debug=True)
            asyncio.run(every_error(sandbox, mode, secrets.parent), debug=True)
        client = sandbox.client()
        SECRETS.append("canary-in-a-panic")
        asyncio.run(fails(client._native._panic_for_tests, SECRETS[-1]))
    finally:
        sandbox.stop()
    secrets.write_text("\n".join(SECRETS))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
