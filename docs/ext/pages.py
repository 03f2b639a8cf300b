"""Pages for everybody: the keyboard reaches what scrolls, landmarks have names, pictures wait."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

BETTER = (
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper', '<div tabindex="0" role="group" class="table-wrapper'),
    ('<aside class="sidebar-drawer"', '<aside aria-label="All pages" class="sidebar-drawer"'),
    ('<aside class="toc-drawer', '<aside aria-label="This page" class="toc-drawer'),
    ("<img ", '<img loading="lazy" '),
    ('<div id="search-results">', '<h1>Search</h1>\n<div id="search-results">'),
)


def finish(app: Sphinx, failure: Exception | None) -> None:
    if failure is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text()
        for old, new in BETTER:
            text = text.replace(old, new)
        page.write_text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
