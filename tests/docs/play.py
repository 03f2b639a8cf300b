"""Runs every code block of the site, and counts those of the site and of all READMEs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from blocks import CODE, ELSEWHERE, Block, blocks, pages
from languages import TARGET, WORK, Failed, Runner

SANDBOX = os.environ.get(
    "PARALLEL_ACCOUNT_SANDBOX", str(TARGET / "debug" / "parallel-account-sandbox")
)
started: list[subprocess.Popen[str]] = []


def serving(command: list[str]) -> str:
    """Starts a server; the line that it prints first."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"This did not start: {' '.join(command)}")
    return line


def runner(more: dict[str, str]) -> Runner:
    """One with a sandbox of its own, whose user approves at once."""
    line = serving([SANDBOX, "--interval", "0.05", "--approve-after", "0.05"])
    said = json.loads(line)
    control = said["control_url"]

    def reset() -> None:
        request = urllib.request.Request(
            f"{control}/reset", b"{}", {"content-type": "application/json"}
        )
        urllib.request.urlopen(request).close()

    environment = {
        **os.environ,
        "CI": "1",  # no browser
        "PARALLEL_PLATFORM_URL": said["platform_url"],
        "PARALLEL_SERVICE_API_URL": said["account_url"],
        "PARALLEL_BASE_URL": said["data_url"],
        **more,
    }
    return Runner(environment, reset)


def of_page(found: list[Block], run: Runner) -> dict[Block, str]:
    """What is wrong with the blocks of one page: all files are written first, and all lines for the
    shell are typed into one, where the first of them is."""
    wrong: dict[Block, str] = {}
    lines = [it for it in found if it.language == "sh"]
    for block in found:
        if block.file:
            run.file(block)
    for block in found:
        if block.file or block in lines[1:]:
            continue
        try:
            if block.language == "sh":
                run.shell(lines)
            else:
                run.interpreted(block)
        except (Failed, subprocess.TimeoutExpired) as error:
            wrong[block] = str(error)
    return wrong


def interpreted(found: list[Block], run: Runner) -> dict[Block, str]:
    wrong: dict[Block, str] = {}
    for _, page in groupby(found, key=lambda it: (it.page, it.tab)):
        wrong |= of_page(list(page), run)
    return wrong


def play(site: list[Block]) -> dict[Block, str]:
    """What is wrong with which of the site's blocks."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    runs = [it for it in site if it.reason is None]
    tabs = {it.tab for it in runs}
    jobs = [JOBS[tab](runs) for tab in JOBS if tab in tabs and tab not in LEFT_OUT]
    wrong: dict[Block, str] = {}
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(job) for job in jobs]:
            wrong |= done.result()
    return wrong


Job = Callable[[], dict[Block, str]]


def in_tabs(runs: list[Block], *tabs: str) -> list[Block]:
    """What an interpreter or a shell runs: Start first, and pages in their order."""
    found = [it for it in runs if it.tab in tabs and it.language in ("python", "js", "sh")]
    return sorted(found, key=lambda it: (it.page != "docs/start.md", it.page, it.tab, it.line))


def python_job(runs: list[Block]) -> Job:
    subprocess.run([sys.executable, "-m", "venv", str(WORK / "venv")], check=True)
    path = f"{WORK / 'venv' / 'bin'}:{os.environ['PATH']}"
    run = runner({"PATH": path, "PIP_FIND_LINKS": str(TARGET / "docs-wheels")})
    return lambda: interpreted(in_tabs(runs, "python", "shell"), run)


def node_job(runs: list[Block]) -> Job:
    asked = ["npm", "config", "get", "registry"]
    upstream = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    here = str(Path(__file__).with_name("registry.py"))
    folders = [str(TARGET / it / "tarballs") for it in ("npm-debug", "npm-sandbox-debug")]
    address = serving([sys.executable, here, upstream, *folders]).strip()
    run = runner({"npm_config_registry": address, "npm_config_audit": "false"})
    return lambda: interpreted(in_tabs(runs, "node"), run)


def rust_job(runs: list[Block]) -> Job:
    dependencies = "".join(it.code for it in runs if it.language == "toml")
    found = [it for it in runs if it.language == "rust"]
    return lambda: runner({}).rust(found, dependencies)


def swift_job(runs: list[Block]) -> Job:
    found = [it for it in runs if it.language == "swift"]
    # Programs get a home of their own, and Swift is in this one.
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = os.environ.get("PARALLEL_ACCOUNT_CACHE") or f"{caches}/parallel-account"
    return lambda: runner({"PARALLEL_ACCOUNT_CACHE": cache}).swift(found)


JOBS = {"python": python_job, "node": node_job, "rust": rust_job, "swift": swift_job}
LEFT_OUT = {"swift"} if os.environ.get("SKIP_SWIFT") == "1" else set()


def chosen(site: list[Block], words: list[str]) -> list[Block]:
    """The blocks of these pages and languages, with Start's, which install; or all."""
    tabs = {it for it in words if it in JOBS} or {*JOBS, "shell"}
    names = [it for it in words if it not in JOBS] or [""]
    return [
        it
        for it in site
        if it.tab in tabs and any(name in it.page for name in [*names, "docs/start.md"])
    ]


def main() -> int:
    everything = [block for page in pages() for block in blocks(page)]
    site = [it for it in everything if it.page.startswith("docs/") and it.page not in ELSEWHERE]
    unknown = [
        it for it in everything if it not in site and it.page not in ELSEWHERE and it.reason is None
    ]
    for block in unknown:
        print(f"FAILED: {block.place}: no test runs it, and no marker says why")
    played = chosen(site, sys.argv[1:])
    try:
        wrong = play(played)
    finally:
        for process in started:
            process.terminate()
    for block, why in wrong.items():
        print(f"FAILED: {block.place}: {why}\n")

    print("\n| | run here | run by another suite | marked |\n|---|---:|---:|---:|")
    here = Counter(it.language for it in site if it.reason is None)
    there = Counter(it.language for it in everything if it.page in ELSEWHERE and it.reason is None)
    marked = Counter(it.language for it in everything if it.reason is not None)
    for language in CODE:
        print(f"| {language} | {here[language]} | {there[language]} | {marked[language]} |")
    for block in everything:
        if block.reason is not None:
            print(f"marked: {block.place}: {block.reason}")
    failed = len(wrong) + len(unknown)
    run = sum(it.reason is None and it.tab not in LEFT_OUT for it in played)
    print(f"blocks: {run - len(wrong)} passed, {failed} failed")
    return failed and 1


sys.exit(main())
