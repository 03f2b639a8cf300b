#!/usr/bin/env bash
# Formatting, lints, types, spelling and generated files of every language, with warnings denied;
# changes nothing. SKIP_SWIFT=1 leaves Swift out.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
venv=$(tests/lint/setup)
export RUSTDOCFLAGS="-D warnings"

check "formatting of Rust" cargo fmt --all --check
check "clippy" cargo clippy --quiet --workspace --all-targets -- -D warnings
check "documentation of Rust" cargo doc --quiet --no-deps --features parallel-account-stores/deadpool,parallel-account-stores/redis \
    -p parallel-account -p parallel-account-sandbox -p parallel-account-stores
for crate in core core/cli bindings-node; do
    check "no circle of imports in $crate" python3 tests/lint/circles.py "$crate/src"
done
check "formatting of Python" "$venv/bin/ruff" format --quiet --check .
check "lints of Python" "$venv/bin/ruff" check --quiet .
check "spelling" tests/lint/spelling
check "words" python3 tests/lint/words.py
check "one version in all files" python3 tests/lint/versions.py
check "scenarios" tests/lint/scenarios
check "every language has the calls and options of tests/api.json" tests/lint/api
check "the workflows" "$venv/bin/zizmor" --offline --quiet --persona auditor .github/workflows
check "bindings-python" bindings-python/tools/lint
check "bindings-node" bindings-node/tools/lint
[ "${SKIP_SWIFT:-}" = 1 ] || check "bindings-swift" bindings-swift/tools/lint
counts lint
