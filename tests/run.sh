#!/usr/bin/env bash
# Runs the suites named, or all; prints a line of counts per suite and fails if any test did.
set -uo pipefail
. "$(dirname "$0")/tools.sh"
cd "$root"
check_tools
# What nothing was built of yet is built once: then what only later builds use costs time and 2 GB.
[ -d "$CARGO_TARGET_DIR/debug" ] || export CARGO_INCREMENTAL=0
logs=$CARGO_TARGET_DIR/test-logs
mkdir -p "$logs"

suite_lint() { tests/lint/run.sh; }

suite_rust() {
    # Of the bindings what needs no host language; an executable with Python's cannot be linked.
    cargo test --no-fail-fast -p parallel-account -p parallel-account-cli -p parallel-account-model -p parallel-account-sandbox \
        -p parallel-account-stores -p parallel-account-node -p parallel-account-swift
}

suite_python() { bindings-python/tools/test; }
suite_node() { bindings-node/tools/test; }
suite_swift() { bindings-swift/tools/test; }
suite_browser() { tests/browser/run.sh; }
suite_interop() { tests/interop/run.sh; }
suite_demo() { tests/demo/run.sh; }
suite_stress() { tests/stress/run.sh; }
suite_fleet() { tests/fleet/run.sh; }
suite_keys() { tests/keys/run.sh; }
suite_readme() { tests/readme/run.sh; }
suite_docs() { tests/docs/run.sh; }
suite_command() { tests/command/run.sh; }
suite_kit() { tests/kit/run.sh; }

# The counts of a log: its last line says them, or each of cargo's does.
counts_of() {
    if grep -q '^test result: ' "$1"; then
        awk '/^test result: /{passed += $4; failed += $6} END {print passed + 0, failed + 0}' "$1"
    else
        sed -n 's/^[a-z]*: \([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$1" | tail -n 1
    fi
}

all="lint rust python node swift browser interop readme docs demo command kit stress fleet keys"
summary="" table="" total_passed=0 total_failed=0
for suite in ${*:-$all}; do
    declare -F "suite_$suite" >/dev/null || missing "There is no suite $suite; there are: $all"
    if [ "$suite" = swift ] && [ "${SKIP_SWIFT:-}" = 1 ]; then
        summary="$summary"$'\n'"swift: left out, as SKIP_SWIFT=1 says"
        continue
    fi
    printf '\n==== %s ====\n' "$suite"
    began=$SECONDS
    log=$logs/$suite.log
    "suite_$suite" >"$log" 2>&1
    status=$?
    read -r passed failed <<<"$(counts_of "$log")"
    passed=${passed:-0} failed=${failed:-0}
    [ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
    if [ "$failed" -ne 0 ]; then tail -n 200 "$log"; fi
    scenarios=$(grep -o 'scenarios ([a-z]*): .*' "$log" | tail -n 1)
    [ -n "$scenarios" ] && table="$table"$'\n'"$scenarios"
    line="$suite: $passed passed, $failed failed ($((SECONDS - began)) s)"
    echo "$line"
    summary="$summary"$'\n'"$line"
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
done
[ -n "$table" ] && printf '\n==== one set of scenarios, in every language ====%s\n' "$table"
printf '\n==== summary ====%s\ntotal: %d passed, %d failed\n' "$summary" "$total_passed" "$total_failed"
[ "$total_failed" -eq 0 ]
