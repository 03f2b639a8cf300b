"""Pages for everybody: what scrolls can be reached by the keyboard."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

SCROLLING = (
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper', '<div tabindex="0" role="group" class="table-wrapper'),
)


def finish(app: Sphinx, failure: Exception | None) -> None:
    if failure is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text()
        for old, new in SCROLLING:
            text = text.replace(old, new)
        page.write_text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
