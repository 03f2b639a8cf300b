"""``start_sandbox()`` as a user's tests call it, and what it says when it is called wrongly."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import parallel_account_sandbox
from parallel_account import (
    AccessDeniedError,
    AccountClient,
    ConfigError,
    ConnectionError,
    LoginExpiredError,
    LoginRequiredError,
    MemoryStore,
    PaymentRequiredError,
    PermissionDeniedError,
    ServerError,
)
from parallel_account_sandbox import (
    AccountSandbox,
    SandboxError,
    sandbox_program,
    start_sandbox,
)

DISTRIBUTION = "parallel-account-sandbox"
PYPROJECT = Path(__file__).parents[2] / "bindings-python/pyproject.toml"


def test_a_login_from_the_prompt_on(parallel_sandbox: AccountSandbox) -> None:
    with parallel_sandbox.client() as client:
        status = client.login(on_prompt=parallel_sandbox.approve, open_browser=False)
        assert status.organization is not None
        assert status.organization.id == "org_sandbox"
        with pytest.raises(AccessDeniedError):
            client.login(on_prompt=parallel_sandbox.deny, open_browser=False)
        with pytest.raises(LoginExpiredError):
            client.login(on_prompt=parallel_sandbox.expire_device_code, open_browser=False)
    states = {it["state"] for it in parallel_sandbox.device_codes()}
    assert states == {"used", "denied", "expired"}


def test_organizations(parallel_sandbox: AccountSandbox) -> None:
    sandbox = parallel_sandbox
    record = sandbox.login_record(org_id="org_7", org_name="Seven", scopes=["balance:read"])
    with sandbox.client(store=MemoryStore(record)) as client:
        (organization,) = client.organizations()
        assert (organization.id, organization.name) == ("org_7", "Seven")
        assert client.status().scopes == ("balance:read",)
        sandbox.set_balance(7, org_id="org_7")
        assert client.balance.get().credit_balance_cents == 7
        with pytest.raises(PermissionDeniedError):
            client.balance.add(100)
    assert [it["org_id"] for it in sandbox.organizations()] == ["org_7", "org_sandbox"]


def test_money_apps_and_keys(parallel_sandbox: AccountSandbox) -> None:
    sandbox = parallel_sandbox
    with sandbox.logged_in_client() as client:
        sandbox.decline_card()
        with pytest.raises(PaymentRequiredError):
            client.balance.add(100)
        sandbox.decline_card(False)
        assert client.balance.add(100).credit_balance_cents == 5100
        app_id = sandbox.create_app("app")
        assert [app.app_id for app in client.apps.list()] == [app_id]
        key = client.keys.create(app_id, "key")
        (alive,) = sandbox.keys()
        assert alive["api_key_id"] == key.api_key_id
        assert sandbox.delete_keys(key.api_key_id) == 1
        assert sandbox.delete_keys() == 0
        sandbox.delete_app(app_id)
        assert not client.apps.list()
        sandbox.set_organization(keys_forbidden=True)
        with pytest.raises(PermissionDeniedError):
            client.api_key()


def test_tokens(parallel_sandbox: AccountSandbox) -> None:
    sandbox = parallel_sandbox
    with sandbox.logged_in_client() as client:
        assert sandbox.expire_access_tokens() == 1
        client.balance.get()
        assert sandbox.counts()["routes"]["token.refresh"] == 1
        assert (sandbox.revoke(), sandbox.revoke()) == (1, 0)
        sandbox.expire_access_tokens()
        with pytest.raises(LoginRequiredError):
            client.balance.get()


def test_faults(parallel_sandbox: AccountSandbox) -> None:
    sandbox = parallel_sandbox
    with sandbox.logged_in_client() as client:
        sandbox.fault("balance.get", status=503, headers={"x-request-id": "r7"}, times=2)
        for _ in range(2):
            with pytest.raises(ServerError) as raised:
                client.balance.get()
            assert raised.value.request_id == "r7"
        client.balance.get()
        sandbox.break_network("balance")
        for _ in range(3):
            with pytest.raises(ConnectionError):
                client.balance.get()
        assert client.apps.list() is not None
        sandbox.clear_faults()
        client.balance.get()
    last = sandbox.requests("balance.get")[-1]
    assert (last["status"], last["fault"]) == (200, None)
    assert sandbox.requests("balance", since=last["number"]) == [last]


def test_options_last_until_the_reset(parallel_sandbox: AccountSandbox) -> None:
    sandbox = parallel_sandbox
    sandbox.set_options(expires_in=7, org_id="org_other")
    with sandbox.logged_in_client() as client:
        assert 0 < client.start_login().remaining <= 7
        assert [it.id for it in client.organizations()] == ["org_other"]
    sandbox.reset()
    assert sandbox.counts()["families"] == 0
    with sandbox.client() as client:
        assert client.start_login().remaining > 500


async def test_the_asynchronous_client(parallel_sandbox: AccountSandbox) -> None:
    async with parallel_sandbox.logged_in_async_client() as client:
        assert (await client.balance.get()).credit_balance_cents == 5000
    async with parallel_sandbox.async_client() as client:
        await client.login(on_prompt=parallel_sandbox.approve, open_browser=False)


def test_programs_find_it(parallel_sandbox: AccountSandbox, tmp_path: Path) -> None:
    program = (
        "from parallel_account import AccountClient\n"
        "print(AccountClient(client_name='p').login(open_browser=False).logged_in)"
    )
    environment = {**os.environ, **parallel_sandbox.environment(home=tmp_path)}
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, text=True) as started:
        parallel_sandbox.approve()
        assert started.communicate(timeout=60)[0].strip() == "True"
    assert list(tmp_path.rglob("auth*.json"))


def test_no_login_of_whoever_runs_the_tests(parallel_sandbox: AccountSandbox) -> None:
    with pytest.raises(ConfigError, match="store must be given"):
        AccountClient(client_name="p")


def test_a_port_that_is_taken() -> None:
    with start_sandbox() as sandbox:
        port = urlsplit(sandbox.platform_url).port
        assert port
        with pytest.raises(SandboxError, match=f"status 1: port {port} is in use; choose another"):
            start_sandbox(port=port)
    with start_sandbox(port=port) as again:
        assert again.platform_url == sandbox.platform_url


def test_options_that_do_not_exist() -> None:
    with pytest.raises(TypeError, match="no option color"):
        start_sandbox(color="red")  # type: ignore[call-arg]
    with pytest.raises(SandboxError, match="status 2: --interval must be a number"):
        start_sandbox(interval=-1)


def test_what_it_refuses(parallel_sandbox: AccountSandbox) -> None:
    with pytest.raises(SandboxError, match=r"POST /approve was refused \(404\): XXXX is not known"):
        parallel_sandbox.approve("XXXX")
    with pytest.raises(SandboxError, match=r"\(404\): no device code is pending"):
        parallel_sandbox.approve(wait=0)
    with pytest.raises(SandboxError, match=r"\(400\): unknown field `tmes`"):
        parallel_sandbox.fault("*", tmes=2)  # type: ignore[call-arg]


def test_a_sandbox_that_has_ended() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sandbox = start_sandbox()
        sandbox.stop()
        sandbox.stop()
    with pytest.raises(SandboxError, match="was stopped"):
        sandbox.reset()
    if sys.platform != "win32":
        with start_sandbox() as killed:
            os.kill(killed.pid, signal.SIGKILL)
            with pytest.raises(SandboxError, match="ended with status -9"):
                killed.reset()


def test_it_ends_with_the_process_that_started_it() -> None:
    """Also if that is killed."""
    program = (
        "import sys, parallel_account_sandbox as it\n"
        "sandbox = it.start_sandbox()\n"
        "print(sandbox.platform_url, flush=True)\n"
        "sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdout is not None
        url = urlsplit(parent.stdout.readline().strip())
        with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
            parent.kill()
            # The system closes the connection when the sandbox ends, and only then; it resets one
            # that was not accepted yet.
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""


def test_a_program_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PARALLEL_ACCOUNT_SANDBOX", str(tmp_path / "nothing"))
    with pytest.raises(SandboxError, match=r"PARALLEL_ACCOUNT_SANDBOX names .*nothing, which is n"):
        start_sandbox()
    broken = tmp_path / "broken"
    broken.write_text("no program")
    monkeypatch.setenv("PARALLEL_ACCOUNT_SANDBOX", str(broken))
    with pytest.raises(SandboxError, match="broken could not be started: "):
        start_sandbox()
    # A package of another platform's, or one that was installed halfway.
    copy = tmp_path / "packages" / "parallel_account_sandbox"
    shutil.copytree(Path(parallel_account_sandbox.__file__).parent, copy)
    monkeypatch.delenv("PARALLEL_ACCOUNT_SANDBOX")
    code = (
        "import sysconfig; sysconfig.get_path = lambda *_: '/nowhere'\n"
        "import parallel_account_sandbox as it; it.start_sandbox()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=copy.parent, capture_output=True, text=True, timeout=30
    )
    assert re.search(
        r"SandboxError: The program parallel-account-sandbox is missing .* Install the package "
        r"again: pip install .* `cargo install --path tests/sandbox`",
        ended.stderr,
    ), ended.stderr


def test_the_command() -> None:
    for command in ([str(sandbox_program())], [sys.executable, "-m", "parallel_account_sandbox"]):
        said = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=30)
        assert said.stdout == f"parallel-account-sandbox {version(DISTRIBUTION)}\n"


def test_the_extra_is_of_the_same_version() -> None:
    assert f'testing = ["{DISTRIBUTION}=={version(DISTRIBUTION)}"]' in PYPROJECT.read_text()
