#!/usr/bin/env bash
# Many processes ask for one data key. --long for the long form; names of tests
# (Keys.test_one_key_for_all_processes_on_a_file) for some of them.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
if [ "${1:-}" = --long ]; then
    export KEYS=long
    shift
fi
here=$root/tests/keys
place=$CARGO_TARGET_DIR/keys
mkdir -p "$place"
build_sandbox
cargo build --quiet -p parallel-account-stores --features redis --example keys-worker
cargo build --quiet -p parallel-account-cli
export KEYS_COMMAND="[\"$CARGO_TARGET_DIR/debug/parallel-account\"]"
workers="\"rust\": [\"$CARGO_TARGET_DIR/debug/examples/keys-worker\"]"

bindings-python/tools/setup
python=$CARGO_TARGET_DIR/venv/bin/python
install_requirements "$CARGO_TARGET_DIR/venv" "$here/requirements.txt" "$place/requirements.txt"
workers="$workers, \"python\": [\"$python\", \"$here/worker.py\"]"

cp "$here/package.json" "$here/worker.mjs" "$place/"
bindings-node/tools/install "$place"
workers="$workers, \"node\": [\"node\", \"$place/worker.mjs\"]"

if [ "${SKIP_SWIFT:-}" != 1 ]; then
    swift_worker=(--package-path tests/stress/swift --scratch-path "$CARGO_TARGET_DIR/stress/swift")
    rm -f "$CARGO_TARGET_DIR/stress/swift/debug/keys-worker"
    bindings-swift/tools/library
    bindings-swift/tools/swift build "${swift_worker[@]}" --product keys-worker >/dev/null
    workers="$workers, \"swift\": [\"bindings-swift/tools/swift\", \"run\", \"--skip-build\", \"--quiet\""
    for argument in "${swift_worker[@]}" keys-worker; do workers="$workers, \"$argument\""; done
    workers="$workers]"
fi

export KEYS_WORKERS="{$workers}"
export PYTHONDONTWRITEBYTECODE=1
exec "$python" "$here/keys.py" "$@"
