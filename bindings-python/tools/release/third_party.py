#!/usr/bin/env python3
"""Writes THIRD-PARTY-LICENSES: what is linked into a wheel on any platform, and its terms.

For this package, and for the sandbox's. With --check, only says whether the files are what it would
write.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
# A crate, the file for its wheel, and what it is there.
WHEELS = [
    ("parallel-account-python", HERE, "The native module of parallel-account"),
    ("parallel-account-sandbox", HERE.parent / "testkit/python", "The parallel-account-sandbox"),
]
TERMS = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT)", re.IGNORECASE)
MIT = re.compile(r"Permission is hereby granted, free of charge, to any\s+person")


def linked(crate: str) -> list[dict]:
    """The packages that code of the wheel comes from, first by name."""
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    metadata = json.loads(subprocess.check_output(command, cwd=HERE))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    (root,) = (it["id"] for it in packages.values() if it["name"] == crate)
    found, open_ids = set(), [root]
    while open_ids:
        here = open_ids.pop()
        kinds = {kind for target in packages[here]["targets"] for kind in target["kind"]}
        if here in found or "proc-macro" in kinds:
            continue
        found.add(here)
        for dependency in nodes[here]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                open_ids.append(dependency["pkg"])
    outside = (packages[it] for it in found if packages[it]["source"])
    return sorted(outside, key=lambda it: (it["name"], it["version"]))


def terms(package: dict) -> list[str]:
    """The texts that apply: MIT's alone where there is a choice."""
    folder = Path(package["manifest_path"]).parent
    files = sorted(it for it in folder.iterdir() if TERMS.match(it.name) and it.is_file())
    texts = [it.read_text(encoding="utf-8").strip() for it in files]
    if re.search(r"\bOR\b|/", package["license"] or "") and " AND " not in package["license"]:
        texts = [text for text in texts if MIT.search(text)][:1] or texts
    return texts


def document(crate: str, what: str) -> str:
    by_text: dict[str, list[str]] = {}
    for package in linked(crate):
        name = f"{package['name']} {package['version']}: {package['license']}"
        text = "\n\n".join(terms(package)) or "(The package has no text of its own.)"
        by_text.setdefault(text, []).append(name)
    head = (
        f"{what} is linked from these packages of crates.io.\n"
        "tools/release/third_party.py wrote this file.\n"
    )
    parts = ["\n".join(names) + "\n\n" + text for text, names in by_text.items()]
    rule = "\n\n" + "-" * 80 + "\n\n"
    lines = (head + rule + rule.join(parts)).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    for crate, folder, what in WHEELS:
        file = folder / "THIRD-PARTY-LICENSES"
        text = document(crate, what)
        if sys.argv[1:] != ["--check"]:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            sys.exit(f"{file} is not up to date: run tools/release/third_party.py")
