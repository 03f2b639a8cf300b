"""What is measured beside calls: the machine, imports, starts, sizes."""

import contextlib
import datetime
import gzip
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import builds

IMPORTS = 25
# Where the authorities are that the system trusts: programs read all of them at their start.
ROOTS = "/etc/ssl/certs/ca-certificates.crt"


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


def imports(commands, cwd):
    """Median milliseconds that each program says its import took; they take turns."""
    taken = {name: [] for name in commands}
    for number in range(IMPORTS + 1):
        for name, command in commands.items():
            command = [str(part) for part in command]
            answer = subprocess.check_output(command, cwd=cwd, text=True)
            # The first time, files are read from disk.
            if number > 0:
                taken[name].append(float(answer))
    return {name: statistics.median(times) for name, times in taken.items()}


@contextlib.contextmanager
def tls_server():
    """A server over TLS, and the environment in which programs find it and trust it."""
    with tempfile.TemporaryDirectory() as folder:
        own, bundle = Path(folder, "own.pem"), Path(folder, "bundle.pem")
        server = subprocess.Popen(
            [builds.TARGET / "release/bench-tls", own],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        place = json.loads(server.stdout.readline())
        bundle.write_text(Path(ROOTS).read_text() + own.read_text())
        yield {
            **os.environ,
            "BENCH_URL": place["url"],
            "BENCH_TOKEN": place["token"],
            "SSL_CERT_FILE": str(bundle),
            "NODE_EXTRA_CA_CERTS": str(own),
        }
        server.stdin.close()
        server.wait()


def starts(commands, cwd):
    """Median milliseconds that each program takes from its start to its end; they take turns."""
    taken = {name: [] for name in commands}
    with tls_server() as env:
        for number in range(IMPORTS + 1):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run([str(part) for part in command], cwd=cwd, env=env, check=True)
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
    program = (
        "import time; start = time.perf_counter(); import {}; "
        "print((time.perf_counter() - start) * 1000)"
    )
    commands = {name: [python, "-c", program.format(it)] for name, it in modules.items()}
    [wheel] = (builds.PLACE / "wheels").glob("*.whl")
    first = builds.HERE / "python/first.py"
    started = {"bare": [python, "-c", "pass"]}
    started |= {name: [python, first, name] for name in ("parallel-account", "httpx", "urllib3")}
    return {
        "imports": imports(commands, builds.PLACE),
        "starts": starts(started, builds.PLACE),
        "sizes": {"wheel": wheel.stat().st_size},
    }


def _node():
    project = builds.PLACE / "node"
    program = "const start = performance.now(); {}('{}'); console.log(performance.now() - start)"
    commands = {}
    for name in ("parallel-account", "undici", "axios", "got", "openid-client"):
        module = [builds.NODE, "--input-type=module", "-e", program.format("await import", name)]
        commands[name] = module
        if name != "got":
            commands[f"{name}, CommonJS"] = [builds.NODE, "-e", program.format("require", name)]
    [native] = project.glob("node_modules/parallel-account/native/*.node")
    sizes = {"native file": native.stat().st_size, "native file, compressed": compressed(native)}
    first = project / "first.mjs"
    started = {"bare": [builds.NODE, "-e", "0"]}
    started |= {
        name: [builds.NODE, first, name] for name in ("parallel-account", "fetch", "undici")
    }
    return {
        "imports": imports(commands, project),
        "starts": starts(started, project),
        "sizes": sizes,
    }


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
