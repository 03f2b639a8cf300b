"""Notebooks, in a real kernel: what is shown, blocking and awaited, and Ctrl-C."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from conftest import Sandbox
from parallel_account import AccountClient, Balance, MemoryStore, Organization, Qr, Status

EXAMPLES = Path(__file__).parents[1] / "examples"

# Jupyter's own code leaves warnings of its dependencies alone.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def environment(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    return {**sandbox.environment, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}


@pytest.fixture
def approving(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A user who approves every login soon."""
    sandbox.control("POST", "/options", approve_after=0.5)
    yield sandbox
    sandbox.control("POST", "/options", approve_after=None)


def test_the_example(approving: Sandbox, environment: dict[str, str]) -> None:
    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    NotebookClient(notebook, timeout=50, kernel_name="python3").execute(env=environment)
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    for cell, kind in ((0, "AccountClient"), (2, "AsyncAccountClient")):
        login, client = outputs[cell]
        assert login.data["text/html"] == "<p>Logged in as <b>Sandbox Inc.</b></p>"
        assert login.data["text/plain"] == "Logged in as Sandbox Inc."
        text = client.data["text/plain"]
        assert re.fullmatch(
            rf"<{kind} client_name='notebook\S*' organization='Sandbox Inc\.' store='\S+'>", text
        ), text
    assert outputs[1][0].text == "org_sandbox: 50.00 USD\n"
    assert "Balance(org_id='org_sandbox'" in outputs[3][0].data["text/plain"]
    assert outputs[4][0].data["image/svg+xml"].startswith("<")
    assert not outputs[5]


class Kernel:
    """A kernel whose messages the test reads."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment)
        self.client: Any = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=50)

    def start(self, code: str) -> str:
        # Else the kernel drops what comes right after an error.
        return str(self.client.execute(code, stop_on_error=False))

    def wait_for(self, kind: str) -> dict[str, Any]:
        deadline = time.monotonic() + 50
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=50)
            if message["msg_type"] == kind:
                return dict(message["content"])
        raise AssertionError(f"no {kind}")

    def reply(self, number: str) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=50)
            if message["parent_header"].get("msg_id") == number:
                return dict(message["content"])

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    "login",
    [
        "AccountClient(store=MemoryStore()).login(open_browser=False)",
        "await AsyncAccountClient(store=MemoryStore()).login(open_browser=False)",
    ],
)
def test_an_interrupt_ends_a_login(
    sandbox: Sandbox, environment: dict[str, str], login: str
) -> None:
    kernel = Kernel(environment)
    try:
        number = kernel.start("from parallel_account import *\n" + login)
        shown = kernel.wait_for("display_data")["data"]["text/html"]
        assert re.search(r"\d+:\d\d left", shown)
        assert 'href="http' in shown
        assert "<svg" in shown
        # Until the next poll has shown itself, so that the wait has begun.
        assert "left" in kernel.wait_for("update_display_data")["data"]["text/html"]
        kernel.manager.interrupt_kernel()
        reply = kernel.reply(number)
        assert reply["ename"] in ("KeyboardInterrupt", "CancelledError"), reply
        ended = kernel.wait_for("update_display_data")["data"]["text/html"]
        assert "Not logged in" in ended
        number = kernel.start("AccountClient(store=MemoryStore()).status().logged_in")
        assert kernel.wait_for("execute_result")["data"]["text/plain"] == "False"
        assert kernel.reply(number)["status"] == "ok"
    finally:
        kernel.stop()


def test_how_things_show_themselves(sandbox: Sandbox) -> None:
    client = sandbox.client(first_poll_at_once=True)
    assert repr(client) == f"<AccountClient client_name='tests' store={MemoryStore().location!r}>"
    login = client.start_login()
    qr = login.qr
    assert qr._repr_svg_().replace(' width="200" height="200"', "", 1) == qr.svg != qr._repr_svg_()
    html = login._repr_html_()
    assert login.user_code in html
    assert qr.svg in html
    sandbox.approve(login)
    login.wait()
    assert "Logged in as <b>Sandbox Inc.</b>" in login._repr_html_()
    assert "organization='Sandbox Inc.'" in repr(client)
    other = client.with_options(timeout=1)
    assert repr(other) == repr(client)
    client.close()
    assert repr(client).endswith(" (closed)>")
    assert "org='o'" not in repr(AccountClient(org="o", **sandbox.urls))
    assert "organization='o'" in repr(AccountClient(org="o", **sandbox.urls))

    class Mine:
        def load(self) -> str | None:
            raise AssertionError("repr asks no store")

        def replace(self, old: str | None, new: str | None) -> bool:
            return False

    assert "store='the Mine given as store'" in repr(sandbox.client(store=Mine()))


def test_models_in_match_statements() -> None:
    match Balance(org_id="o", credit_balance_cents=3):
        case Balance("o", cents):
            assert cents == 3
        case _:
            pytest.fail("no match")
    match Status(logged_in=True, organization=Organization(id="a")):
        case Status(True, Organization(id)):
            assert id == "a"
        case _:
            pytest.fail("no match")
    assert Qr.__match_args__ == ("text", "svg")
