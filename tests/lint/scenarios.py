"""Checks the scenarios against their schema, and writes the index of their purposes.

scenarios.py [--write]: fails if a scenario breaks tests/scenarios/common/scenario.schema.json, if
what the schema lists is not what is there, or if the index is not current; with --write, writes
both anew. Needs jsonschema, as tests/lint/setup installs it.
"""

import json
import pathlib
import re
import sys

import jsonschema

ROOT = pathlib.Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"
SCHEMA = SCENARIOS / "common" / "scenario.schema.json"
INDEX = SCENARIOS / "INDEX.md"


def load(path):
    return json.loads(path.read_text())


def described(schema):
    """The schema, with what is listed elsewhere as it is there."""
    defaults = load(SCENARIOS / "common" / "defaults.json")
    schema["properties"]["store"]["oneOf"][0]["enum"] = sorted(defaults["stores"])
    schema["$defs"]["stepName"]["enum"] = sorted(defaults["steps"])
    codes = [row["code"] for row in load(ROOT / "errors.json")]
    schema["$defs"]["raised"]["properties"]["code"]["enum"] = codes
    return schema


def text(schema):
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def index(found):
    """A table of each folder's scenarios, in the order of the README's list of folders."""
    lines = [
        "# What each scenario is for",
        "",
        f"{len(found)} scenarios. Written by `tests/lint/scenarios.py --write` from their `why`.",
    ]
    areas = re.findall(r"^\| `(\w+)` \|", (SCENARIOS / "README.md").read_text(), re.MULTILINE)
    for area in dict.fromkeys([*areas, *(path.parent.name for path in found)]):
        rows = [(path, it) for path, it in found.items() if path.parent.name == area]
        if rows:
            lines += ["", f"## {area}", "", "| scenario | why |", "|---|---|"]
        for path, it in rows:
            why = it.get("why", "").replace("|", "\\|")
            lines.append(f"| [{path.stem}]({area}/{path.name}) | {why} |")
    return "\n".join(lines) + "\n"


def main(write):
    problems = []
    written = SCHEMA.read_text()
    schema = described(json.loads(written))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    # A schema that lets everything pass would be silent.
    if validator.is_valid({"name": "x", "why": "Y.", "server": [], "client": [{"cal": "login"}]}):
        problems.append("the schema lets an unknown field pass")
    found = {path: load(path) for path in sorted(SCENARIOS.glob("*/*.json"))}
    found = {path: it for path, it in found.items() if path.parent.name != "common"}
    for path, it in found.items():
        for error in validator.iter_errors(it):
            problems.append(f"{path.relative_to(ROOT)}: {error.json_path}: {error.message}")
        if it.get("name") != path.stem:
            problems.append(f"{path.relative_to(ROOT)}: its name is not the file's")
    for path, now in (SCHEMA, text(schema)), (INDEX, index(found)):
        if write:
            path.write_text(now)
        elif not path.exists() or path.read_text() != now:
            problems.append(f"{path.name} is not current: run tests/lint/scenarios --write")
    print("\n".join(problems) if problems else f"{len(found)} scenarios satisfy the schema")
    return len(problems)


sys.exit(main("--write" in sys.argv[1:]) > 0)
