#!/usr/bin/env bash
# Builds the site and checks it: links, names, headings, weight, everybody's access; and runs its
# code blocks. `tests/docs/run.sh guides/testing python` runs the blocks of one page and language.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools.sh"
cd "$root"
check_tools
export PYTHONDONTWRITEBYTECODE=1

# What stands for the registries: this checkout's packages.
packages() {
    [ -n "${PARALLEL_ACCOUNT_SANDBOX:-}" ] || cargo build --quiet -p parallel-account-sandbox
    bindings-python/tools/setup
    rm -rf "$CARGO_TARGET_DIR/docs-wheels"
    local package
    for package in bindings-python testkit/python; do
        # With the same Python as in the setup, so that nothing is built twice.
        (cd "$package" && VIRTUAL_ENV=$CARGO_TARGET_DIR/venv "$CARGO_TARGET_DIR/venv/bin/maturin" build --quiet --profile dev --out "$CARGO_TARGET_DIR/docs-wheels")
    done
    bindings-node/tools/setup
    bindings-node/tools/setup-packaging
    node bindings-node/tools/package.mjs --debug >/dev/null
    testkit/node/tools/setup
    node testkit/node/tools/package.mjs --debug >/dev/null
}

if [ $# -gt 0 ]; then
    packages
    exec python3 "$here/play.py" "$@"
fi

passed=0 failed=0
# Runs a check and counts it.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
}

check "the site is built" docs/tools/build
export SITE=$CARGO_TARGET_DIR/site
check "links and headings" python3 "$here/test_pages.py"
check "names are spelled as in the code" python3 "$here/test_names.py"
check "the front page has the measured figures" python3 "$here/figures.py"

tests/browser/setup
export SCREENSHOTS=$CARGO_TARGET_DIR/site-screenshots
mkdir -p "$SCREENSHOTS"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
node --test --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$report" tests/browser/site.test.mjs || true
count() { sed -n "s/^# $1 //p" "$report"; }
passed=$((passed + $(count pass)))
failed=$((failed + $(count fail)))

packages
python3 "$here/play.py" | tee "$report" || true
read -r ran wrong < <(sed -n 's/^blocks: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$report") || true
passed=$((passed + ${ran:-0}))
failed=$((failed + ${wrong:-1}))

echo "docs: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
