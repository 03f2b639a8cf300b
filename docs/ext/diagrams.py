"""Diagrams: a fence of Mermaid becomes an SVG in the page, and in its colors."""

from __future__ import annotations

import re
import subprocess
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

TOOL = Path(__file__).parents[1] / "tools" / "diagram.mjs"


def drawn(source: str, number: int) -> str:
    """The SVG. Its IDs and styles are those of this one diagram."""
    ended = subprocess.run(
        ["node", str(TOOL)], input=source, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise ExtensionError(f"A diagram could not be drawn: {ended.stderr.strip()}\n{source}")
    svg = re.sub(r"^\s*@import url\(.*\);\s*$", "", ended.stdout, flags=re.MULTILINE)
    svg = re.sub(r'(\bid="|url\(#)', rf"\g<1>d{number}-", svg)
    svg = re.sub(r"^\s*(text|svg|\.mono)\s*\{", r".diagram \1 {", svg, flags=re.MULTILINE)
    if "http" in svg.replace("http://www.w3.org/", ""):
        raise ExtensionError("A diagram names an address: pages load nothing from elsewhere.")
    return svg


class Mermaid(SphinxDirective):
    """A diagram. Its line `accTitle: …` is what a screen reader says."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        title = next((line for line in self.content if "accTitle:" in line), None)
        if title is None:
            raise self.error("A diagram needs a line `accTitle: what it shows`.")
        source = "\n".join(line for line in self.content if line != title)
        number = self.env.new_serialno("diagram")
        name = escape(title.partition(":")[2].strip(), quote=True)
        svg = drawn(source, number).replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
        html = f'<div class="diagram" tabindex="0" role="group" aria-label="{name}">{svg}</div>'
        return [nodes.raw("", html, format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True}
