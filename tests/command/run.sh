#!/usr/bin/env bash
# The command, as cargo, pip and npm install it: transcripts, processes and pseudo-terminals.
# PARALLEL_ACCOUNT_COMMANDS='{"pip": ["…/parallel-account"]}' names what to run, and where it is not
# set, what is built. UPDATE=1 writes the transcripts and the picture anew, with the binary's output.
# The last line is `command: N passed, N failed`.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root/tests/command"

if [ -z "${PARALLEL_ACCOUNT_SANDBOX:-}" ]; then
    cargo build --quiet -p parallel-account-sandbox
    export PARALLEL_ACCOUNT_SANDBOX="$CARGO_TARGET_DIR/debug/parallel-account-sandbox"
fi
cargo build --quiet -p parallel-account-cli
venv="$CARGO_TARGET_DIR/command/venv"
if ! cmp -s requirements.txt "$venv/requirements"; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
    cp requirements.txt "$venv/requirements"
fi

exec "$venv/bin/python" -B run.py "$@"
