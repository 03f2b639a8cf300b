"""Compares the public surface of every language with tests/api.json.

api.py [LANGUAGES]: python, node, rust, swift, or those that are named. Every call and every option
of a client that the table has must be there under its name, and its documentation must have the
table's sentence; what the table does not have must not be there. Reads sources alone. Needs
jsonschema, as tests/lint/setup installs it.

A sentence's {unit} and {default} are in the language's own terms. "names" says what an entry is
called where that is not its name in the language's spelling; null: it is not there, and "why".
"""

import ast
import json
import pathlib
import re
import sys

import jsonschema

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = ROOT / "bindings-python" / "python" / "parallel_account"
NODE = ROOT / "bindings-node" / "ts"
SWIFT = ROOT / "bindings-swift" / "Sources" / "ParallelAccount"
RUST = ROOT / "core" / "src"
TABLE = ["api.json", "api.schema.json"]
RESOURCES = ["balance", "apps", "keys", "oauth"]


# Each of these gives (options, calls): the documentation by the name in that language.


def of_python():
    def methods(path, name):
        module = ast.parse((PYTHON / path).read_text())
        kind = next(it for it in module.body if getattr(it, "name", None) == name)
        functions = (
            it for it in kind.body if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef)
        )
        return kind, {it.name: it for it in functions if not it.name.startswith("__")}

    def documented(found):
        public = {name: it for name, it in found.items() if not name.startswith("_")}
        return {name: ast.get_docstring(it) or "" for name, it in public.items()}

    client, own = methods("_async_client.py", "AsyncAccountClient")
    init = next(it for it in client.body if getattr(it, "name", None) == "__init__")
    arguments = ast.get_docstring(client).split("Args:\n")[1].split("\n\nRaises:")[0]
    entries = re.split(r"^    (?=\w+: )", arguments, flags=re.MULTILINE)
    said = dict(entry.split(": ", 1) for entry in entries if entry.strip())
    names = [it.arg for it in init.args.kwonlyargs if not it.arg.startswith("_")]
    calls = documented(own) | documented(methods("_client_base.py", "ClientBase")[1])
    for resource in RESOURCES:
        calls.pop(resource)
        name = {"balance": "AsyncBalanceApi", "oauth": "AsyncOAuth"}.get(
            resource, f"Async{resource.capitalize()}"
        )
        found = documented(methods("_async_resources.py", name)[1])
        found.pop("with_raw_response", None)
        calls |= {f"{resource}.{name}": text for name, text in found.items()}
    login = documented(methods("_login.py", "AnyLogin")[1])
    login |= documented(methods("_login.py", "AsyncDeviceLogin")[1])
    calls |= {f"login.{name}": text for name, text in login.items()}
    return {name: said.get(name, "") for name in names}, calls


def comments(text, item, comment):
    """What is documented above each line that `item` matches, by the name that it finds."""
    found, above = {}, []
    for line in text.splitlines():
        if said := re.match(comment, line):
            above.append(said[1])
        elif name := re.match(item, line):
            found.setdefault(name["name"], "\n".join(above))
            above = []
        else:
            above = above if line.lstrip().startswith(("#[", "@")) else []
            if line.lstrip().startswith("#[doc(hidden)]"):
                above = ["HIDDEN"]
    return {name: text for name, text in found.items() if "HIDDEN" not in text}


def of_rust():
    item = r"    pub (?:async )?fn (?P<name>\w+)"

    def documented(path):
        text = (RUST / path).read_text()
        # Without what builds options, which is documented at its fields.
        text = "\n".join(
            part
            for part in re.split(r"^(?=impl)", text, flags=re.MULTILINE)
            if not re.match(r"impl (?:LoginOptions|fmt::)", part)
        )
        return comments(text, item, r"\s*/// ?(.*)")

    options = documented("client/builder.rs")
    for name in ("builder", "build"):
        options.pop(name)
    calls = {}
    for path in ("client/mod.rs", "client/logout.rs", "client/api_key.rs"):
        calls |= documented(path)
    for resource in RESOURCES:
        found = documented(f"client/{resource}.rs")
        found.pop(resource)
        calls |= {f"{resource}.{name}": text for name, text in found.items()}
    calls |= {f"login.{name}": text for name, text in documented("login.rs").items()}
    return options, calls


