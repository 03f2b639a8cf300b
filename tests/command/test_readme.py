"""The README's recipes work as they are written."""

import os
import pathlib
import re
import shlex
import subprocess

from surroundings import COMMAND, Case

README = pathlib.Path(__file__).parent.parent.parent / "core/cli/README.md"


class Recipes(Case):
    def test_every_shell_block_runs(self):
        blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(blocks), 4)
        folder = self.around.home / "bin"
        folder.mkdir()
        script = folder / "parallel-account"
        script.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
        script.chmod(0o755)
        path = f"{folder}:{os.environ['PATH']}"
        for block in blocks:
            with self.subTest(block):
                done = subprocess.run(
                    ["sh", "-eu", "-c", block],
                    env=self.around.environment | {"PATH": path},
                    cwd=self.around.home,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=120,
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
