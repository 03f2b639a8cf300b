"""The site: `make docs` builds it. README.md says with what, and why."""

import sys
from pathlib import Path

import tomllib

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "ext"))

project = "parallel-account"
version = tomllib.loads((HERE.parent / "Cargo.toml").read_text())["workspace"]["package"]["version"]
released = f"## {version}, unreleased" not in (HERE.parent / "CHANGELOG.md").read_text()
release = version if released else f"{version}, unreleased"
copyright = "the authors of parallel-account. MIT license"

extensions = ["myst_parser", "sphinx_design", "sphinx_copybutton", "diagrams", "reference", "pages"]
exclude_patterns = ["README.md", "ext", "static", "tools"]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
# The lexers that are installed know the languages here; what one cannot read is shown plain.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_use_index = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = "$ "
