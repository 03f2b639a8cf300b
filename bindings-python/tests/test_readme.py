"""Every snippet of the README runs as it is written, and prints what the comments beside it say."""

from __future__ import annotations

import ast
import asyncio
import collections
import inspect
import json
import logging
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request

import parallel_account
import parallel_account.protocols
from conftest import Relay, Sandbox
from parallel_account import (
    AccountClient,
    AsyncAccountClient,
    LoginRequiredError,
    MemoryStore,
    ResponseEvent,
)
from readme import README, Snippet, block, snippet, snippets

HERE = Path(__file__).parent


def called_for_elsewhere() -> set[str]:
    """The beginnings that other tests ask `snippet()` for, and run."""
    return {
        argument.value
        for path in HERE.glob("test_*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "snippet"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }


def here() -> dict[str, list[Snippet]]:
    """By chapter, the snippets that no other test runs."""
    others = called_for_elsewhere()
    chapters: dict[str, list[Snippet]] = {}
    for it in snippets():
        if not any(line.startswith(tuple(others)) for line in it.code.splitlines()):
            chapters.setdefault(it.chapter, []).append(it)
    return chapters


@pytest.fixture(scope="module")
def quick_sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox("--interval", "0.05", "--approve-after", "0.05")
    yield sandbox
    sandbox.stop()


def live_in(sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("CI", "1")  # no browser


@pytest.fixture
def home(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `my-app` is logged in."""
    live_in(sandbox, tmp_path, monkeypatch)
    with AccountClient(client_name="my-app", first_poll_at_once=True) as client:
        sandbox.log_in(client)
    return tmp_path


class Window:
    """A program's own window, which shows what it is given."""

    shown: tuple[str, ...] = ()

    def display(self, *what: str) -> None:
        self.shown = what


def given() -> dict[str, Any]:
    """What a reader's program has, besides this package's names."""
    scope = runpy.run_path(str(HERE.parent / "examples" / "billing.py"))
    scope.update(window=Window(), order_id=4711)
    exec("from parallel_account import *", scope)
    return scope


def expected(code: str) -> list[str]:
    """The comments beside calls of `print`."""
    lines = [line for line in code.splitlines() if line.lstrip().startswith("print(")]
    return [line.rpartition("  # ")[2] for line in lines if ")  # " in line]


@pytest.mark.parametrize("chapter", here())
def test_a_chapter(
    chapter: str,
    quick_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    quick_sandbox.control("POST", "/reset")
    live_in(quick_sandbox, tmp_path, monkeypatch)
    scope = given()
    if chapter == "Charge once":
        # Only then does the snippet call twice: the first answer is lost.
        quick_sandbox.fault("balance.add", drop_answer_after_processing=True, times=3)
    if chapter != "First call":
        scope["client"] = client = AccountClient(client_name="my-app")
        client.login()
    for it in here()[chapter]:
        capsys.readouterr()
        lines = "\n" * (it.line - 1)
        exec(compile(lines + it.code, README, "exec"), scope)
        shown = capsys.readouterr().out.splitlines()
        assert [line for line in shown if line in expected(it.code)] == expected(it.code), shown
    if chapter == "Log in":
        link, code, svg = scope["window"].shown
        assert link.startswith("http")
        assert len(code) == 9
        assert svg.startswith("<")
    if chapter == "Charge once":
        assert len(quick_sandbox.requests("balance.add")) > 1
    if chapter == "Test your program":
        tests = [it for name, it in scope.items() if name.startswith("test_")]
        assert len(tests) == 2
        for test in tests:
            test()


def test_the_comparison_with_comments_sees_differences() -> None:
    assert expected("print(1)  # one\nx = 2  # two\n    print(3)  # three\nprint('#')") == [
        "one",
        "three",
    ]


def test_fastapi(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    stores = {"ada": MemoryStore(sandbox.record()), "eve": MemoryStore()}
    scope = {**given(), "store_of": stores.__getitem__, "current_user": user, "ID": "parallel-cli"}
    exec(snippet("app = FastAPI()"), scope)

    async def main() -> None:
        transport = httpx.ASGITransport(scope["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
            answer = await browser.get("/balance", headers={"user": "ada"})
            assert (answer.status_code, answer.json()) == (200, {"cents": 5000.0})
            answer = await browser.get("/balance", headers={"user": "eve"})
            assert (answer.status_code, answer.json()) == (401, {"error": "log in first"})

    asyncio.run(main())


def user(request: Request) -> str:
    return request.headers["user"]


def test_the_sdk(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    home: Path,
) -> None:
    """The real one."""
    monkeypatch.setenv("PARALLEL_BASE_URL", sandbox.data_url)
    exec(snippet("    client = Parallel("), {})
    assert "search_id" in capsys.readouterr().out


def test_the_command(sandbox: Sandbox, home: Path) -> None:
    (home / "my_program.py").write_text("import os; print(len(os.environ['PARALLEL_API_KEY']))")
    sandbox.control("POST", "/options", approve_after=0.1)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-e"],
        input=block("sh", "## The command"),
        cwd=home,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=50,
    )
    sandbox.control("POST", "/options", approve_after=None)
    assert ended.returncode == 0, ended.stderr
    assert "USD 50.00" in ended.stdout
    assert int(ended.stdout.split()[-1]) > 10


def test_every_option_is_in_the_table() -> None:
    _, _, rest = README.read_text().partition("\n| option | meaning | default |\n|---|---|---|\n")
    rows = rest.partition("\n\n")[0].splitlines()
    named = {row.split("`")[1] for row in rows}
    for kind in (AccountClient, AsyncAccountClient):
        options = {name for name in inspect.signature(kind).parameters if name[0] != "_"}
        assert named == options


def test_every_call_is_in_the_table() -> None:
    text = README.read_text()
    for name in ("BalanceApi", "Apps", "Keys"):
        kind = getattr(parallel_account.protocols, name)
        prefix = {"BalanceApi": "balance"}.get(name, name.lower())
        for call in vars(kind):
            if not call.startswith("_") and call != "with_raw_response":
                assert f"| `{prefix}.{call}(" in text
    for call in vars(parallel_account.protocols.AccountClient):
        if not call.startswith("_"):
            assert re.search(rf"[`.]{call}\b", text), call


def test_every_exception_is_in_the_table() -> None:
    _, _, rest = README.read_text().partition("\n| exception | what to do |\n")
    named = set(re.findall(r"`(\w+Error)`", rest.partition("\n\n")[0]))
    made = {it for it in vars(parallel_account) if it.endswith("Error")} - {"AccountError"}
    assert named == made


def test_the_contents_name_every_chapter() -> None:
    text = README.read_text()
    contents = text.partition("\n## ")[0]
    links = re.findall(r"\[([^]]+)\]\(#([\w-]+)\)", contents)
    assert [name for name, _ in links] == re.findall(r"^## (.*)$", text, re.MULTILINE)
    for name, anchor in links:
        assert anchor == re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", it.lower()).replace(" ", "-") for it in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= anchors
    for path in re.findall(r"\]\((\.\./[^)#]+)", text):
        assert (README.parent / path).exists(), path
    for path in re.findall(r"`((?:examples|tests|tools)/[\w./-]+)`", text):
        assert (README.parent / path).exists() or (README.parents[1] / path).exists(), path


def leveled(text: str) -> str:
    """Without what differs from run to run."""
    for pattern in (r"Request \d+", r"\d+\.\d+ s", r"req_\w+"):
        text = re.sub(pattern, "…", text)
    return text


def test_the_log_of_a_refresh(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with sandbox.client(store=MemoryStore(sandbox.record())) as client:
        client.balance.get()
        sandbox.control("POST", "/expire-access-token")
        with caplog.at_level(logging.DEBUG, "parallel_account"):
            client.balance.get()
    said = "\n".join(f"{it.levelname} {it.getMessage()}" for it in caplog.records) + "\n"
    said = said.replace(sandbox.account_url, "https://api.parallel.ai/account")
    said = said.replace(sandbox.platform_url, "https://platform.parallel.ai")
    assert leveled(said) == leveled(block("text", "**Logs.**"))


def test_the_hook_of_the_readme(sandbox: Sandbox) -> None:
    metrics: collections.Counter[Any] = collections.Counter()

    def made(client_name: str, **options: Any) -> AccountClient:
        return sandbox.client(store=MemoryStore(sandbox.record()), **options)

    scope = {"ResponseEvent": ResponseEvent, "metrics": metrics, "AccountClient": made}
    exec(snippet("def count"), scope)
    client: Any = scope["client"]
    client.balance.get()
    assert metrics == {200: 1}


def test_spans_of_the_readme(sandbox: Sandbox, relay: Relay) -> None:
    """OpenTelemetry's own SDK: one span for each call, whose traceparent is sent."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    scope: dict[str, Any] = {}
    exec(snippet("def traced"), scope)
    relay.release()
    urls = {"account_url": f"{relay.url}/account"}
    client = sandbox.client(store=MemoryStore(sandbox.record()), **urls)
    with scope["traced"](client, "balance.get") as traced:
        assert isinstance(traced, AccountClient)
        traced.balance.get()
    with pytest.raises(LoginRequiredError), scope["traced"](sandbox.client(), "balance.get") as it:
        it.balance.get()
    good, bad = exporter.get_finished_spans()
    for span in (good, bad):
        print(span.to_json())
    assert good.name == bad.name == "balance.get"
    assert good.kind is trace.SpanKind.CLIENT
    assert bad.status.status_code is trace.StatusCode.ERROR
    trace_id = trace.format_trace_id(good.context.trace_id)
    span_id = trace.format_span_id(good.context.span_id)
    (sent,) = (value for name, value in relay.headers() if name == "traceparent")
    assert sent.startswith(f"00-{trace_id}-{span_id}-")
    # As the README shows it, but for IDs and times.
    shown = json.loads(block("json", "OpenTelemetry prints it"))
    real = json.loads(good.to_json())
    context = shown.pop("context")
    assert context.keys() < real.pop("context").keys()
    for name in ("start_time", "end_time"):
        assert re.sub(r"\d", "0", shown.pop(name)) == re.sub(r"\d", "0", real[name])
    assert shown == {name: real[name] for name in shown}
    ids = f"00-{context['trace_id'][2:]}-{context['span_id'][2:]}"
    line = block("text", "OpenTelemetry prints it")
    assert re.fullmatch(rf"traceparent: {ids}-0\d\n", line)
