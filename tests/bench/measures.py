"""What is measured beside calls: the machine, start-up times, sizes."""

import datetime
import gzip
import os
import statistics
import subprocess
import time
from pathlib import Path

import builds

STARTS = 25


def machine():
    """Which kind of machine, when, and of which commit; nothing that names it."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    git = ["git", "-C", str(builds.ROOT)]
    commit = subprocess.check_output([*git, "rev-parse", "--short", "HEAD"], text=True).strip()
    sources = ["core", "bindings-python", "bindings-node", "bindings-swift", "Cargo.toml"]
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", *sources]).returncode != 0
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": " ".join(os.uname()[i] for i in (0, 4)),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit + (" with changes" if changed else ""),
    }


def starts(commands, cwd):
    """Median milliseconds that each program takes from start to end; they take turns."""
    taken = {name: [] for name in commands}
    for number in range(STARTS + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run([str(part) for part in command], cwd=cwd, check=True)
            # The first time, files are read from disk.
            if number > 0:
                taken[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


def compressed(file):
    return len(gzip.compress(Path(file).read_bytes(), 9))


def _python():
    python = builds.PLACE / "venv/bin/python"
    modules = {
        "parallel-account": "parallel_account",
        "httpx": "httpx",
        "aiohttp": "aiohttp",
        "requests": "requests",
        "niquests": "niquests",
        "urllib3": "urllib3",
        "parallel_web_tools.core.service": "parallel_web_tools.core.service",
    }
    commands = {"bare": [python, "-c", "pass"]}
    commands |= {name: [python, "-c", f"import {module}"] for name, module in modules.items()}
    [wheel] = (builds.PLACE / "wheels").glob("*.whl")
    return {"starts": starts(commands, builds.PLACE), "sizes": {"wheel": wheel.stat().st_size}}


def _node():
    project = builds.PLACE / "node"
    node = [builds.NODE, "--input-type=module", "-e"]
    modules = {"undici": "undici", "axios": "axios", "got": "got", "openid-client": "openid-client"}
    commands = {
        "bare": [*node, ""],
        "parallel-account": [*node, "import 'parallel-account'"],
        **{name: [*node, f"import '{module}'"] for name, module in modules.items()},
        "bare, CommonJS": [builds.NODE, "-e", ""],
        "parallel-account, CommonJS": [builds.NODE, "-e", "require('parallel-account')"],
        "undici, CommonJS": [builds.NODE, "-e", "require('undici')"],
    }
    [native] = project.glob("node_modules/parallel-account/native/*.node")
    sizes = {"native file": native.stat().st_size, "native file, compressed": compressed(native)}
    return {"starts": starts(commands, project), "sizes": sizes}


def _swift():
    programs = {}
    for name in ("with-library", "without-library"):
        program = builds.PLACE / "swift/release" / name
        stripped = program.with_suffix(".stripped")
        builds.run("strip", "-o", stripped, program)
        programs[name] = stripped.stat().st_size
    added = programs["with-library"] - programs["without-library"]
    return {"sizes": {**programs, "added by the library": added}}


def of(section):
    own = {"python": _python, "node": _node, "swift": _swift}
    return own[section]() if section in own else {}
