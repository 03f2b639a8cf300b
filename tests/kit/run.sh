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
testkit/node/tools/package --debug
tarballs=("$CARGO_TARGET_DIR"/npm-debug/tarballs/*.tgz "$CARGO_TARGET_DIR"/npm-sandbox-debug/tarballs/*.tgz)

# --- What needs Rust: the third way to install it, and what the wheel and the tarball say of others.
cargo_installs_it() {
    cargo install --quiet --debug --locked --path tests/sandbox --root "$place/cargo"
    [ "$("$place/cargo/bin/parallel-account-sandbox" --version)" = \
        "$("$CARGO_TARGET_DIR/debug/parallel-account-sandbox" --version)" ]
}
check "cargo installs it" cargo_installs_it
check "what others made is named" bindings-python/tools/release/third_party.py --check
check "the wheel's license" cmp LICENSE testkit/python/LICENSE
check "npm's license" cmp LICENSE testkit/node/LICENSE
publishing_is_prepared() {
    local said
    said=$(node bindings-node/tools/release/publish.mjs --dry-run "$CARGO_TARGET_DIR/npm-sandbox-debug")
    [ "$(wc -l <<<"$said")" -eq 2 ] &&
        grep -q '^@parallel-account/sandbox-.* would be published' <<<"${said%%$'\n'*}" &&
        grep -q '^parallel-account-sandbox@.* would be published' <<<"${said##*$'\n'}"
}
check "publishing is prepared" publishing_is_prepared

venv=$place/venv
virtual_environment "$venv" tests/kit/requirements.txt

# --- From here on as for users: the programs of this machine without those of Rust.
ln -sf /usr/bin/* /usr/local/bin/* "$(command -v node)" "$(command -v npm)" "$(command -v npx)" "$place/path/" 2>/dev/null || true
rm -f "$place"/path/{cargo,rustc,rustup,cargo-*}
python=$("${PYTHON:-python3}" -c 'import os, sys; print(os.path.realpath(sys.executable))')
export PYTHON=$python
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
check "the extra brings the sandbox alone" the_extra_brings_the_sandbox_alone

"$venv/bin/python" "${pip[@]}" --no-index --force-reinstall "parallel-account[testing]"
check "types (mypy)" "$venv/bin/mypy" --no-error-summary --config-file testkit/python/pyproject.toml testkit/python/python
# Not of the checkout, whose package has no metadata.
types_are_complete() {
    (cd "$place" && PATH=$venv/bin:$PATH "$venv/bin/pyright" --verifytypes parallel_account_sandbox --ignoreexternal) |
        grep "completeness score: 100%"
}
check "every type is known" types_are_complete

export PYTHONDONTWRITEBYTECODE=1
pytest_tests "$venv/bin/python" -p no:cacheprovider tests/kit

# --- Node.
# Counts the tests that a runner of npm's names at its end: npm_tests FOLDER COMMAND…
npm_tests() {
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
npm_tests "$place/node" node --test --test-reporter=tap kit.test.mjs
npm_tests "$place/node" npx --no-install jest

# --- The examples, as a user would: copied, installed, run.
for example in fastapi_pytest fastify_vitest command_line; do
    cp -R "examples/testing/$example" "$place/$example"
done
"$python" -m venv "$place/fastapi_pytest/venv"
"$place/fastapi_pytest/venv/bin/python" "${pip[@]}" -r "$place/fastapi_pytest/requirements.txt"
pytest_tests "$place/fastapi_pytest/venv/bin/python" -p no:cacheprovider "$place/fastapi_pytest"
for example in fastify_vitest command_line; do
    npm install --prefix "$place/$example" "${tarballs[@]}"
done
npm_tests "$place/fastify_vitest" npm test
npm_tests "$place/command_line" npm test

counts kit
