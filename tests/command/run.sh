#!/usr/bin/env bash
# The command, as cargo, pip and npm install it: transcripts, processes and pseudo-terminals.
# PARALLEL_ACCOUNT_COMMANDS='{"pip": ["…/parallel-account"]}' names what to run; where it is not set,
# all three are built. UPDATE=1 writes the transcripts and the picture anew, with the binary's output.
# The last line is `command: N passed, N failed`.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root/tests/command"

build_sandbox
cargo build --quiet -p parallel-account-cli
if [ -z "${PARALLEL_ACCOUNT_COMMANDS:-}" ]; then
    "$root/bindings-python/tools/setup"
    "$root/bindings-node/tools/setup"
fi
venv="$CARGO_TARGET_DIR/command/venv"
virtual_environment "$venv" requirements.txt

exec "$venv/bin/python" -B run.py "$@"
