# Sourced by the scripts of every language: what they need of the machine, where things are built,
# virtual environments, the sandbox, and what suites count.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"

missing() {
    echo "$1" >&2
    exit 69
}

check_tools() {
    command -v cargo >/dev/null || missing "There is no cargo on PATH. Install Rust 1.89 or newer."
    command -v python3 >/dev/null || missing "There is no python3 on PATH. Install Python 3.10 or newer."
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        missing "$(python3 --version) is too old. Put Python 3.10 or newer on PATH as python3."
    python3 -c 'import venv, ensurepip' 2>/dev/null ||
        missing "Python cannot make virtual environments. Install the package python3-venv."
    command -v npm >/dev/null || missing "There is no npm on PATH. Install Node 20 or newer."
    node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' ||
        missing "Node $(node --version) is too old. Put Node 20 or newer on PATH."
    command -v cc >/dev/null || missing "There is no C compiler on PATH. Install gcc or clang."
}

# Makes the virtual environment $1 unless it is there, with the requirements of the file $2 installed.
virtual_environment() {
    { [ -x "$1/bin/python" ] || "${PYTHON:-python3}" -m venv "$1"; } &&
        install_requirements "$1" "$2" "$1/requirements"
}

# Installs the requirements of the file $2 into the environment $1, unless the file $3 says that it
# has them.
install_requirements() {
    cmp -s "$2" "$3" && return
    "$1/bin/pip" install --quiet --disable-pip-version-check -r "$2" && cp "$2" "$3"
}

# Builds the sandbox, unless PARALLEL_ACCOUNT_SANDBOX names one, and exports where it is.
build_sandbox() {
    if [ -z "${PARALLEL_ACCOUNT_SANDBOX:-}" ]; then
        cargo build --quiet -p parallel-account-sandbox
        export PARALLEL_ACCOUNT_SANDBOX=$CARGO_TARGET_DIR/debug/parallel-account-sandbox
    fi
}

# Starts a sandbox with the arguments given, and exports its addresses.
start_sandbox() {
    cargo build --quiet -p parallel-account-sandbox
    sandbox_line=$(mktemp)
    "$CARGO_TARGET_DIR/debug/parallel-account-sandbox" "$@" >"$sandbox_line" &
    sandbox_pid=$!
    trap stop_sandbox EXIT
    until [ -s "$sandbox_line" ]; do
        kill -0 "$sandbox_pid" 2>/dev/null || missing "The sandbox did not start; its message is above."
        sleep 0.05
    done
    PARALLEL_PLATFORM_URL=$(address platform_url)
    PARALLEL_SERVICE_API_URL=$(address account_url)
    export PARALLEL_PLATFORM_URL PARALLEL_SERVICE_API_URL
}

address() {
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$sandbox_line" "$1"
}

stop_sandbox() {
    kill "$sandbox_pid" 2>/dev/null || true
    wait "$sandbox_pid" 2>/dev/null || true
    rm -f "$sandbox_line"
}

passed=0 failed=0

# Runs a command and counts it as one test: check WHAT COMMAND…
check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok: $what"
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

# Adds what a runner's JUnit report $1 counts; a runner that failed ($2, its exit status) failed once
# at least.
count_report() {
    local good bad
    read -r good bad < <("${PYTHON:-python3}" "$root/tests/junit.py" "$1")
    if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    passed=$((passed + good)) failed=$((failed + bad))
}

# Runs and counts tests of pytest: pytest_tests PYTHON ARGUMENT…
pytest_tests() {
    local report status=0
    report=$(mktemp)
    "$1" -m pytest --quiet --junit-xml "$report" "${@:2}" || status=$?
    count_report "$report" "$status"
    rm -f "$report"
}

# Runs and counts tests of node:test: node_tests FILE…
node_tests() {
    local report status=0
    report=$(mktemp)
    node --test --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=junit --test-reporter-destination="$report" "$@" || status=$?
    count_report "$report" "$status"
    rm -f "$report"
}

# A suite's last line, which tests/run.sh reads; fails if any test did: counts SUITE
counts() {
    echo "$1: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
