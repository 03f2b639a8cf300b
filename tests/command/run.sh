#!/usr/bin/env bash
# The command, as cargo, pip and npm install it: transcripts, processes and pseudo-terminals.
# PARALLEL_ACCOUNT_COMMANDS='{"pip": ["…/parallel-account"]}' names what to run, and where it is not
# set, what is built. UPDATE=1 writes the transcripts and the picture anew, with the binary's output.
# The last line is `command: N passed, N failed`.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root/tests/command"

build_sandbox
cargo build --quiet -p parallel-account-cli
venv="$CARGO_TARGET_DIR/command/venv"
virtual_environment "$venv" requirements.txt

exec "$venv/bin/python" -B run.py "$@"
