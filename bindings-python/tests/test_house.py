"""How the sources are built: the stub, and the files of the native module."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import parallel_account
from conftest import ROOT
from parallel_account import _native

HERE = Path(__file__).parents[1]
assert parallel_account.__file__
PACKAGE = Path(parallel_account.__file__).parent


def documented(kind: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """A class of the stub and what is in it, with what the stub says of it."""
    named = [(kind.name, kind)]
    named += [(f"{kind.name}.{it.name}", it) for it in kind.body if isinstance(it, ast.FunctionDef)]
    for name, node in named:
        if said := ast.get_docstring(node):
            yield name, said


def test_the_stub_says_of_models_what_the_native_module_says() -> None:
    """Editors show the stub's documentation, `help()` the module's own."""
    stub = ast.parse((PACKAGE / "_native.pyi").read_text())
    compared = 0
    for kind in stub.body:
        if not isinstance(kind, ast.ClassDef) or not hasattr(_native, kind.name):
            continue
        if not any(getattr(it, "id", None) in ("_Model", "_Answer") for it in kind.bases):
            continue
        for name, said in documented(kind):
            if own := inspect.getdoc(attrgetter(name)(_native)):
                assert " ".join(said.split()) == " ".join(own.split()), name
                compared += 1
    assert compared > 80


def test_files_of_the_native_module_import_each_other_in_no_circle() -> None:
    circles = ROOT / "tests" / "lint" / "circles.py"
    ended = subprocess.run([sys.executable, circles, HERE / "src"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
