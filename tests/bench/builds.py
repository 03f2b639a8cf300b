"""Builds in release form what the benches run, each in its own place under target/bench."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PLACE = TARGET / "bench"
NODE = os.environ.get("NODE", "node")


def run(*command, cwd=ROOT, **env):
    command = [str(part) for part in command]
    env = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), **env}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}\nbench: this failed: {' '.join(command)}")


def say(what):
    print(f"building {what} …", file=sys.stderr, flush=True)


def core():
    """The server and the ceiling."""
    say("the server and the core")
    run("cargo", "build", "--quiet", "--release", "-p", "parallel-account-bench")
    return TARGET / "release"


def python():
    """A virtual environment with the rivals and the release wheel; answers it and the wheel."""
    say("the wheel")
    venv = PLACE / "venv"
    if not (venv / "bin/python").exists():
        run(os.environ.get("PYTHON", sys.executable), "-m", "venv", venv)
    pip = [venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = HERE / "python/requirements.txt"
    installed = venv / "requirements.txt"
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        run(*pip, "-r", wanted)
        shutil.copy(wanted, installed)
    wheels = PLACE / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    maturin = [venv / "bin/maturin", "build", "--quiet", "--release", "--compression-level", "9"]
    run(*maturin, "--out", wheels, cwd=ROOT / "bindings-python", VIRTUAL_ENV=str(venv))
    [wheel] = wheels.glob("*.whl")
    run(*pip, "--force-reinstall", "--no-deps", wheel)
    return venv / "bin/python", wheel


def node():
    """A project with the rivals and this package; answers it and the native file."""
    say("the node package")
    project = PLACE / "node"
    project.mkdir(parents=True, exist_ok=True)
    package = project / "node_modules/parallel-account"
    wanted = HERE / "node/package-lock.json"
    installed = project / "package-lock.json"
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        shutil.copy(HERE / "node/package.json", project)
        shutil.copy(wanted, installed)
        run("npm", "ci", "--silent", "--no-fund", "--no-audit", cwd=project)
    for script in ("contender.mjs", "first.mjs"):
        shutil.copy(HERE / "node" / script, project)

    # Not by the binding's own script: its folder keeps the debug build that its tests use.
    binding = ROOT / "bindings-node"
    if not (binding / "node_modules/.bin/esbuild").exists():
        run("npm", "ci", "--silent", "--no-fund", "--no-audit", cwd=binding)
    run("cargo", "build", "--quiet", "--release", "-p", "parallel-account-node")
    shutil.rmtree(package, ignore_errors=True)
    run("node", "scripts/build-ts.mjs", package / "dist", cwd=binding)
    shutil.copy(binding / "package.json", package)
    platform = "const { platform, arch } = process; console.log(`${platform}-${arch}`)"
    platform = subprocess.check_output([NODE, "-e", platform], text=True).strip()
    built = TARGET / "release/libparallel_account_node.so"
    native = package / f"native/parallel-account.{platform}-gnu.node"
    native.parent.mkdir()
    shutil.copy(built, native)
    return project, native


def swift():
    """The contender and two programs to compare in size; answers the folder of the programs."""
    say("the swift package")
    run(ROOT / "bindings-swift/tools/library", "small")
    scratch = PLACE / "swift"
    # SwiftPM does not look at the libraries that a package names.
    for program in ("contender", "with-library", "without-library"):
        (scratch / "release" / program).unlink(missing_ok=True)
    swift = [ROOT / "bindings-swift/tools/swift", "build", "-c", "release"]
    where = ["--package-path", HERE / "swift", "--scratch-path", scratch]
    run(*swift, *where, PARALLEL_ACCOUNT_PROFILE="small")
    return scratch
