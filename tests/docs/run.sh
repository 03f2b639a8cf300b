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
    bindings-python/tools/setup
    rm -rf "$CARGO_TARGET_DIR/docs-wheels"
    local package
    for package in bindings-python testkit/python; do
        # With the same Python as in the setup, so that nothing is built twice.
        (cd "$package" && VIRTUAL_ENV=$CARGO_TARGET_DIR/venv "$CARGO_TARGET_DIR/venv/bin/maturin" build --quiet --profile dev --out "$CARGO_TARGET_DIR/docs-wheels")
    done
    bindings-node/tools/package --debug >/dev/null
    testkit/node/tools/package --debug >/dev/null
}

if [ $# -gt 0 ]; then
    packages
    exec python3 "$here/play.py" "$@"
fi

check "the site is built" docs/tools/build
export SITE=$CARGO_TARGET_DIR/site
check "links and headings" python3 "$here/test_pages.py"
check "names are spelled as in the code" python3 "$here/test_names.py"
check "the front page has the measured figures" python3 "$here/figures.py"

tests/browser/setup
export SCREENSHOTS=$CARGO_TARGET_DIR/site-screenshots
mkdir -p "$SCREENSHOTS"
node_tests tests/browser/site.test.mjs

packages
report=$(mktemp)
trap 'rm -f "$report"' EXIT
python3 "$here/play.py" | tee "$report" || true
read -r ran wrong < <(sed -n 's/^blocks: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$report") || true
passed=$((passed + ${ran:-0}))
failed=$((failed + ${wrong:-1}))

counts docs
