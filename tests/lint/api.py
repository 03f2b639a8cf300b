"""Compares the public surface of every language with tests/api.json.

api.py [LANGUAGES]: python, node, rust, swift, or those that are named. Whatever the table has, an
option, a call, what a custom store has, must be there under its name, and its documentation must
have the table's sentence; what the table does not have must not be there. A default that is written
in the code of a binding must be the table's; core/src/client/builder.rs compares the core's. Reads
sources alone. Needs jsonschema, as tests/lint/setup installs it.

A sentence's {unit}, {default}, {none} and {new} are in the language's own terms. "names" says what
an entry is called where that is not its name in the language's spelling; null: it is not there, and
"why".
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
SECTIONS = {
    "options": "option",
    "call_options": "option of a call",
    "login_options": "option of a login",
    "logout_options": "option of a logout",
    "store": "member of a store",
    "calls": "call",
}


# Each of these gives, by section, the documentation by the name in that language, and the defaults
# that are written in the code likewise.


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

    def arguments(function, documentation):
        """The keyword arguments of a function: what is said of each, and what it is by default."""
        listed = documentation.split("Args:\n")[1].split("\n\n")[0]
        entries = re.split(r"^    (?=\w+: )", listed, flags=re.MULTILINE)
        said = dict(entry.split(": ", 1) for entry in entries if entry.strip())
        pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        pairs = {it.arg: default for it, default in pairs if not it.arg.startswith("_")}
        defaults = {name: ast.literal_eval(default) for name, default in pairs.items()}
        given = {name: default for name, default in defaults.items() if default is not None}
        return {name: said.get(name, "") for name in pairs}, given

    client, own = methods("_async_client.py", "AsyncAccountClient")
    init = next(it for it in client.body if getattr(it, "name", None) == "__init__")
    base = methods("_client_base.py", "ClientBase")[1]
    sections = {"options": arguments(init, ast.get_docstring(client))}
    for section, call in (
        ("call_options", base["with_options"]),
        ("login_options", own["login"]),
        ("logout_options", own["logout"]),
    ):
        sections[section] = arguments(call, ast.get_docstring(call))
    store, members = methods("_stores.py", "CredentialStore")
    attributes = re.findall(r"attribute ``(\w+)``: (.*)", ast.get_docstring(store), re.DOTALL)
    sections["store"] = (documented(members) | dict(attributes), {})
    calls = documented(own) | documented(base)
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
    return sections | {"calls": (calls, {})}


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

    def block(path, head, item):
        text = (RUST / path).read_text()
        text = text[text.index(head) :].split("\n}\n")[0]
        return comments(text, item, r"\s*/// ?(.*)")

    field = r"    pub (?P<name>\w+):"
    found = {
        "options": options,
        "call_options": block("config.rs", "pub struct CallOptions", field),
        "login_options": block("login.rs", "pub struct LoginOptions", field),
        "logout_options": {},
        "store": block("store/mod.rs", "pub trait CredentialStore", r"    fn (?P<name>\w+)"),
        "calls": calls,
    }
    return {section: (it, {}) for section, it in found.items()}


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

    def fields(path, *interfaces):
        found = {}
        for interface in interfaces:
            found |= documented(block(path, f"interface {interface}"), field)
        return found

    field = r"(?:readonly )?(\w+)\?:"
    method = r"(?:async |readonly |get )?(\w+)(?=[(<:])"
    options = documented(block("options.ts", "interface AccountClientOptions"), field)
    calls = documented(block("client.ts", "class AccountClient"), method)
    for resource in RESOURCES:
        calls.pop(resource)
        name = {"oauth": "OAuthApi"}.get(resource, f"{resource.capitalize()}Api")
        found = documented(block("api.ts", f"class {name}"), method)
        calls |= {f"{resource}.{name}": text for name, text in found.items()}
    login = documented(block("login.ts", "class DeviceLogin"), method)
    calls |= {f"login.{name}": text for name, text in login.items()}
    logout = block("client.ts", "\n   * Revokes the login").split("@param options ")[1]
    logout = logout.split("*/")[0]
    logout = re.sub(r"^\s*\* ?", "", logout, flags=re.MULTILINE)
    store = block("credentialstore.ts", "interface CredentialStore")

    def default(path, *patterns):
        """What a piece of code says is the default, which the pattern finds."""
        text = (NODE / path).read_text()
        for pattern in patterns:
            match = re.search(pattern, text)
            if match:
                return json.loads(match[1].replace("_", ""))
        return f"not found in {path}"

    return {
        "options": (
            options,
            {"storeTimeout": default("options.ts", r"const STORE_TIMEOUT = ([\d_]+);")},
        ),
        "call_options": (
            fields("session.ts", "LimitOptions", "CallDefaults", "CallOptions"),
            {},
        ),
        "login_options": (
            fields("client.ts", "StartLoginOptions", "LoginOptions"),
            {"openBrowser": not default("client.ts", r"if \(openBrowser !== (\w+)\)")},
        ),
        "logout_options": (
            dict(re.findall(r"`(\w+)`: ([^.]*\.)", logout)),
            {"all": default("client.ts", r"all \?\? (\w+)")},
        ),
        "store": (
            documented(store, r"(?:readonly )?(\w+)(?=[(?:])"),
            {"cacheFor": default("options.ts", r"cacheFor \?\? ([\d_]+)")},
        ),
        "calls": (calls, {}),
    }


def of_swift():
    item = r"    public (?:func|var|let) (?P<name>\w+)"

    def block(path, *heads):
        text = (SWIFT / path).read_text()
        parts = re.split(r"^(?=(?:public|extension|private|internal) )", text, flags=re.MULTILINE)
        chosen = "".join(it for it in parts if it.startswith(heads))
        return comments(chosen, item, r"\s*/// ?(.*)")

    client = (SWIFT / "AccountClient.swift").read_text()

    def parameters(head):
        """The parameters of what begins with `head`: what is said of each, and its default."""
        before, after = client.split(head, 1)
        listed = before.rsplit("/// - Parameters:\n", 1)[1]
        listed = re.split(r"^ */// - (?:Throws|Returns):", listed, flags=re.MULTILINE)[0]
        entries = re.split(r"^ *///   - ", listed, flags=re.MULTILINE)[1:]
        said = dict(entry.split(": ", 1) for entry in entries)
        said = {
            name: re.sub(r"^\s*/// *", "", text, flags=re.MULTILINE) for name, text in said.items()
        }
        signature = re.split(r"\n    \)|\) (?:async )?throws", after, maxsplit=1)[0]
        names = re.findall(r"(?:^|[(,])\s*(\w+): ", signature, re.MULTILINE)
        defaults = re.findall(r"(\w+): [\w.]+ = (true|false|\d+)\b", signature)
        defaults = {name: json.loads(default) for name, default in defaults}
        return {name: said.get(name, "") for name in names}, defaults

    def seconds(name):
        text = (SWIFT / "Stores/CredentialStore.swift").read_text()
        written = re.search(rf"public var {name}: Duration {{ \.(zero|seconds\((\d+)\)) }}", text)
        return float(written[2] or 0) if written else "not found"

    def members():
        text = (SWIFT / "Stores/CredentialStore.swift").read_text()
        text = text.split("public protocol CredentialStore")[1].split("\n}\n")[0]
        return comments(text, r"    (?:func|var) (?P<name>\w+)", r"\s*/// ?(.*)")

    heads = ("public final class AccountClient", "extension AccountClient")
    calls = block("AccountClient.swift", *heads) | block("Resources/Resources.swift", heads[1])
    for resource in RESOURCES:
        calls.pop(resource)
        name = {"oauth": "OAuth"}.get(resource, resource.capitalize()) + "Resource"
        found = block("Resources/Resources.swift", f"public struct {name}")
        calls |= {f"{resource}.{name}": text for name, text in found.items()}
    login = block("DeviceLogin.swift", "public final class DeviceLogin")
    calls |= {f"login.{name}": text for name, text in login.items()}
    return {
        "options": parameters("public convenience init("),
        "call_options": parameters("public func with("),
        "login_options": parameters("public func login("),
        "logout_options": parameters("public func logout("),
        "store": (members(), {name: seconds(name) for name in ("timeout", "cacheFor")}),
        "calls": (calls, {}),
    }


LANGUAGES = {"python": of_python, "node": of_node, "rust": of_rust, "swift": of_swift}
NONE = {"python": "None", "node": "null", "rust": "`None`", "swift": "`nil`"}
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
    new = "next" if language == "node" else "new"
    terms = {"unit": UNITS[language], "default": default, "none": NONE[language], "new": new}
    return entry["doc"].format(**terms)


def plain(text):
    """Without markup and line breaks."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r":\w+:`([^`]*)`|\{@link ([^}]*)\}", r"\1\2", text)
    return " ".join(text.replace("`", "").split())


def compare(entries, found, defaults, language, kind):
    missing = []
    for entry in entries:
        name = named(entry, language)
        if name is None:
            continue
        if name not in found:
            missing.append(f"{language}: the {kind} {name} is missing")
            continue
        said = plain(found.pop(name))
        if name in defaults:
            factor = 1000 if language == "node" and entry.get("type") == "duration" else 1
            default = entry.get("default")
            wanted = default if isinstance(default, bool | None) else default * factor
            if defaults[name] != wanted:
                written = f"{defaults[name]!r} is its default in the code"
                missing.append(f"{language}: {kind} {name}: {written}, {wanted!r} in the table")
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
        found = LANGUAGES[language]()
        for section, kind in SECTIONS.items():
            documented, defaults = found[section]
            problems += compare(table[section], dict(documented), defaults, language, kind)
    print("\n".join(problems) if problems else "every language has what tests/api.json says")
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
