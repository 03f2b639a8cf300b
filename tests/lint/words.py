"""Finds words that this project does not use, and says which it uses instead.

words.py [FILES]: those that git knows, unless some are named. Fails if it finds any. Spelling is
checked by typos; here are British words that it does not know, phrases that read as if translated,
where the field has a term, and names of code that stand in prose as words.

A line that has to say such a word, as it quotes somebody, is named in QUOTES.
"""

import pathlib
import re
import subprocess
import sys

from prose import prose

RULES = [
    # The field's terms.
    (r"\bma(?:de|k(?:e|es|ing)) no sense\b", '"is invalid" or "is malformed"'),
    (r"\b(?:is|are|was|were) over\b(?! \d)", '"has expired" or "has ended"'),
    (r"\bno such thing\b", '"was not found"'),
    (r"\bgo(?:es|ing)? on\b(?! on\b)|\bwent on\b", '"continue"'),
    (r"\buntried\b", '"untested"'),
    (r"\bpeople\b", '"users", or "a person" where no user is meant'),
    (r"\bmay not do\b", '"permission denied"'),
    (r"\blonger than nothing\b", '"greater than zero"'),
    (r"\ba whole number from 0 on\b", '"a non-negative integer"'),
    (r"\ball the same\b", '"still" or "anyway"'),
    (r"\blogged out here\b", '"logged out locally"'),
    (r"\b(?:lives|live) on\b", '"stays valid" or "continues"'),
    (r"\bas someone who may\b", '"as a user who has access"'),
    (r"\blook before you (?:repeat|call)\b", '"check before you retry"'),
    (r"\bbelongs to nobody\b", "what it belongs to, or that it outlives its callers"),
    (r"\bfor ever\b", '"forever"'),
    # The glossary.
    (r"(?-i:\b(?:client|Client) id\b)", '"client ID"'),
    # British spellings that the spelling checker does not find, as in words that it does not know.
    (
        r"(?:organis|optimis|recognis|serialis|initialis|normalis|authoris)(?:e[ds]?\b|ing\b|ation)",
        'the same with "z"',
    ),
    (r"\bmis-?spelt\b", '"misspelled"'),
    (r"\bmislabelled\b", '"mislabeled"'),
    (r"\b(?:whilst|amongst)\b", '"while" or "among"'),
    (r"\btowards\b", '"toward"'),
]
RULES = [(re.compile(rule, re.IGNORECASE), instead) for rule, instead in RULES]

# In prose alone, as prose.py finds it: code may say so.
PROSE = [
    (
        r"(?<![\w./@\"'=<:-])ids?(?![\w(\[=-]|\.\w|\"|'(?!s\b)|:\s*\d)",
        '"ID", or the name in backticks',
    ),
]
PROSE = [(re.compile(rule), instead) for rule, instead in PROSE]

QUOTES = [
    # Names of other libraries.
    "UnrecognisedName",
]

# What is written by others, or by programs.
SKIPPED = re.compile(
    r"(?:^|/)(?:THIRD-PARTY-LICENSES|package-lock\.json|[^/]*\.lock|LICENSE|words\.py|prose\.py)$"
    r"|\.(?:png|svg|ipynb)$|^bindings-swift/Sources/C?ParallelAccountFFI/"
)


def found(path, text):
    """Each word of `text` that a rule knows: its line, itself, and what to say instead."""
    for number, _, piece in prose(path, text):
        for rule, instead in PROSE:
            for match in rule.finditer(piece):
                yield number, match.group(), instead
    for number, line in enumerate(text.splitlines(), 1):
        for quote in QUOTES:
            line = line.replace(quote, "")
        for rule, instead in RULES:
            for match in rule.finditer(line):
                yield number, match.group(), instead


def main(names):
    if not names:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            capture_output=True,
            text=True,
            check=True,
        )
        names = [name for name in listed.stdout.split("\0") if name]
    count = 0
    for name in names:
        path = pathlib.Path(name)
        if SKIPPED.search(name) or not path.is_file() or path.is_symlink():
            continue
        for number, word, instead in found(path, path.read_text(errors="replace")):
            print(f'{name}:{number}: "{word}": say {instead}')
            count += 1
    return count


if __name__ == "__main__":
    found_count = main(sys.argv[1:])
    if found_count:
        print(f"{found_count} words. tests/lint/words.py has the rules.")
    sys.exit(found_count > 0)
