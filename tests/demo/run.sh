#!/usr/bin/env bash
# Runs the demo's programs against what can go wrong.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
build_sandbox
cargo build --quiet -p parallel-account --example demo
bindings-python/tools/setup
mkdir -p "$CARGO_TARGET_DIR/demo"
bindings-node/tools/install "$CARGO_TARGET_DIR/demo"
cp bindings-node/examples/demo.mjs "$CARGO_TARGET_DIR/demo/"
demos="\"Rust\": [\"$CARGO_TARGET_DIR/debug/examples/demo\"]"
demos="$demos, \"Python\": [\"$CARGO_TARGET_DIR/venv/bin/python\", \"bindings-python/examples/demo.py\"]"
demos="$demos, \"Node\": [\"node\", \"$CARGO_TARGET_DIR/demo/demo.mjs\"]"
[ "${SKIP_SWIFT:-}" = 1 ] || demos="$demos, \"Swift\": [\"bindings-swift/tools/demo\"]"
export DEMOS="{$demos}"
exec python3 tests/demo/bad_input.py
