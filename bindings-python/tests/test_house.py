"""How the sources are built: the two façades, and the files of the native module."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import parallel_account
from conftest import ROOT
from parallel_account import _native

HERE = Path(__file__).parents[1]
assert parallel_account.__file__
PACKAGE = Path(parallel_account.__file__).parent


NAMES = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
WORDS = ("async_", "Async", "Blocking")


class Blocking(ast.NodeTransformer):
    """Turns what is asynchronous into what blocks, and nothing else."""

    def name(self, name: str) -> str:
        for word, instead in (*NAMES.items(), *dict.fromkeys(WORDS, "").items()):
            name = name.replace(word, instead)
        return name

    def visit_Await(self, node: ast.Await) -> Any:
        return self.visit(node.value)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return self.visit(ast.FunctionDef(**dict(ast.iter_fields(node))))

    def generic_visit(self, node: ast.AST) -> Any:
        for field in ("name", "id", "attr", "module"):
            if isinstance(text := getattr(node, field, None), str):
                setattr(node, field, ".".join(map(self.name, text.split("."))))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = self.name(node.value.replace("await ", ""))
        if isinstance(node, (ast.Module, ast.ClassDef)):
            del node.body[0]  # Its docstring says which of the two it is.
        super().generic_visit(node)
        if isinstance(node, ast.ImportFrom):
            node.names.sort(key=lambda it: it.name)
        return node


def tree(path: Path) -> str:
    # Imports are sorted by the names that they have in each file.
    module = ast.parse(path.read_text())
    imports = [it for it in module.body if isinstance(it, (ast.Import, ast.ImportFrom))]
    module.body = [it for it in module.body if it not in imports]
    names = [Blocking().visit(it) for it in imports]
    text = sorted(ast.dump(it) for it in names)
    return "\n".join([*text, ast.dump(Blocking().visit(module), indent=1)])


@pytest.mark.parametrize("name", ["client", "resources", "protocols"])
def test_the_facades_differ_by_async_and_await_only(name: str) -> None:
    assert tree(PACKAGE / f"_async_{name}.py") == tree(PACKAGE / f"_{name}.py")


def test_the_comparison_of_facades_sees_differences(tmp_path: Path) -> None:
    source = (PACKAGE / "_async_client.py").read_text()
    for old, new in [
        ("timeout=timeout", "timeout=None"),
        ("Revokes and forgets", "Revokes or forgets"),
        ("max_retries: int", "max_retries: str"),
    ]:
        changed = tmp_path / "changed.py"
        changed.write_text(source.replace(old, new, 1))
        assert tree(changed) != tree(PACKAGE / "_client.py")


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
