"""Finds what is prose in a file: comments, documentation, Markdown, descriptions in JSON.

Code in it is left out: spans, fences, the names of parameters and links.
"""

import ast
import io
import re
import tokenize

SLASHES = (".rs", ".swift", ".ts", ".mts", ".cts", ".mjs", ".js", ".jsx", ".tsx", ".css")
HASHES = ("", ".sh", ".toml", ".yml", ".yaml")
CODE = re.compile(
    r"``.*?``|`[^`]*`?"  # spans, one that goes on in the next line included
    r"|\]\([^)]*\)|<[^>]*>|\{@link [^}]*\}|https?://\S*"
    r"|@param \w+|- Parameters? \w+|^\s*(?:///)?\s*- \w+:|^\s+\w+: (?=[A-Z])"
)
DESCRIBED = re.compile(r'"(?:why|doc|do|description|summary|\$comment)": "((?:[^"\\]|\\.)*)"')


def without_code(line):
    """The line with blanks in place of code, so that columns stay."""
    return CODE.sub(lambda match: " " * len(match[0]), line)


def of_markdown(text):
    fence = False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*(?:```|~~~)", line):
            fence = not fence
        elif not fence and not line.startswith("    "):
            yield number, 0, line


def of_slashes(text):
    block = fence = False
    for number, line in enumerate(text.splitlines(), 1):
        start = 0
        if not block:
            if match := re.search(r"(?:^|\s)//[/!]?", line):
                start = match.end()
            elif match := re.search(r"(?:^|\s)/\*", line):
                start, block = match.end(), True
            else:
                fence = False
                continue
        elif "*/" in line:
            line, block = line[: line.index("*/")], False
        if block and "*/" in line:
            line, block = line[: line.index("*/")], False
        if "```" in line[start:]:
            fence = not fence
        elif not fence:
            yield number, start, line[start:]


def of_hashes(text):
    for number, line in enumerate(text.splitlines(), 1):
        if (match := re.search(r"(?:^|\s)#(?: |$)", line)) and not line.startswith("#!"):
            yield number, match.end(), line[match.end() :]


def of_python(text):
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            yield row, column + 1, token.string[1:]
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for it in body if isinstance(body, list) else []:
            if isinstance(it, ast.Expr) and isinstance(getattr(it.value, "value", None), str):
                for number in range(it.lineno, it.end_lineno + 1):
                    line = lines[number - 1]
                    if "::" not in line and ">>>" not in line and " = " not in line:
                        yield number, 0, line


def of_json(text):
    for number, line in enumerate(text.splitlines(), 1):
        for match in DESCRIBED.finditer(line):
            yield number, match.start(1), match[1]


def prose(path, text):
    """Each piece of prose: its line, the column at which it begins, and itself without code."""
    kinds = {".md": of_markdown, ".json": of_json, ".py": of_python, ".pyi": of_python}
    kinds |= dict.fromkeys(SLASHES, of_slashes) | dict.fromkeys(HASHES, of_hashes)
    if path.suffix in kinds:
        for number, column, piece in kinds[path.suffix](text):
            yield number, column, without_code(piece)
