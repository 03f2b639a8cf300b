# Sourced by run.sh. The suite on Debian forky's CPython, with the module that this machine builds:
# its stable ABI serves every version.

newest=$CARGO_TARGET_DIR/venv-3.14

modules_of_this_machine() {
    bindings-python/tools/setup && cargo build --quiet -p parallel-account-cli
}

in_forky() { "$here/root" forky "$@"; }

packages_for_tests() {
    in_forky sh -c '
        [ -x "$1/bin/python" ] || python3.14 -m venv "$1"
        "$1/bin/pip" install --quiet --disable-pip-version-check -r bindings-python/tools/requirements-tests.txt
    ' sh "$newest"
}

python_suite() {
    in_forky env -C bindings-python PYTHONPATH="$root/bindings-python/python" "$newest/bin/python" -m pytest --quiet "$@"
}

try_python3_14() {
    step "the module and the sandbox of this machine are built" modules_of_this_machine &&
        step "CPython 3.14 and what the tests need" packages_for_tests &&
        step "the suite" python_suite
}
