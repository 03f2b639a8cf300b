"""What the site and ARCHITECTURE.md name is in the code, spelled as it is there."""

from __future__ import annotations

import ast
import functools
import json
import re
import unittest
from collections.abc import Iterator
from pathlib import Path

from blocks import ROOT, files

SITE = [
    it
    for it in files()
    if it.is_relative_to(ROOT / "docs")
    and it.suffix == ".md"
    and it.name not in ("README.md", "python-libraries.md")
]
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
CODE = ("core", "bindings-python", "bindings-node", "bindings-swift", "testkit", "tests")
SOURCES = (".rs", ".py", ".pyi", ".ts", ".mjs", ".swift", ".json", ".toml", ".sh")
FILE = r"^[\w.-]+\.(?:rs|py|pyi|ts|mts|mjs|swift|sh|json|toml|yml|md)$"
HERE = Path(__file__).parent
# Names of others' programs, formats and systems.
FOREIGN = {
    "asarUnpack",
    "authorization_pending",
    "SSL_CERT_DIR",
    "invalid_grant",
    "expired_token",
    "slow_down",
    "noExternal",
    "serverExternalPackages",
    "outputFileTracingIncludes",
    "ITSAppUsesNonExemptEncryption",
    "updated_at",
    "SFSafariViewController",
    "PARALLEL_API_KEY",
    "parallel_web_tools",
    "WHERE",
    "user_id",
    "accTitle",
    "manylinux2014",
    "test_service",
}


def spans(path: Path) -> set[str]:
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return set(SPAN.findall(text))


@functools.cache
def words() -> set[str]:
    """Every word of the code."""
    found: set[str] = set()
    for path in files():
        code = path.relative_to(ROOT).parts[0] in CODE and path.suffix in SOURCES
        if code and path.parent != HERE:
            found |= set(re.findall(r"\w+", path.read_text(errors="replace")))
    return found


