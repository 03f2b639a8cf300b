# Sourced: what demo and tests need of the machine, said in one sentence where it is missing.

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

# Starts a sandbox with the arguments given, and exports where it is.
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
