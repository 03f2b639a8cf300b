"""The figures of the front page and of Swift's README are those of tests/bench/RESULTS.md.

figures.py            fails if one of them says others
figures.py --write    writes them there, after a new `make bench`
"""

from __future__ import annotations

import re
import sys

from blocks import ROOT

README, RESULTS = ROOT / "README.md", ROOT / "tests/bench/RESULTS.md"
SWIFT = ROOT / "bindings-swift/README.md"
BEGIN = "<!-- Figures: tests/docs/figures.py --write takes them from tests/bench/RESULTS.md. -->\n"
END = "<!-- End of the figures. -->\n"
# Section, row of its table of targets, and how the front page puts it.
ROWS = (
    (
        "Python",
        "blocking: httpx's CPU time of ours",
        "Python, CPU time of a call",
        "{} as much with httpx",
    ),
    (
        "Python",
        "64 at once: calls of aiohttp's",
        "Python, 64 calls at once",
        "{} as many as with aiohttp",
    ),
    (
        "Node",
        "64 at once: calls of undici.request's",
        "Node, 64 calls at once",
        "{} as many as with undici",
    ),
    (
        "Node",
        "one at a time: time of undici.request's",
        "Node, time of a single call",
        "{} that of undici",
    ),
    (
        "Swift",
        "64 at once: calls of URLSession's",
        "Swift, 64 calls at once",
        "{} as many as with URLSession",
    ),
    ("Python", "import", "Python, importing the package", "{}"),
    ("Python", "wheel", "Python, size of the wheel", "{}"),
    ("Node", "native file, compressed", "Node, size of the native module, compressed", "{}"),
    ("Swift", "added to a stripped executable", "Swift, added to a stripped executable", "{}"),
)


def section(name: str) -> str:
    found = re.search(
        rf"^## {name}\n(.*?)(?=^## |\Z)", RESULTS.read_text(), re.MULTILINE | re.DOTALL
    )
    if not found:
        raise SystemExit(f"{RESULTS} has no section {name}.")
    return found[1]


def figure(where: str, row: str) -> str:
    found = re.search(rf"^\| {re.escape(row)} \| ([\d.]+ \S+) \|", section(where), re.MULTILINE)
    if not found:
        raise SystemExit(
            f"{RESULTS}, section {where}, has no row {row!r}. Choose another in figures.py."
        )
    return found[1]


def table() -> str:
    lines = ["| what | measured |", "|---|---|"]
    lines += [
        f"| {text} | {words.format(figure(where, row))} |" for where, row, text, words in ROWS
    ]
    return "\n".join(lines) + "\n"


def front_page() -> str:
    before, begin, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit("README.md has lost the comments around its figures.")
    return before + BEGIN + table() + END + after


def swift() -> str:
    size = figure("Swift", "added to a stripped executable")
    text, found = re.subn(r"(?<=it\sadds\s)[\d.]+ MB", size, SWIFT.read_text())
    if found != 1:
        raise SystemExit(f"{SWIFT} no longer says once what a release build adds.")
    return text


def main() -> int:
    failed = 0
    for path, text in ((README, front_page()), (SWIFT, swift())):
        if path.read_text() == text:
            continue
        if "--write" in sys.argv:
            path.write_text(text)
        else:
            name = path.relative_to(ROOT)
            print(
                f"{name} does not say the figures of RESULTS.md. Run tests/docs/figures.py --write."
            )
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
