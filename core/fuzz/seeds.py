"""Writes the corpora and the dictionary that the fuzz targets start from, out of the scenarios.

seeds.py SCENARIOS OUT: OUT/corpus/NAME/* per target, OUT/words.dict.
"""

import base64
import contextlib
import email.utils
import hashlib
import json
import pathlib
import re
import sys

ANSWERS = ["device_code", "poll", "tokens", "api_error", "account"]
# Far off, so that a pending login has not expired.
NOW = 4_000_000_000
# JWEs: two that the target's key opens, another alg, zip, crit.
ENCRYPTED = [
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiayJ9..SpVUTxqt9OO3tVdA"
    ".QGZ9s__S7erk2yhJWA.Tcb7jTx9RvyJss7Ex4UlsA",
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiayIsInN1YiI6InVzZXItMS"
    "J9..AfC9N7nxiKO2xTUG.NVrArLOx_6sezTzr5A.XgWHXNmVGo8V2SkiZqYxMA",
    "eyJhbGciOiAiQTI1NktXIiwgImVuYyI6ICJBMjU2R0NNIiwgImtpZCI6ICJrIn0..AAAAA"
    "AAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
    "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMjU2R0NNIiwgImtpZCI6ICJrIiwgInppcCI6IC"
    "JERUYifQ..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
    "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMjU2R0NNIiwgImtpZCI6ICJvdGhlciIsICJjcm"
    "l0IjogWyJleHAiXSwgImV4cCI6IDF9..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
]
# Longer inputs only slow libFuzzer down.
LONGEST = 4096


def filled(value):
    """The templates that the sandbox would fill in."""
    if isinstance(value, dict):
        return {name: filled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    found = isinstance(value, str) and re.fullmatch(r"\{\{(\w+)([+-]\d+)\}\}", value)
    if not found:
        return value
    at = NOW + int(found[2])
    match found[1]:
        case "http_date":
            return email.utils.formatdate(at, usegmt=True)
        case "now_ms":
            return at * 1000
        case _:
            return at


def body(answer):
    if "json" in answer:
        return json.dumps(answer["json"]).encode()
    if "base64" in answer:
        return base64.b64decode(answer["base64"])
    repeat = answer.get("repeat", {"text": answer.get("text", ""), "times": 1})
    return (repeat["text"] * min(repeat["times"], LONGEST)).encode()[:LONGEST]


def text(record):
    if isinstance(record, dict) and isinstance(record.get("text"), str):
        return record["text"].encode()
    return record.encode() if isinstance(record, str) else json.dumps(record).encode()


def collect(value, seeds):
    """Sorts what is found anywhere in a scenario to the targets that read such things."""
    if isinstance(value, list):
        for inner in value:
            collect(inner, seeds)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        match name:
            case "answer" if isinstance(inner, dict):
                for target in ANSWERS:
                    seeds[target].add(body(inner))
                for header, said in inner.get("headers", {}).items():
                    if header == "retry-after":
                        seeds["retry_after"].add(said.encode())
            case "record":
                seeds["pending_record"].add(text(inner))
            case "store" if isinstance(inner, dict):
                seeds["store_record"].add(text(inner))
            case "stores":
                seeds["store_record"].update(text(record) for record in inner.values())
        collect(inner, seeds)


def words(value):
    """Names of fields and short texts: what the parsers look for."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield json.dumps(name)
            yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    elif isinstance(value, str) and len(value) <= 40:
        yield json.dumps(value)


def main(scenarios, out):
    targets = [*ANSWERS, "retry_after", "pending_record", "store_record", "encrypted_record"]
    seeds = {target: set() for target in targets}
    seeds["encrypted_record"].update(text.encode() for text in ENCRYPTED)
    for file in sorted(scenarios.rglob("*.json")):
        collect(filled(json.loads(file.read_text())), seeds)
    found = set()
    for target, inputs in seeds.items():
        folder = out / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for data in inputs:
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
            with contextlib.suppress(ValueError, RecursionError):
                found.update(words(json.loads(data)))
    # No answer may make the core repeat this one.
    found.add('"canary-secret"')
    lines = (re.sub(r'[\\"]', r"\\\g<0>", word) for word in sorted(found) if word.isascii())
    (out / "words.dict").write_text("".join(f'"{line}"\n' for line in lines))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
