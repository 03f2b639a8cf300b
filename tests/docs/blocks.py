"""The code blocks of the site and of all READMEs, and what the tests do with each.

A fence's words after its language say how it is run:

    file=NAME       it is written to this file, for other blocks of its page
    given=client    before it, `client` was made, named my-app, and logged in

A comment `<!-- not run: REASON -->` right before a fence says why it is not run.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CODE = ("python", "js", "ts", "rust", "swift", "sh", "toml")
# What other suites run, word for word.
ELSEWHERE = {
    "README.md": "tests/readme/run.sh",
    "bindings-python/README.md": "bindings-python/tests/test_readme.py",
    "bindings-node/README.md": "bindings-node/test/readme.test.mjs",
    "bindings-swift/README.md": "bindings-swift/tools/check-dependent",
    "core/cli/README.md": "tests/command/test_readme.py",
    "testkit/python/README.md": "tests/kit/run.sh",
    "testkit/node/README.md": "tests/kit/run.sh",
    "docs/parallel-sdks.md": "tests/interop/run.sh",
}
# Where a block belongs that is in no tab.
TABS = {"js": "node", "ts": "node", "sh": "shell"}
FENCE = re.compile(r"^( *)```(\w+)(.*)$")
MARKER = re.compile(r"^ *<!-- not run: (.+) -->$")


class Block(NamedTuple):
    """A fence with code."""

    page: str  # from the root
    line: int
    language: str
    tab: str  # the language of the tab that it is in, or its own
    file: str | None
    given: str | None
    reason: str | None
    code: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """The code blocks of a page, in their order."""
    found: list[Block] = []
    before, tab, fence = "", "", None
    code: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if fence:
            if line.strip() == "```":
                indent, language, words, start, reason = fence
                if language in CODE:
                    said = dict(word.split("=") for word in words.split() if "=" in word)
                    found.append(
                        Block(
                            page=str(path.relative_to(ROOT)),
                            line=start,
                            language=language,
                            tab=tab or TABS.get(language, language),
                            file=said.get("file"),
                            given=said.get("given"),
                            reason=reason,
                            code="".join(f"{it[indent:]}\n" for it in code),
                        )
                    )
                fence, before = None, ""
            else:
                code.append(line)
            continue
        if opening := FENCE.match(line):
            marker = MARKER.match(before)
            reason = marker[1] if marker else None
            fence = (len(opening[1]), opening[2], opening[3], number, reason)
            code = []
        elif line.startswith("::::"):
            tab = ""
        elif line.startswith(":sync: "):
            tab = line[7:]
        if line.strip():
            before = line
    if fence:
        raise ValueError(f"{path}: the fence in line {fence[3]} is never closed")
    return found


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project, also what is not committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(
        it for it in (ROOT / name for name in sorted(said.split("\0")[:-1])) if it.is_file()
    )


def pages() -> list[Path]:
    """Every page of the site, the first one first, and every README."""
    site = [it for it in files() if it.suffix == ".md" and it.is_relative_to(ROOT / "docs")]
    start = ROOT / "docs" / "start.md"
    readmes = [it for it in files() if it.name == "README.md" and it not in site]
    return [start, *(it for it in site if it != start), *readmes]
