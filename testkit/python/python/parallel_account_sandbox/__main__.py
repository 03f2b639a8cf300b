"""``python -m parallel_account_sandbox``: the command."""

from __future__ import annotations

import subprocess
import sys

from parallel_account_sandbox._program import SandboxError, sandbox_program


def main() -> int:
    """Runs the command with this one's arguments."""
    try:
        program = sandbox_program()
    except SandboxError as error:
        print(f"parallel-account-sandbox: {error}", file=sys.stderr)
        return 1
    try:
        return subprocess.run([program, *sys.argv[1:]], check=False).returncode
    except KeyboardInterrupt:
        # Ctrl-C has reached the command too.
        return 130


if __name__ == "__main__":
    sys.exit(main())
