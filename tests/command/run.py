"""Runs the suite once for each command that is there."""

import json
import os
import pathlib
import subprocess
import sys

TARGET = pathlib.Path(os.environ["CARGO_TARGET_DIR"])
HERE = pathlib.Path(__file__).parent
NODE = HERE.parent.parent / "bindings-node/dist/command.js"

INSTALLED = {
    "cargo": [str(TARGET / "debug/parallel-account")],
    "pip": [str(TARGET / "venv/bin/parallel-account")],
    "npm": ["node", str(NODE)],
}


def commands():
    if given := os.environ.get("PARALLEL_ACCOUNT_COMMANDS"):
        return {"cargo": INSTALLED["cargo"]} | json.loads(given)
    return INSTALLED


def run(name, argv):
    """How many tests passed and failed."""
    environment = os.environ | {"PARALLEL_ACCOUNT_COMMAND": json.dumps(argv)}
    if name != "cargo":
        # The others have to do as the binary does.
        environment.pop("UPDATE", None)
    print(f"---- {name}: {' '.join(argv)}", flush=True)
    suite = subprocess.run(
        [sys.executable, "-B", str(HERE / "suite.py"), *sys.argv[1:]],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = suite.stdout.strip().splitlines()
    passed, failed = lines[-1].split() if lines else (0, 1)
    return int(passed), int(failed)


counts = [run(name, argv) for name, argv in commands().items()]
passed, failed = (sum(column) for column in zip(*counts, strict=True))
print(f"command: {passed} passed, {failed} failed")
sys.exit(failed > 0)
