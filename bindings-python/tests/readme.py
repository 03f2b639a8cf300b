"""The snippets of the README, each as it is written there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parents[1] / "README.md"


class Snippet(NamedTuple):
    """A block of Python, and the chapter that it is in."""

    chapter: str
    line: int
    code: str


@cache
def snippets() -> tuple[Snippet, ...]:
    found: list[Snippet] = []
    chapter, inside, code, start = "", False, "", 0
    for number, line in enumerate(README.read_text().splitlines(), 1):
        if inside and line.startswith("```"):
            found.append(Snippet(chapter, start, code))
            inside = False
        elif inside:
            code += line + "\n"
        elif line.startswith("## "):
            chapter = line[3:]
        elif line.lstrip().startswith("```python"):
            inside, code, start = True, "", number + 1
    return tuple(found)


def snippet(first: str) -> str:
    """The one block that has a line with this beginning."""
    (found,) = [it for it in snippets() if re.search("^" + re.escape(first), it.code, re.MULTILINE)]
    return found.code


def block(kind: str, before: str) -> str:
    """The first block of another kind after this sentence."""
    _, _, rest = README.read_text().partition(before)
    found = re.search(rf"^ *```{kind}\n(.*?)^ *```", rest, re.DOTALL | re.MULTILINE)
    assert found, f"the README has no {kind} after {before!r}"
    return found[1]
