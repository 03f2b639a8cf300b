#!/usr/bin/env bash
# Many processes in all languages share one login. --long for the long form.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
if [ "${1:-}" = --long ]; then
    export STRESS=long
    CLIENTS=10000 cargo test --quiet -p parallel-account --test engine \
        any_number_of_clients -- --nocapture
fi
build_sandbox
cargo build --quiet -p parallel-account --example stress-worker
workers="\"rust\": [\"$CARGO_TARGET_DIR/debug/examples/stress-worker\"]"

bindings-python/tools/setup
workers="$workers, \"python\": [\"$CARGO_TARGET_DIR/venv/bin/python\", \"tests/stress/worker.py\"]"

mkdir -p "$CARGO_TARGET_DIR/stress"
bindings-node/tools/install "$CARGO_TARGET_DIR/stress"
cp tests/stress/worker.mjs "$CARGO_TARGET_DIR/stress/"
workers="$workers, \"node\": [\"node\", \"$CARGO_TARGET_DIR/stress/worker.mjs\"]"

if [ "${SKIP_SWIFT:-}" != 1 ]; then
    # Built once; each worker then only runs what is there.
    swift_worker=(--package-path tests/stress/swift --scratch-path "$CARGO_TARGET_DIR/stress/swift")
    rm -f "$CARGO_TARGET_DIR/stress/swift/debug/worker"
    bindings-swift/tools/library
    bindings-swift/tools/swift build "${swift_worker[@]}" >/dev/null
    workers="$workers, \"swift\": [\"bindings-swift/tools/swift\", \"run\", \"--skip-build\", \"--quiet\""
    for argument in "${swift_worker[@]}" worker; do workers="$workers, \"$argument\""; done
    workers="$workers]"
fi

export STRESS_WORKERS="{$workers}"
exec python3 tests/stress/stress.py
