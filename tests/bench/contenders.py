"""Who takes part: the command of each contender in each mode, under its title.

A title is the contender's name and, after a comma, the group of those that it is compared with.
"""

import builds

HERE = builds.HERE

# The arrangements of the core that a section is compared with, whatever it measures itself.
CORE = {
    "core, one at a time": "one",
    "core, 64 at once on one thread": "many-1",
    "core, 64 at once on two threads": "many-2",
    "core, 8 threads": "threads",
}

# In Python, modes are: one, threads, async-N and uvloop-N (N at once).
PYTHON = {
    "parallel-account": ("parallel-account", "one"),
    "parallel-account with a file": ("parallel-account-file", "one"),
    "httpx": ("httpx", "one"),
    "requests": ("requests", "one"),
    "niquests": ("niquests", "one"),
    "urllib3": ("urllib3", "one"),
    "parallel_web_tools.core.service": ("parallel-web-tools", "one"),
    "parallel-account, 8 threads": ("parallel-account", "threads"),
    "urllib3, 8 threads": ("urllib3", "threads"),
    "parallel-account, async": ("parallel-account", "async-1"),
    "aiohttp, async": ("aiohttp", "async-1"),
    "httpx, async": ("httpx", "async-1"),
    "parallel-account, async, 64 at once": ("parallel-account", "async-64"),
    "aiohttp, async, 64 at once": ("aiohttp", "async-64"),
    "httpx, async, 64 at once": ("httpx", "async-64"),
    "parallel-account, uvloop, 64 at once": ("parallel-account", "uvloop-64"),
    "aiohttp, uvloop, 64 at once": ("aiohttp", "uvloop-64"),
}

NODE_NAMES = ("parallel-account", "undici", "fetch", "axios", "got")
# Refreshing, for comparison.
NODE_REFRESH = {
    "parallel-account, refresh, 64 at once": "parallel-account-refresh",
    "openid-client, refresh, 64 at once": "openid-client",
}

SWIFT_NAMES = ("parallel-account", "URLSession")


def _core():
    program = builds.TARGET / "release/bench-core"
    return {title: [program, "core", mode] for title, mode in CORE.items()}


def _python(build):
    python = builds.python()[0] if build else builds.PLACE / "venv/bin/python"
    script = HERE / "python/contender.py"
    return {title: [python, script, *arguments] for title, arguments in PYTHON.items()}


def _node(build):
    project = builds.node()[0] if build else builds.PLACE / "node"
    script = [builds.NODE, project / "contender.mjs"]
    commands = {name: [*script, name, "one"] for name in NODE_NAMES}
    commands |= {f"{name}, 64 at once": [*script, name, "many"] for name in NODE_NAMES}
    for title, name in NODE_REFRESH.items():
        commands[title] = [*script, name, "many"]
    return commands


def _swift(build):
    scratch = builds.swift() if build else builds.PLACE / "swift"
    run = [builds.ROOT / "bindings-swift/tools/swift", "run", "--skip-build", "--quiet"]
    run += ["-c", "release", "--package-path", HERE / "swift", "--scratch-path", scratch]
    commands = {name: [*run, "contender", name, "one"] for name in SWIFT_NAMES}
    commands |= {f"{name}, 64 at once": [*run, "contender", name, "many"] for name in SWIFT_NAMES}
    return commands


def commands(section, build):
    """Everyone who takes turns in a section, the core always among them."""
    own = {"core": lambda _: {}, "python": _python, "node": _node, "swift": _swift}
    return {**own[section](build), **_core()}


def memory(section):
    """Whose memory is measured over how many calls."""
    if section == "python":
        names = [title for title, (_, mode) in PYTHON.items() if mode == "one"]
        names += ["parallel-account, async, 64 at once", "aiohttp, async, 64 at once"]
        names += ["httpx, async, 64 at once"]
        ours = ["parallel-account", "parallel-account, async, 64 at once"]
    elif section == "node":
        names = [f"{name}, 64 at once" for name in NODE_NAMES]
        ours = ["parallel-account, 64 at once"]
    elif section == "swift":
        names = [f"{name}, 64 at once" for name in SWIFT_NAMES]
        ours = ["parallel-account, 64 at once"]
    else:
        return []
    further = [(name, calls) for name in ours for calls in (100_000, 200_000)]
    return [(name, 10_000) for name in names] + further