def named_paths(text: str) -> Iterator[str]:
    """The files and folders that spans and trees of a page name, below whatever folder."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    trees = [code for language, code in fence.findall(text) if not language]
    spans = re.findall(r"`([^`\n]+)`", fence.sub("", text))
    for word in " ".join([*trees, *spans]).split():
        word = word.strip(",;:()").rstrip("/")
        if re.search(r"[A-Z]{3}|://|[*<>{}$=…]|^[-/@~.]|^target/", word.replace("README", "")):
            continue
        if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", word) or re.search(FILE, word):
            yield word


def exists(name: str, *folders: Path) -> bool:
    return any((folder / name).exists() for folder in folders)


class Names(unittest.TestCase):
    def test_identifiers_are_in_the_code(self) -> None:
        for path in SITE:
            for span in spans(path):
                for name in re.findall(r"[A-Za-z]\w{3,}", span):
                    told = "_" in name or re.search(r"[a-z][A-Z]", name)
                    if told and name not in FOREIGN:
                        with self.subTest(page=path.name, span=span):
                            self.assertTrue(name in words(), f"the code has no {name}")

    def test_a_misspelled_name_is_noticed(self) -> None:
        self.assertFalse("clientNa" + "em" in words())
        self.assertTrue("clientName" in words())

    def test_paths_exist(self) -> None:
        bindings = sorted(ROOT.glob("bindings-*"))
        for path in SITE:
            for span in spans(path):
                if re.fullmatch(
                    r"(core|tests|examples|tools|bindings-\w+|docs)(/[\w.-]+)*/?", span
                ):
                    with self.subTest(page=path.name, path=span):
                        self.assertTrue(exists(span, ROOT, *bindings))

    def test_what_the_architecture_and_the_recipes_name_exists(self) -> None:
        paths = [it.relative_to(ROOT) for it in files()]
        there = {str(it) for path in paths for it in (path, *path.parents)}
        for page, at_least in ("ARCHITECTURE.md", 45), ("CONTRIBUTING.md", 120):
            named = set(named_paths((ROOT / page).read_text()))
            self.assertGreater(len(named), at_least)
            for name in sorted(named):
                with self.subTest(page=page, path=name):
                    found = any(it == name or it.endswith(f"/{name}") for it in there)
                    self.assertTrue(found, f"there is no {name}")

    def test_a_missing_path_is_noticed(self) -> None:
        text = "`core/NAME.rs` and `core/src/config.rs`, `a/b`, `PARALLEL_X=1 tests/lint/api x`"
        found = ["core/src/config.rs", "a/b", "tests/lint/api"]
        self.assertEqual(list(named_paths(text)), found)

    def test_make_targets_exist(self) -> None:
        makefile = (ROOT / "Makefile").read_text()
        for path in [*SITE, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
            for target in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)?)\b(?=[`\s])", path.read_text()):
                if f"`make {target}`" in path.read_text():
                    with self.subTest(page=path.name, target=target):
                        self.assertRegex(
                            makefile, rf"(?m)^(## make +)?{target.split('-')[0]}\b|test-%"
                        )


class Reference(unittest.TestCase):
    """The tables of the reference and the code have the same rows."""

    def column(self, number: int) -> set[str]:
        table = (ROOT / "docs/reference/options.md").read_text()
        rows = re.findall(r"^\| `.*$", table, re.MULTILINE)
        return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[number])}

    def test_python(self) -> None:
        module = ast.parse(
            (ROOT / "bindings-python/python/parallel_account/_client.py").read_text()
        )
        (client,) = (
            it for it in module.body if isinstance(it, ast.ClassDef) and it.name == "AccountClient"
        )
        (made,) = (
            it for it in client.body if isinstance(it, ast.FunctionDef) and it.name == "__init__"
        )
        options = {it.arg for it in made.args.kwonlyargs if it.arg[0] != "_"}
        self.assertEqual(self.column(1), options)

    def test_node(self) -> None:
        source = (ROOT / "bindings-node/ts/options.ts").read_text()
        body = re.search(r"export interface AccountClientOptions \{(.*?)^\}", source, re.M | re.S)
        assert body
        self.assertEqual(self.column(2), set(re.findall(r"^  (\w+)\?:", body[1], re.M)))

    def test_swift(self) -> None:
        path = ROOT / "bindings-swift/Sources/ParallelAccount/AccountClient.swift"
        made = re.search(
            r"public convenience init\((.*?)^    \) throws", path.read_text(), re.M | re.S
        )
        assert made
        self.assertEqual(self.column(3), set(re.findall(r"^        (\w+):", made[1], re.M)))

    def test_rust(self) -> None:
        source = (ROOT / "core/src/client/builder.rs").read_text()
        shown = re.sub(r"#\[doc\(hidden\)\]\n(?:    #.*\n)*    pub fn \w+", "", source)
        setters = set(re.findall(r"pub fn (\w+)\(mut self", shown))
        self.assertEqual(self.column(4), setters)

    def test_environment(self) -> None:
        page = (ROOT / "docs/reference/environment.md").read_text()
        named = set(re.findall(r"`([A-Z][A-Z_]+)`", page))
        read = set()
        for folder in ("core/src", "core/cli/src", "bindings-node/ts", "bindings-node/src"):
            for path in (ROOT / folder).rglob("*.*"):
                text = path.read_text(errors="replace").split("#[cfg(test)]")[0]
                read |= set(re.findall(r"\"((?:PARALLEL_|SSL_|NODE_EXTRA|SSH_)[A-Z_]+)\"", text))
        read = {it for it in read if "_TEST_" not in it}
        self.assertGreater(len(read), 6)
        self.assertLessEqual(read, named)

    def test_errors_say_what_to_do(self) -> None:
        for error in json.loads((ROOT / "tests/errors.json").read_text()):
            with self.subTest(code=error["code"]):
                self.assertRegex(error["do"], r"^[A-Z].*\.$")


if __name__ == "__main__":
    unittest.main()
