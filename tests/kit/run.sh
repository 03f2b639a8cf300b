#!/usr/bin/env bash
# The test kit as its users get it: the built packages, of debug builds, installed into empty projects
# without Rust on PATH; the kit's own tests, and those of the examples in examples/testing.
# The last line is `kit: N passed, N failed`.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
place=$CARGO_TARGET_DIR/kit
wheels=$place/wheels
rm -rf "$place"/{wheels,path,npm,fastapi_pytest,fastify_vitest,command_line,node,cargo,bare}
mkdir -p "$wheels" "$place"/{path,npm,node}

# --- The packages.
bindings-python/tools/setup
maturin=$CARGO_TARGET_DIR/venv/bin/maturin
for package in bindings-python testkit/python; do
    # With the same Python as in the setup, so that nothing is built twice.
    (cd "$package" && VIRTUAL_ENV=$CARGO_TARGET_DIR/venv "$maturin" build --quiet --profile dev --compression-level 1 --out "$wheels")
done
bindings-node/tools/install "$place/npm"
testkit/node/tools/setup
node testkit/node/tools/package.mjs --debug
tarballs=("$CARGO_TARGET_DIR"/npm-debug/tarballs/*.tgz "$CARGO_TARGET_DIR"/npm-sandbox-debug/tarballs/*.tgz)

passed=0 failed=0
check() {
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $*"
    fi
}

# --- What needs Rust: the third way to install it, and what the wheel and the tarball say of others.
cargo_installs_it() {
    cargo install --quiet --debug --locked --path tests/sandbox --root "$place/cargo"
    [ "$("$place/cargo/bin/parallel-account-sandbox" --version)" = \
        "$("$CARGO_TARGET_DIR/debug/parallel-account-sandbox" --version)" ]
}
check cargo_installs_it
licenses_are_current() { bindings-python/tools/third_party.py --check; }
check licenses_are_current
check cmp LICENSE testkit/python/LICENSE
check cmp LICENSE testkit/node/LICENSE
publishing_is_prepared() {
    local said
    said=$(node bindings-node/tools/publish.mjs --dry-run "$CARGO_TARGET_DIR/npm-sandbox-debug")
    [ "$(wc -l <<<"$said")" -eq 2 ] &&
        grep -q '^@parallel-account/sandbox-.* would be published' <<<"${said%%$'\n'*}" &&
        grep -q '^parallel-account-sandbox@.* would be published' <<<"${said##*$'\n'}"
}
check publishing_is_prepared

venv=$place/venv
if ! cmp -s tests/kit/requirements.txt "$venv/requirements.txt"; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/kit/requirements.txt
    cp tests/kit/requirements.txt "$venv/"
fi

# --- From here on as for users: the programs of this machine without those of Rust.
ln -sf /usr/bin/* /usr/local/bin/* "$(command -v node)" "$(command -v npm)" "$(command -v npx)" "$place/path/" 2>/dev/null || true
rm -f "$place"/path/{cargo,rustc,rustup,cargo-*}
python=$("${PYTHON:-python3}" -c 'import os, sys; print(os.path.realpath(sys.executable))')
export PATH=$place/path
unset PARALLEL_ACCOUNT_SANDBOX
if command -v cargo rustc >/dev/null; then missing "Rust is still on PATH: $(command -v cargo rustc)"; fi
pip=(-m pip install --quiet --disable-pip-version-check --find-links "$wheels")
export npm_config_fund=false npm_config_audit=false npm_config_loglevel=error

# --- Python.
the_extra_brings_the_sandbox_alone() {
    "$python" -m venv "$place/bare"
    "$place/bare/bin/python" "${pip[@]}" --no-index "parallel-account[testing]"
    [ "$("$place/bare/bin/python" -m pip list --format freeze --exclude pip --exclude setuptools | tr '\n' ' ')" = \
        "parallel-account==0.1.0 parallel-account-sandbox==0.1.0 " ] &&
        "$place/bare/bin/parallel-account-sandbox" --version
}
check the_extra_brings_the_sandbox_alone

"$venv/bin/python" "${pip[@]}" --no-index --force-reinstall "parallel-account[testing]"
own=(testkit/python tests/kit examples/testing)
check "$venv/bin/ruff" format --quiet --check --config testkit/python/pyproject.toml "${own[@]}"
check "$venv/bin/ruff" check --quiet --config testkit/python/pyproject.toml "${own[@]}"
check "$venv/bin/mypy" --no-error-summary --config-file testkit/python/pyproject.toml testkit/python/python
# Not of the checkout, whose package has no metadata.
types_are_complete() {
    (cd "$place" && PATH=$venv/bin:$PATH "$venv/bin/pyright" --verifytypes parallel_account_sandbox --ignoreexternal) |
        grep "completeness score: 100%"
}
check types_are_complete

# Counts the tests of pytest: python_tests FOLDER PYTHON
python_tests() {
    local report=$place/report.xml counts
    rm -f "$report"
    (cd "$1" && "$2" -m pytest --quiet -p no:cacheprovider --junit-xml "$report") || true
    counts=$("$python" - "$report" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

try:
    suite = tree.parse(sys.argv[1]).getroot().find("testsuite").attrib
    failed = int(suite["failures"]) + int(suite["errors"])
    print(int(suite["tests"]) - failed - int(suite["skipped"]), failed or int(suite["tests"] == "0"))
except (OSError, tree.ParseError):
    print(0, 1)
PYTHON
    )
    echo "$1: $counts"
    passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
}
export PYTHONDONTWRITEBYTECODE=1
python_tests tests/kit "$venv/bin/python"

# --- Node.
lint() { (cd "$1" && "$root/testkit/node/node_modules/.bin/biome" ci --config-path="$root/testkit/node" .); }
for folder in testkit/node examples/testing tests/kit; do check lint "$folder"; done

# Counts the tests that a runner of Node's names at its end: node_tests FOLDER COMMAND…
node_tests() {
    local log=$place/node.log counts
    (cd "$1" && shift && "$@") >"$log" 2>&1 || echo "not ok: $*" >>"$log"
    cat "$log"
    # Of node:test (TAP, or for a terminal), jest and vitest.
    counts=$(sed -E 's/\x1b\[[0-9;]*m//g' "$log" | awk '
        /^(#|ℹ) pass /  {passed = $3}
        /^(#|ℹ) (fail|cancelled) / {failed += $3}
        /^ *Tests:? / {
            for (i = 2; i < NF; i++) {
                if ($(i + 1) ~ /^passed/) passed = $i
                if ($(i + 1) ~ /^failed/) failed = $i
            }
        }
        /^not ok: / {broken = 1}
        END {print passed + 0, (failed == 0 && (broken || passed == 0)) ? 1 : failed + 0}')
    echo "$1: $counts"
    passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
}
cp tests/kit/node/* testkit/node/README.md "$place/node/"
npm install --prefix "$place/node" "${tarballs[@]}"
node_tests "$place/node" node --test --test-reporter=tap kit.test.mjs
node_tests "$place/node" npx --no-install jest

# --- The examples, as a user would: copied, installed, run.
for example in fastapi_pytest fastify_vitest command_line; do
    cp -R "examples/testing/$example" "$place/$example"
done
"$python" -m venv "$place/fastapi_pytest/venv"
"$place/fastapi_pytest/venv/bin/python" "${pip[@]}" -r "$place/fastapi_pytest/requirements.txt"
python_tests "$place/fastapi_pytest" venv/bin/python
for example in fastify_vitest command_line; do
    npm install --prefix "$place/$example" "${tarballs[@]}"
done
node_tests "$place/fastify_vitest" npm test
node_tests "$place/command_line" npm test

echo "kit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
