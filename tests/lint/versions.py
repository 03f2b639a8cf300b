"""Checks that every file names the same version of this project, and sets another.

versions.py [--set VERSION]: the version is that of Cargo.toml. Fails if a place that is listed here
names another one or none, or if a file names the version and is not listed. --set writes all places
but CHANGELOG.md, whose section is written by hand.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
NUMBER = r"(\d+\.\d+\.\d+[-\w.]*)"
SHORT = r"(\d+\.\d+)"
CRATE = r'^name = "parallel-account[-\w]*"\nversion = "VERSION"'
SANDBOX = r'"parallel-account-sandbox": "VERSION"'
PACKAGE = r'"parallel-account": "VERSION"'
OWN = r'\A\{\n  "name": "[-\w]+",\n  "version": "VERSION"'
LOCKED = r'"": \{\n +"name": "[-\w]+",\n +"version": "VERSION"'
TARBALL = r"parallel-account-VERSION\.tgz"

# Where it stands: the file, and what is around it; MINOR is it without its last number. Each
# pattern is found at least once.
PLACES = [
    ("Cargo.toml", r'^\[workspace\.package\]\nversion = "VERSION"'),
    ("Cargo.toml", r'^parallel-account(?:-cli)? = \{ path = "[^"]+", version = "VERSION"'),
    ("Cargo.lock", CRATE),
    ("core/fuzz/Cargo.lock", r'^name = "parallel-account"\nversion = "VERSION"'),
    ("CHANGELOG.md", r"\A# Changelog\n\n## VERSION"),
    ("README.md", TARBALL),
    ("bindings-node/README.md", TARBALL),
    ("bindings-node/package.json", OWN),
    ("bindings-node/package-lock.json", OWN),
    ("bindings-node/package-lock.json", LOCKED),
    ("bindings-node/test/command.test.mjs", r"'parallel-account VERSION\\n'"),
    ("bindings-python/pyproject.toml", r'"parallel-account-sandbox==VERSION"'),
    ("core/stores/src/lib.rs", r'^//! parallel-account-stores = \{ version = "MINOR"'),
    ("docs/start.md", r'^parallel-account = "MINOR"'),
    ("docs/python-libraries.md", r"^\| feature \| parallel-account VERSION \|"),
    ("examples/testing/command_line/package.json", PACKAGE),
    ("examples/testing/command_line/package.json", SANDBOX),
    (
        "examples/testing/fastapi_pytest/requirements.txt",
        r"^parallel-account\[testing\]==VERSION$",
    ),
    ("examples/testing/fastify_vitest/package.json", PACKAGE),
    ("examples/testing/fastify_vitest/package.json", SANDBOX),
    ("testkit/node/package.json", OWN),
    ("testkit/node/package.json", PACKAGE),
    ("testkit/node/package-lock.json", OWN),
    ("testkit/node/package-lock.json", LOCKED),
    ("testkit/node/package-lock.json", PACKAGE),
    ("tests/command/transcripts/help.txt", r"^> parallel-account VERSION$"),
    ("tests/kit/run.sh", r"parallel-account(?:-sandbox)?==VERSION"),
    ("tests/sandbox/openapi.json", r'^  "info": \{[^{}]*"version": "VERSION"'),
]
BY_HAND = "CHANGELOG.md"
# Where a version is an example, or another package's.
EXAMPLES = [
    ".github/workflows/swift-release.yml",
    "bindings-swift/tools/check-manifest",
]


def pattern(around):
    around = around.replace("VERSION", NUMBER).replace("MINOR", SHORT)
    return re.compile(around, re.MULTILINE)


def due(around, version):
    return ".".join(version.split(".")[:2]) if "MINOR" in around else version


def current():
    path, around = PLACES[0]
    return pattern(around).search((ROOT / path).read_text())[1]


def check(version):
    problems = []
    for path, around in PLACES:
        found = pattern(around).findall((ROOT / path).read_text())
        if not found:
            problems.append(f"{path}: the version is not where it was: {around}")
        wrong = sorted(set(found) - {due(around, version)})
        problems += [f"{path}: it is {it}, and {version} in Cargo.toml" for it in wrong]
    listed = {path for path, _ in PLACES} | set(EXAMPLES)
    command = ["git", "grep", "--untracked", "-lwF", version]
    named = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.split()
    for path in named:
        locked = path.endswith((".lock", "package-lock.json", "THIRD-PARTY-LICENSES"))
        if path not in listed and not locked:
            problems.append(f"{path}: names {version}: add it to PLACES in tests/lint/versions.py")
    return problems


def write(version):
    for path, around in PLACES:
        if path == BY_HAND:
            continue
        text = (ROOT / path).read_text()

        spans = [match.span(1) for match in pattern(around).finditer(text)]
        for start, end in reversed(spans):
            text = text[:start] + due(around, version) + text[end:]
        (ROOT / path).write_text(text)


def main(arguments):
    if arguments[:1] == ["--set"]:
        write(arguments[1])
    problems = check(current())
    print("\n".join(problems) if problems else f"every file names {current()}")
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
