#!/usr/bin/env bash
# Builds and runs the project for platforms that this machine is not; README.md says what each is.
#
#   tests/platforms/run.sh [windows|macos|arm64|musl|python3.14]…
#
# Prints a line for each step. A platform ends at its first step that fails, whose log is shown.
set -uo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
check_tools
here=$root/tests/platforms
scratch=$CARGO_TARGET_DIR/platforms
logs=$scratch/logs
mkdir -p "$logs"
passed=0 failed=0

# step NAME CMD…: a line for what CMD did.
step() {
    local name=$1 began=$SECONDS log
    shift
    log=$logs/${platform}-$((passed + failed)).log
    if "$@" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "$platform: $name: passed ($((SECONDS - began)) s)"
        grep -h '^> ' "$log" || true
    else
        failed=$((failed + 1))
        echo "$platform: $name: FAILED ($((SECONDS - began)) s); $log ends with"
        tail -n 40 "$log"
        return 1
    fi
}

# Rust's own library is built with the project, because Debian has it for this machine only.
in_root() { "$here/root" trixie env RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0 "$@"; }
cargo_for() {
    local target=$1 verb=$2
    shift 2
    in_root cargo "$verb" --quiet -Zbuild-std --target "$target" "$@"
}

# Programs from PyPI that build wheels and link for other systems.
zig_tools() {
    [ -x "$scratch/zig/bin/cargo-zigbuild" ] ||
        "$here/root" trixie sh -c "python3 -m venv '$scratch/zig' && '$scratch/zig/bin/pip' install --quiet maturin==1.16.0 ziglang==0.15.2 cargo-zigbuild==0.24.1"
}

# The TypeScript half of the Node package is the same everywhere.
typescript() {
    (cd bindings-node && { [ -d node_modules ] || npm ci --silent --no-fund --no-audit; } && npm run --silent build:ts)
}

sandbox() {
    cargo build --quiet -p parallel-account-sandbox
}
export PARALLEL_ACCOUNT_SANDBOX=$CARGO_TARGET_DIR/debug/parallel-account-sandbox

# node_package FOLDER PLATFORM MODULE: the package as npm would lay it, with a native module in it.
node_package() {
    rm -rf "$1"
    mkdir -p "$1/node_modules/parallel-account/native"
    cp -r bindings-node/package.json bindings-node/dist "$1/node_modules/parallel-account/"
    cp "$3" "$1/node_modules/parallel-account/native/parallel-account.$2.node"
    cp bindings-node/examples/demo.mjs tests/platforms/store.mjs "$1/"
}

all="windows macos arm64 musl python3.14"
for platform in ${*:-$all}; do
    case " $all " in
    *" $platform "*) ;;
    *) missing "There is no platform $platform; there are: $all" ;;
    esac
    # shellcheck source=/dev/null
    . "$here/$platform.sh"
    "try_${platform//./_}"
done
echo "platforms: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
