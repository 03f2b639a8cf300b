"""Finds circles of imports between the files of a crate.

circles.py SOURCES: the folder that has lib.rs. Fails if files import each other in a circle.

A name that a module hands on is looked up in the file that defines it. Two things are no import:
handing on what a file's own children define, and a child that names its parent's type in order to
write methods for it.
"""

import pathlib
import re
import sys

NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)
TESTS = re.compile(
    r"^#\[cfg\((?:test|all\(test\b[^\n]*)\)\]\nmod \w+ \{.*", re.DOTALL | re.MULTILINE
)
USE = re.compile(r"^[ \t]*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", re.MULTILINE)
PATH = re.compile(r"(?<![\w:])[a-z_]\w*(?:::\w+)+")
CHILD = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))? )?mod (\w+);", re.MULTILINE)
IMPL = re.compile(r"^impl(?:<[^>]*>)? (\w+)(?:<[^{]*>)?\s*(?:where[^{]*)?\{", re.MULTILINE)


def split(tree):
    """The parts of `a, b::{c, d}, e`."""
    depth, part = 0, ""
    for char in tree:
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            yield part
            part = ""
        else:
            part += char
    yield part


def leaves(tree, before=()):
    """Each path of a use tree, with the name that it gets."""
    tree = tree.strip()
    if not tree:
        return
    head, brace, rest = tree.partition("{")
    if brace:
        start = [part for part in head.strip().removesuffix("::").split("::") if part]
        for part in split(rest.rsplit("}", 1)[0]):
            yield from leaves(part, (*before, *start))
        return
    path, _, alias = tree.partition(" as ")
    parts = [*before, *(part.strip() for part in path.split("::"))]
    if parts[-1] == "self":
        parts.pop()
    yield tuple(parts), alias.strip() or parts[-1]


class File:
    """One file, which is one module."""

    def __init__(self, path, root):
        self.path = path.relative_to(root)
        parts = self.path.with_suffix("").parts
        self.module = () if parts == ("lib",) else parts[:-1] if parts[-1] == "mod" else parts
        text = NOISE.sub("", path.read_text())
        text = TESTS.sub("", text)
        self.children = set(CHILD.findall(text))
        self.impls = set(IMPL.findall(text))
        self.uses = [
            (bool(public), path, name)
            for public, tree in USE.findall(text)
            for path, name in leaves(tree)
        ]
        self.names = {name: path for _, path, name in self.uses}
        code = USE.sub("", text)
        self.paths = {tuple(found.split("::")) for found in PATH.findall(code)}

    def absolute(self, path):
        """`path` from the crate's root on, or nothing where it leaves the crate."""
        match path[0]:
            case "crate":
                return path[1:]
            case "self":
                return self.module + path[1:]
            case "super":
                module = self.module
                while path and path[0] == "super":
                    module, path = module[:-1], path[1:]
                return module + path
            case child if child in self.children:
                return self.module + path
        return None


def defining(modules, path):
    """The module that defines what `path` names, and the name of it there."""
    module = ()
    for number, part in enumerate(path):
        if (*module, part) in modules:
            module += (part,)
            continue
        handed_on = modules[module].names.get(part)
        if handed_on and (origin := modules[module].absolute(handed_on)) is not None:
            return defining(modules, origin + path[number + 1 :])
        return module, part
    return module, None


def imports(modules, file):
    """The modules that a file needs, and what it needs of each."""
    needed = {}
    uses = [(path, public) for public, path, _ in file.uses]
    for path, public in [*uses, *((path, False) for path in file.paths)]:
        origin = file.absolute(path)
        if origin is None:
            continue
        module, name = defining(modules, origin)
        within = module[: len(file.module)] == file.module
        own_type = name in file.impls and file.module[: len(module)] == module
        if module == file.module or (public and within) or own_type:
            continue
        needed.setdefault(module, set()).add(name or "(all)")
    return needed


def circles(graph):
    """Tarjan's strongly connected components of more than one file."""
    number, low, stack, found = {}, {}, [], []

    def visit(module):
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in graph[module]:
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            at = stack.index(module)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for module in graph:
        if module not in number:
            visit(module)
    return found


def main(root):
    paths = [
        path for path in sorted(root.rglob("*.rs")) if "tests" not in path.with_suffix("").parts
    ]
    files = [File(path, root) for path in paths]
    modules = {file.module: file for file in files}
    if () not in modules:
        sys.exit(f"There is no lib.rs in {root}. Name the folder that has it.")
    graph = {module: imports(modules, file) for module, file in modules.items()}
    found = circles(graph)
    for circle in found:
        print(f"{len(circle)} files import each other in a circle:")
        for module in circle:
            for other in sorted(set(graph[module]) & set(circle)):
                names = ", ".join(sorted(graph[module][other]))
                print(f"    {modules[module].path} -> {modules[other].path}: {names}")
    print(f"{root}: {len(files)} files, {len(found)} circles")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
