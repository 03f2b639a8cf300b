"""Writes Python's blocking façade, a translation of the asynchronous one, word by word.

blocking.py [--check]: writes `_client.py`, `_resources.py` and `_protocols.py` from the files
whose names begin with `_async_`; with --check, only compares, and fails if one is not current.
Needs ruff, as tests/lint/setup installs it.
"""

import pathlib
import re
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).parents[1] / "python" / "parallel_account"
FILES = ["client", "resources", "protocols"]

# In this order. Everything else that is called asynchronous loses that part of its name.
WORDS = [
    (r"\b(_native\.(?:Raw)?)Async(?=Client\b)", r"\1Blocking"),
    (r"\bto await on asyncio, uvloop or trio\b", "that block"),
    (r"\basynchronous\b", "blocking"),
    (r"\b(?:async|await) ", ""),
    (r"\baclose\b", "close"),
    (r"\b__a(?=(?:enter|exit)__)", "__"),
    (r"\b(_?)async_", r"\1"),
    (r"\bAsync(?=[A-Z])(?!CredentialStore\b)", ""),
]
NOTE = "# Written by tools/blocking.py from {source}, where changes belong.\n"


def ruff(text, name, *arguments):
    as_file = ["--stdin-filename", str(PACKAGE / name), "-"]
    command = [sys.executable, "-m", "ruff", *arguments, *as_file]
    ended = subprocess.run(command, input=text, capture_output=True, text=True, cwd=PACKAGE)
    if ended.returncode:
        sys.exit(ended.stderr)
    return ended.stdout


def translated(source, name):
    text = source.read_text()
    for word, instead in WORDS:
        text = re.sub(word, instead, text)
    text = NOTE.format(source=source.name) + text
    # Its imports are sorted by the names that they have here.
    text = ruff(text, name, "check", "--quiet", "--select", "I", "--fix")
    return ruff(text, name, "format", "--quiet")


def main(check):
    stale = []
    for file in FILES:
        target = PACKAGE / f"_{file}.py"
        text = translated(PACKAGE / f"_async_{file}.py", target.name)
        if target.read_text() != text:
            stale.append(target.name)
            if not check:
                target.write_text(text)
    if check and stale:
        sys.exit(f"Run tools/generate in bindings-python: {', '.join(stale)} is not current.")


main("--check" in sys.argv[1:])
