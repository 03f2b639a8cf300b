#!/usr/bin/env bash
# Many processes in all languages share one login. --long for the long form.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
[ "${1:-}" = --long ] && export STRESS=long
cargo build --quiet -p parallel-account-sandbox
cargo build --quiet -p parallel-account --example stress-worker
export PARALLEL_ACCOUNT_SANDBOX=$CARGO_TARGET_DIR/debug/parallel-account-sandbox
workers="\"rust\": [\"$CARGO_TARGET_DIR/debug/examples/stress-worker\"]"

bindings-python/tools/setup
workers="$workers, \"python\": [\"$CARGO_TARGET_DIR/venv/bin/python\", \"tests/stress/worker.py\"]"

mkdir -p "$CARGO_TARGET_DIR/stress"
bindings-node/tools/install "$CARGO_TARGET_DIR/stress"
cp tests/stress/worker.mjs "$CARGO_TARGET_DIR/stress/"
workers="$workers, \"node\": [\"node\", \"$CARGO_TARGET_DIR/stress/worker.mjs\"]"

export STRESS_WORKERS="{$workers}"
exec python3 tests/stress/stress.py
