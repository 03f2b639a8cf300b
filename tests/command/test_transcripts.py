"""The transcripts: what each subcommand prints, byte by byte, whoever runs it.

A transcript is a file of lines:

    # a comment
    * options {"org_name": "A"}   a request to the sandbox's control surface, before the command
    & deny {"wait": 30}           the same, while the next command runs
    @ NAME=value                  a variable for the next command
    < text                        a line of its standard input
    $ parallel-account status     the command, with a shell's quotes
    > text                        a line of its standard output
    ! text                        a line of its standard error
    = 3                           its exit code, unless it is 0

What differs from run to run has a name in braces. Those with a number can be used in later
commands. UPDATE=1 writes the transcripts anew.
"""

import json
import os
import pathlib
import re
import shlex
import threading
import unittest

from surroundings import Surroundings, post

TRANSCRIPTS = pathlib.Path(__file__).parent / "transcripts"

VARYING = [
    (r"at_[0-9a-f]{20,}", "access-token"),
    (r"psk_[0-9a-f]{20,}", "api-key"),
    (r"psk_…[0-9a-f]{4}", "hidden-key"),
    (r"(?!123e4567)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "uuid"),
    (r"client_[0-9a-f]{20,}", "client"),
    (r"\b[0-9a-f]{32}\b", "idempotency-key"),
    (r"\b[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}\b", "code"),
    (r"\b1[78]\d{8}\b", "time"),
    (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "date"),
    (r"\breq_[0-9a-f]{12}\b", "request"),
    (r'(?<="expires_in":)\d+', "seconds"),
    (r"auth-http-[a-z0-9-]+\.json", "file"),
]


class Names:
    """What varies, by its name, and back."""

    def __init__(self, around):
        self.fixed = [
            (around.base, "{base}"),
            (around.base.removeprefix("http://"), "{host}"),
            (str(around.home), "{home}"),
        ]
        self.seen = {}

    def hide(self, text):
        for value, name in self.fixed:
            text = text.replace(value, name)
        for pattern, name in VARYING:
            text = re.sub(pattern, lambda found, name=name: self.name(name, found[0]), text)
        return text

    def name(self, kind, value):
        if kind in ("hidden-key", "time", "date", "file", "request", "seconds"):
            return "{" + kind + "}"
        values = self.seen.setdefault(kind, [])
        if value not in values:
            values.append(value)
        return f"{{{kind}-{values.index(value) + 1}}}"

    def show(self, text):
        for value, name in self.fixed:
            text = text.replace(name, value)
        for kind, values in self.seen.items():
            for number, value in enumerate(values, 1):
                text = text.replace(f"{{{kind}-{number}}}", value)
        return text


def prefixed(mark, text):
    """The lines of `text`; a last one without its newline shows that."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        lines[-1] += "{no newline}"
    return [f"{mark} {line}".rstrip(" ") for line in lines]


def play(path):
    """The transcript as it would be now."""
    around = Surroundings("--approve-after", "0")
    try:
        return replay(around, path.read_text().splitlines())
    finally:
        around.close()


def replay(around, lines):
    names = Names(around)
    played, environment, typed, meanwhile = [], {}, [], []
    for line in lines:
        mark, _, rest = line.partition(" ")
        if mark in (">", "!", "="):
            continue
        played.append(line)
        if mark == "*":
            control(around, names, rest)
        elif mark == "&":
            meanwhile.append(rest)
        elif mark == "@":
            name, _, value = rest.partition("=")
            environment[name] = names.show(value)
        elif mark == "<":
            typed.append(rest + "\n")
        elif mark == "$":
            name, *arguments = shlex.split(names.show(rest))
            assert name == "parallel-account", line
            threads = [
                threading.Thread(target=control, args=(around, names, request))
                for request in meanwhile
            ]
            for thread in threads:
                thread.start()
            out, err, code = around.run(*arguments, input="".join(typed), env=environment)
            for thread in threads:
                thread.join()
            played += prefixed(">", names.hide(out)) + prefixed("!", names.hide(err))
            if code != 0:
                played.append(f"= {code}")
            environment, typed, meanwhile = {}, [], []
        else:
            assert mark in ("#", ""), line
    return "\n".join(played) + "\n"


def control(around, names, request):
    route, _, body = request.partition(" ")
    post(f"{around.control}/{route}", json.loads(names.show(body) or "{}"))


class Transcripts(unittest.TestCase):
    maxDiff = None


def test_of(path):
    def test(self):
        played = play(path)
        if os.environ.get("UPDATE") == "1":
            path.write_text(played)
        self.assertEqual(path.read_text(), played)

    return test


for file in sorted(TRANSCRIPTS.glob("*.txt")):
    setattr(Transcripts, f"test_{file.stem}", test_of(file))
