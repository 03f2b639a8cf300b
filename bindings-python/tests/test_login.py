"""Logging in and out, and what a login's end looks like, with both clients."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import CancelledError
from datetime import datetime, timezone
from typing import Any

import pytest

from conftest import Sandbox
from parallel_account import (
    AccessDeniedError,
    AccountClient,
    AsyncDeviceLogin,
    DeviceLogin,
    InvalidRequestError,
    LoginExpiredError,
    LoginRequiredError,
    MemoryStore,
    TimeoutError,
)


def test_login_prompts_waits_and_tells_who(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    client = sandbox.client()
    threading.Thread(target=sandbox.approve, kwargs={"wait": 10}).start()
    status = client.login(open_browser=False)
    assert status.logged_in
    assert status.organization is not None
    assert status.organization.name == "Sandbox Inc."
    prompt = capsys.readouterr().err
    assert sandbox.platform_url in prompt
    assert status == client.status()
    assert "balance:read" in status.scopes
    assert status.access_token_expires_at is not None
    assert status.access_token_expires_at > datetime.now(timezone.utc)


def test_on_prompt_replaces_the_printed_prompt(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[DeviceLogin] = []

    def on_prompt(login: DeviceLogin) -> None:
        shown.append(login)
        sandbox.approve(login)

    assert sandbox.client().login(on_prompt=on_prompt, open_browser=False).logged_in
    assert shown[0].user_code in shown[0].prompt
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("plain", [True, False])
def test_async_login_takes_plain_and_async_callbacks(sandbox: Sandbox, plain: bool) -> None:
    async def on_prompt(login: AsyncDeviceLogin) -> None:
        await asyncio.to_thread(sandbox.approve, login)

    async def main() -> None:
        async with sandbox.async_client() as client:
            callback: Any = sandbox.approve if plain else on_prompt
            status = await client.login(on_prompt=callback, open_browser=False)
            assert status.logged_in
            assert status == await client.status()

    asyncio.run(main())


def test_denied(sandbox: Sandbox) -> None:
    login = sandbox.client().start_login()
    sandbox.deny(login)
    with pytest.raises(AccessDeniedError) as caught:
        login.wait()
    assert caught.value.code == "access_denied"
    with pytest.raises(AccessDeniedError):
        login.poll()


def test_denied_async(sandbox: Sandbox) -> None:
    async def main() -> None:
        login = await sandbox.async_client().start_login()
        sandbox.deny(login)
        with pytest.raises(AccessDeniedError):
            await login

    asyncio.run(main())


def test_expired(sandbox: Sandbox) -> None:
    login = sandbox.client().start_login()
    sandbox.control("POST", "/expire-device-code", user_code=login.user_code)
    with pytest.raises(LoginExpiredError):
        login.wait()


def test_expired_async(sandbox: Sandbox) -> None:
    async def main() -> None:
        login = await sandbox.async_client().start_login()
        sandbox.control("POST", "/expire-device-code", user_code=login.user_code)
        with pytest.raises(LoginExpiredError):
            await login.wait()

    asyncio.run(main())


def test_timeout_of_the_login(sandbox: Sandbox) -> None:
    with pytest.raises(TimeoutError):
        sandbox.client().login(on_prompt=print, open_browser=False, timeout=0.05)


def test_slow_down_and_offline_are_events(sandbox: Sandbox) -> None:
    client = sandbox.client(_time_scale=20.0)
    login = client.start_login()
    sandbox.fault("token.poll", status=400, body={"error": "slow_down"})
    sandbox.fault("token.poll", status=502, body="<html>")
    sandbox.fault("token.poll", status=400, body={"error": "authorization_pending"})
    seen = []
    for event in login:
        seen.append(event)
        if event.kind == "pending":
            sandbox.approve(login)
            # The sandbox's own clock does not run faster.
            sandbox.control("POST", "/options", interval=0.001)
    kinds = [event.kind for event in seen if event.kind != "slow_down"]
    assert seen[0].kind == "slow_down"
    assert seen[0].interval == 6.0
    assert login.interval >= 6.0
    assert kinds[0] == "offline"
    assert kinds[-1] == "authorized"
    assert seen[-1].status is not None
    assert seen[-1].status.logged_in
    offline = next(event for event in seen if event.kind == "offline")
    assert offline.error is not None
    assert offline.error.status == 502


def test_async_iteration(sandbox: Sandbox) -> None:
    async def main() -> None:
        client = sandbox.async_client()
        login = await client.start_login()
        kinds = []
        async for event in login:
            kinds.append(event.kind)
            if event.kind == "pending":
                sandbox.approve(login)
        assert kinds[-2:] == ["pending", "authorized"]
        assert (await login.wait()).logged_in

    asyncio.run(main())


def test_resume_in_another_client(sandbox: Sandbox) -> None:
    store = MemoryStore()
    login = sandbox.client().start_login(scopes=["balance:read"])
    resumed = sandbox.client(store=store).resume_login(login.pending_record())
    assert resumed.user_code == login.user_code
    assert abs((resumed.expires_at - login.expires_at).total_seconds()) < 1
    sandbox.approve(login)
    assert resumed.wait().scopes == ("balance:read",)
    assert sandbox.client(store=store).balance.get().org_id


@pytest.mark.parametrize("record", ["", "nonsense", "{}", '{"version": 2}'])
def test_resume_refuses_what_is_no_record(sandbox: Sandbox, record: str) -> None:
    with pytest.raises(InvalidRequestError, match="pending"):
        sandbox.client().resume_login(record)


def test_cancel_from_another_thread(sandbox: Sandbox) -> None:
    login = sandbox.client().start_login()
    threading.Timer(0.05, login.cancel).start()
    with pytest.raises(CancelledError):
        login.wait()


def test_what_a_login_shows(sandbox: Sandbox) -> None:
    login = sandbox.client().start_login()
    assert login.verification_uri.startswith(sandbox.platform_url)
    assert login.verification_uri_complete is not None
    assert login.user_code in login.verification_uri_complete
    assert login.remaining > 0
    assert login.interval == 1.0
    assert "█" in login.qr.text
    assert login.qr.svg.startswith("<svg")
    assert login.user_code in repr(login)
    device_code = __import__("json").loads(login.pending_record())["device_code"]
    assert device_code not in repr(login) + login.prompt + str(vars(type(login)))


def test_nobody_logged_in(sandbox: Sandbox) -> None:
    client = sandbox.client()
    assert not client.status().logged_in
    with pytest.raises(LoginRequiredError) as caught:
        client.balance.get()
    assert caught.value.status is None
    assert not caught.value.retryable
    client.logout()

    async def main() -> None:
        with pytest.raises(LoginRequiredError):
            await sandbox.async_client().access_token()

    asyncio.run(main())
    assert sandbox.requests("balance.get") == []


def test_logout_revokes(sandbox: Sandbox, client: AccountClient) -> None:
    client.logout()
    assert not client.status().logged_in
    assert len(sandbox.requests("revoke")) == 1
    with pytest.raises(LoginRequiredError):
        client.balance.get()


def test_logout_async(sandbox: Sandbox) -> None:
    record = sandbox.record()

    async def main() -> None:
        async with sandbox.async_client(store=MemoryStore(record)) as client:
            await client.logout(all=True)
            assert not (await client.status()).logged_in

    asyncio.run(main())
    assert len(sandbox.requests("revoke")) == 1


def test_refresh_after_the_token_ended(sandbox: Sandbox, client: AccountClient) -> None:
    before = client.access_token()
    sandbox.control("POST", "/expire-access-token")
    assert client.balance.get().org_id == "org_sandbox"
    assert client.access_token() != before
    assert len(sandbox.requests("token.refresh")) == 1


def test_refresh_async_happens_once(sandbox: Sandbox) -> None:
    record = sandbox.record()
    sandbox.control("POST", "/expire-access-token")

    async def main() -> None:
        async with sandbox.async_client(store=MemoryStore(record)) as client:
            await asyncio.gather(*(client.balance.get() for _ in range(200)))

    asyncio.run(main())
    assert len(sandbox.requests("token.refresh")) == 1


def test_refresh_refused_needs_a_login(sandbox: Sandbox, client: AccountClient) -> None:
    sandbox.control("POST", "/revoke-family")
    sandbox.control("POST", "/expire-access-token")
    with pytest.raises(LoginRequiredError):
        client.balance.get()
    with pytest.raises(LoginRequiredError, match="Log in again"):
        client.balance.get()
    assert len(sandbox.requests("token.refresh")) == 1


def test_organizations(sandbox: Sandbox) -> None:
    client = sandbox.client(first_poll_at_once=True)
    for number in (1, 2):
        login = client.start_login()
        sandbox.approve(login, org_id=f"org_{number}", org_name=f"Org {number}")
        login.wait()
    assert {it.id: it.selected for it in client.organizations()} == {"org_1": False, "org_2": True}
    client.select_organization("org_1")
    assert client.balance.get().org_id == "org_1"
    with pytest.raises(LoginRequiredError):
        client.select_organization("org_3")
    client.logout(organization="org_1")
    assert [it.id for it in client.organizations() if it.logged_in] == ["org_2"]


def test_steps_one_by_one(sandbox: Sandbox) -> None:
    oauth = sandbox.client().oauth
    client_id = oauth.register()
    code = oauth.request_device_code(client_id, ["balance:read"])
    assert code.device_code not in repr(code)
    assert code.expires_in > code.interval >= 1
    assert oauth.poll_token(client_id, code.device_code).kind == "pending"
    assert oauth.poll_token(client_id, code.device_code).kind == "slow_down"
    other = oauth.request_device_code(client_id, ["balance:read"])
    sandbox.approve(other)
    answer = oauth.poll_token(client_id, other.device_code)
    assert answer.kind == "tokens"
    assert answer.tokens is not None
    first = answer.tokens
    assert first.refresh_token is not None
    second = oauth.refresh(first.refresh_token, client_id)
    assert second.access_token != first.access_token
    assert second.refresh_token is not None
    oauth.revoke(second.refresh_token)
    assert first.access_token not in repr(answer)


def test_demo_runs(sandbox: Sandbox) -> None:
    import subprocess
    from pathlib import Path

    demo = Path(__file__).parents[1] / "examples" / "demo.py"
    sandbox.control("POST", "/options", access_token_lifetime=2)
    process = subprocess.Popen(
        [sys.executable, demo],
        env=sandbox.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    sandbox.approve(wait=20)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "organization: Sandbox Inc." in out
    assert "refreshed: yes" in out
    assert "revoked: yes" in out
    assert sandbox.platform_url in err
    sandbox.fault("device_code", status=200, body="<html>", times=10)
    failed = subprocess.run(
        [sys.executable, demo], env=sandbox.environment, capture_output=True, text=True, timeout=60
    )
    assert failed.returncode == 1
    assert failed.stderr.startswith("demo-python: ")
    assert len(failed.stderr.splitlines()) == 1
