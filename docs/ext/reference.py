"""What the reference takes from the code: the table of errors."""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ERRORS = Path(__file__).parents[2] / "tests" / "errors.json"


def pascal(code: str) -> str:
    return "".join(word.title() for word in code.split("_"))


def camel(code: str) -> str:
    name = pascal(code)
    return name[0].lower() + name[1:]


def errors() -> list[str]:
    """One paragraph of definition for each code, in Markdown."""
    lines = []
    for error in json.loads(ERRORS.read_text()):
        code, kind = error["code"], error["class"]
        lines += [f"### `{code}`", ""]
        when = error["when"][0].upper() + error["when"][1:]
        lines += [f"{when}. {error['do']}", ""]
        if kind is None:
            lines += ["Rust: the future is dropped · Python: `asyncio.CancelledError`"]
            lines += ["· Node: `AbortError` · Swift: `CancellationError`", ""]
            continue
        base = "" if error["base"] == "AccountError" else f" (an `{error['base']}`)"
        retryable = "usually retryable" if error["retryable"] else "not retryable"
        lines += [f"Python and Node: `{kind}`{base} · Swift: `.{camel(code)}` · Rust:"]
        lines += [f"`ErrorKind::{pascal(code)}` · {retryable}", ""]
    return lines


class Errors(SphinxDirective):
    """The errors of `tests/errors.json`."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(ERRORS))
        self.state.nested_parse(
            StringList(errors(), str(ERRORS)), 0, section := nodes.section(), match_titles=True
        )
        return section.children


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("errors", Errors)
    return {"parallel_read_safe": True}
