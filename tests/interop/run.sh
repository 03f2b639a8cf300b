#!/usr/bin/env bash
# Runs Parallel's own command and its SDKs (PyPI: parallel-web-tools and parallel-web, npm:
# parallel-web) against the sandbox, with this library.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools.sh"
cd "$root"

build_sandbox
if [ -z "${PARALLEL_ACCOUNT_WORKER:-}" ]; then
    cargo build --quiet -p parallel-account --example stress-worker
    export PARALLEL_ACCOUNT_WORKER="$CARGO_TARGET_DIR/debug/examples/stress-worker"
fi
place=$CARGO_TARGET_DIR/interop
mkdir -p "$place/node"

# The block of the SDK guide with this fence.
recipe() {
    awk -v fence="\`\`\`$1" '$0 == fence {inside = 1; next} inside && /^```/ {exit} inside' \
        docs/parallel-sdks.md >"$2"
    [ -s "$2" ] || missing "docs/parallel-sdks.md has no block '$1'."
}

venv=$place/venv
virtual_environment "$venv" "$here/requirements.txt"
export PARALLEL_CLI="$venv/bin/parallel-cli"
bindings-python/tools/setup
recipe "python" "$place/guide.py"
recipe "python use" "$place/guide_use.py"
recipe "python renewing" "$place/recipe.py"
recipe "python renewing-async" "$place/recipe_async.py"

cp "$here"/node/* "$place/node/"
bindings-node/tools/install "$place/node"
recipe "ts" "$place/node/guide.ts"
recipe "ts renewing" "$place/node/recipe.ts"
(cd "$place/node" && node_modules/.bin/tsc -p .)

# The binding is where its setup built it: this environment has none of its own.
python_tests() {
    PYTHONPATH="$here:$place:$root/bindings-python/python" PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" - <<'PYTHON'
import sys
import unittest

names = ["test_parallel_cli", "test_sdk"]
suite = unittest.defaultTestLoader.loadTestsFromNames(names)
result = unittest.TextTestRunner(verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors)
print(f"python {result.testsRun - failed} {failed}")
PYTHON
}
counted=$(python_tests | sed -n "s/^python //p") || true
read -r passed failed <<<"${counted:-0 1}"
node_tests "$place/node/built/sdk.test.js"
counts interop