def of_node():
    def documented(text, item):
        found = {}
        for said, name in re.findall(r"/\*\*((?:(?!\*/).)*)\*/\n  " + item, text, re.DOTALL):
            if "@internal" not in said and name != "constructor":
                found.setdefault(name, re.sub(r"^\s*\* ?", "", said, flags=re.MULTILINE))
        return found

    def block(path, head):
        text = (NODE / path).read_text()
        return text[text.index(head) :].split("\n}\n")[0]

    field = r"(\w+)\?:"
    method = r"(?:async |readonly |get )?(\w+)(?=[(<:])"
    options = documented(block("options.ts", "interface AccountClientOptions"), field)
    calls = documented(block("client.ts", "class AccountClient"), method)
    for resource in RESOURCES:
        calls.pop(resource)
        name = {"oauth": "OAuthApi"}.get(resource, f"{resource.capitalize()}Api")
        found = documented(block("api.ts", f"class {name}"), method)
        calls |= {f"{resource}.{name}": text for name, text in found.items()}
    login = documented(block("login.ts", "class DeviceLogin"), method)
    return options, calls | {f"login.{name}": text for name, text in login.items()}


def of_swift():
    item = r"    public (?:func|var|let) (?P<name>\w+)"

    def block(path, *heads):
        text = (SWIFT / path).read_text()
        parts = re.split(r"^(?=(?:public|extension|private|internal) )", text, flags=re.MULTILINE)
        chosen = "".join(it for it in parts if it.startswith(heads))
        return comments(chosen, item, r"\s*/// ?(.*)")

    client = (SWIFT / "AccountClient.swift").read_text()
    parameters = client.split("/// - Parameters:\n")[1].split("/// - Throws:")[0]
    entries = re.split(r"^ *///   - ", parameters, flags=re.MULTILINE)[1:]
    options = dict(entry.split(": ", 1) for entry in entries)
    options = {
        name: re.sub(r"^\s*/// *", "", said, flags=re.MULTILINE) for name, said in options.items()
    }
    heads = ("public final class AccountClient", "extension AccountClient")
    calls = block("AccountClient.swift", *heads) | block("Resources/Resources.swift", heads[1])
    for resource in RESOURCES:
        calls.pop(resource)
        name = {"oauth": "OAuth"}.get(resource, resource.capitalize()) + "Resource"
        found = block("Resources/Resources.swift", f"public struct {name}")
        calls |= {f"{resource}.{name}": text for name, text in found.items()}
    login = block("DeviceLogin.swift", "public final class DeviceLogin")
    return options, calls | {f"login.{name}": text for name, text in login.items()}


LANGUAGES = {"python": of_python, "node": of_node, "rust": of_rust, "swift": of_swift}
UNITS = {"python": ", in seconds", "node": ", in milliseconds", "rust": "", "swift": ""}


def spelled(name, language):
    """`verification_uri` as the language spells it."""
    if language not in ("node", "swift"):
        return name
    first, *rest = name.split("_")
    words = [first, *(word.capitalize() for word in rest)]
    if language == "swift":
        words = [{"Id": "ID", "Url": "URL", "Uri": "URI"}.get(word, word) for word in words]
    return "".join(words)


def named(entry, language):
    """What the entry is called in the language, or None where it is not there."""
    names = entry.get("names", {})
    name = names.get(language, entry["name"]) if language in names else entry["name"]
    if name is None:
        return None
    *before, last = name.split(".")
    if language in names and before == [] and "." in entry["name"]:
        before = entry["name"].split(".")[:-1]
    return ".".join([*before, spelled(last, language)])


def sentence(entry, language):
    """What the documentation must say; it may add to it."""
    default = entry.get("default")
    if entry.get("type") == "duration" and default is not None:
        default = {"node": f"{default * 1000:,}", "python": f"{default}"}.get(
            language, f"{default} s"
        )
    return entry["doc"].format(unit=UNITS[language], default=default)


def plain(text):
    """Without markup and line breaks."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r":\w+:`([^`]*)`|\{@link ([^}]*)\}", r"\1\2", text)
    return " ".join(text.replace("`", "").split())


def compare(entries, found, language, kind):
    missing = []
    for entry in entries:
        name = named(entry, language)
        if name is None:
            continue
        if name not in found:
            missing.append(f"{language}: the {kind} {name} is missing")
            continue
        said = plain(found.pop(name))
        wanted = [sentence(entry, language), *entry.get("arguments", {}).values()]
        missing += [
            f"{language}: {kind} {name}: its documentation should have: {it}"
            for it in wanted
            if plain(it).rstrip(".") not in said
        ]
    return missing + [f"{language}: the {kind} {name} is not in tests/api.json" for name in found]


def main(languages):
    table, schema = (json.loads((ROOT / "tests" / it).read_text()) for it in TABLE)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(table)
    problems = [f"tests/api.json: {it.json_path}: {it.message}" for it in errors]
    for language in languages or LANGUAGES:
        options, calls = LANGUAGES[language]()
        problems += compare(table["options"], dict(options), language, "option")
        problems += compare(table["calls"], dict(calls), language, "call")
    print("\n".join(problems) if problems else "every language has what tests/api.json says")
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
