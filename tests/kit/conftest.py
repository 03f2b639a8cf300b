"""Runs a user's tests, written into an empty folder, with another pytest."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "tuple[dict[str, int], str]"]


@pytest.fixture
def run_pytest(tmp_path: Path) -> Run:
    def run(*arguments: str, **files: str) -> tuple[dict[str, int], str]:
        """What came of how many tests, and all that was said."""
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        options = ["-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        said = ended.stdout + ended.stderr
        last = said.strip().splitlines()[-1]
        counts = {word.rstrip("s"): int(n) for n, word in re.findall(r"(\d+) ([a-z]+)", last)}
        return counts, said

    return run
