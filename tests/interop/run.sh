#!/usr/bin/env bash
# Runs Parallel's own command (PyPI: parallel-web-tools) against the sandbox.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
target="${CARGO_TARGET_DIR:-$root/target}"

if [ -z "${PARALLEL_ACCOUNT_SANDBOX:-}" ]; then
  (cd "$root" && cargo build --quiet -p parallel-account-sandbox)
  export PARALLEL_ACCOUNT_SANDBOX="$target/debug/parallel-account-sandbox"
fi
if [ -z "${PARALLEL_ACCOUNT_WORKER:-}" ]; then
  (cd "$root" && cargo build --quiet -p parallel-account --example stress-worker)
  export PARALLEL_ACCOUNT_WORKER="$target/debug/examples/stress-worker"
fi
venv="$target/interop/venv"
if [ ! -x "$venv/bin/parallel-cli" ]; then
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check parallel-web-tools==0.9.4
fi
export PARALLEL_CLI="$venv/bin/parallel-cli"

exec "$venv/bin/python" - <<'PYTHON'
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, ".")
suite = unittest.defaultTestLoader.loadTestsFromName("test_parallel_cli")
result = unittest.TextTestRunner(verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors)
print(f"interop: {result.testsRun - failed} passed, {failed} failed")
sys.exit(failed > 0)
PYTHON
