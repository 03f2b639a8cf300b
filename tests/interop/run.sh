#!/usr/bin/env bash
# Runs Parallel's own command and its SDKs (PyPI: parallel-web-tools and parallel-web, npm:
# parallel-web) against the sandbox, with this library.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools.sh"
cd "$root"

if [ -z "${PARALLEL_ACCOUNT_SANDBOX:-}" ]; then
    cargo build --quiet -p parallel-account-sandbox
    export PARALLEL_ACCOUNT_SANDBOX="$CARGO_TARGET_DIR/debug/parallel-account-sandbox"
fi
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
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/"
fi
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

passed=0 failed=0
add() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

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
# shellcheck disable=SC2086
add ${counted:-0 1}

report=$place/node/report.tap
if node --test --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$report" "$place/node/built/sdk.test.js"; then
    status=0
else
    status=1
fi
node_passed=$(sed -n 's/^# pass //p' "$report" | tail -n 1)
node_failed=$(sed -n 's/^# \(fail\|cancelled\) //p' "$report" | awk '{sum += $1} END {print sum + 0}')
[ "$status" -ne 0 ] && [ "$node_failed" -eq 0 ] && node_failed=1
add "${node_passed:-0}" "$node_failed"

echo "interop: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
