"""Writes the executed examples/notebook.ipynb as a page: notebook_page.py FILE.html."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

HERE = Path(__file__).parents[1]
sys.path.append(str(HERE / "tests"))
from conftest import Sandbox  # noqa: E402


class Watching(NotebookClient):
    """Keeps what was shown first, which later displays replace: the login while it waits."""

    first: Any = None

    def output(self, outs: Any, msg: Any, display_id: str, cell_index: int) -> Any:
        shown = super().output(outs, msg, display_id, cell_index)
        if self.first is None and shown is not None and shown.output_type == "display_data":
            self.first = nbformat.from_dict({**shown, "data": dict(shown.data)})
        return shown


def main(file: Path) -> None:
    notebook = nbformat.read(HERE / "examples" / "notebook.ipynb", as_version=4)
    sandbox = Sandbox("--interval", "1", "--approve-after", "0.5")
    with tempfile.TemporaryDirectory() as home:
        environment = {**sandbox.environment, "XDG_CONFIG_HOME": home, "HOME": home}
        watching = Watching(notebook, timeout=60, kernel_name="python3")
        watching.execute(env=environment)
    sandbox.stop()
    v4: Any = nbformat.v4
    waiting = v4.new_code_cell("client.login()", outputs=[watching.first])
    notebook.cells[1:1] = [v4.new_markdown_cell("While the login waits for its user:"), waiting]
    notebook.cells.insert(3, v4.new_markdown_cell("The same output, once the user has approved:"))
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    # Where credentials were for this run says nothing to a reader.
    file.write_text(page.replace(home, "/home/ada/.config"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
