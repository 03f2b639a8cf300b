"""No secret shows: not at the most verbose level, not in a traceback, not in a panic."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BUG = re.compile(
    r"parallel_account: a bug at bindings-python/src/[\w/]+\.rs:\d+:\d+\. Please report it\."
)


def test_canaries_at_the_most_verbose_level(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    verbose = {"RUST_LOG": "trace", "RUST_BACKTRACE": "full", "PYTHONASYNCIODEBUG": "1"}
    ran = subprocess.run(
        [sys.executable, "-X", "dev", Path(__file__).with_name("canaries.py"), secrets],
        env={**os.environ, **verbose},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    met = set(secrets.read_text().splitlines())
    assert len(met) > 50
    for secret in met:
        assert len(secret) > 10
        assert secret not in ran.stdout
    assert "DEBUG:asyncio:" in ran.stdout
    # The native module logs nothing; a panic says where it was, and no more.
    assert all(BUG.fullmatch(line) for line in ran.stderr.splitlines()), ran.stderr
    assert len(ran.stderr.splitlines()) == 3
