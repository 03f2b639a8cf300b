#!/usr/bin/env bash
# Extracts the README's quick starts and runs each against the sandbox, as a newcomer would.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
start_sandbox --interval 1 --approve-after 0.5
work=$CARGO_TARGET_DIR/readme
rm -rf "$work"
mkdir -p "$work"/{rust/src,python,node,swift/Sources/App}
export CI=1 # no browser

# The first block of a language.
block() {
    awk -v fence="\`\`\`$1" '$0 == fence {inside = 1; next} inside && /^```/ {exit} inside' README.md
}

passed=0 failed=0
quick_start() {
    local language=$1 lines output
    lines=$(block "$2" | wc -l)
    if [ "$lines" -eq 0 ] || [ "$lines" -gt 15 ]; then
        echo "FAILED: the quick start in $language has $lines lines, not 1 to 15"
        failed=$((failed + 1))
        return
    fi
    shift 2
    # An empty home each, so that nobody is logged in yet.
    mkdir -p "$work/$language-home"
    if output=$(XDG_CONFIG_HOME="$work/$language-home" "$@" 2>"$work/$language.log") && [[ $output =~ ^5000(\.0)?\ cents$ ]]; then
        passed=$((passed + 1))
        echo "ok: $language"
    else
        failed=$((failed + 1))
        echo "FAILED: $language: ${output:-no output}"
        tail -n 40 "$work/$language.log"
    fi
}

block rust >"$work/rust/src/main.rs"
{
    printf '[package]\nname = "readme-quick-start"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n'
    block toml | sed "s|path = \"core\"|path = \"$root/core\"|"
} >"$work/rust/Cargo.toml"
cp Cargo.lock "$work/rust/Cargo.lock"
quick_start Rust rust cargo run --quiet --manifest-path "$work/rust/Cargo.toml"

block python >"$work/python/main.py"
bindings-python/tools/setup
quick_start Python python "$CARGO_TARGET_DIR/venv/bin/python" "$work/python/main.py"

block js >"$work/node/main.mjs"
bindings-node/tools/install "$work/node"
quick_start Node js node "$work/node/main.mjs"

if [ "${SKIP_SWIFT:-}" != 1 ]; then
    block swift >"$work/swift/Sources/App/main.swift"
    cat >"$work/swift/Package.swift" <<SWIFT
// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "App",
    dependencies: [.package(name: "ParallelAccount", path: "$root")],
    targets: [.executableTarget(name: "App", dependencies: ["ParallelAccount"])]
)
SWIFT
    cargo build --quiet -p parallel-account-swift
    swift_quick_start() { (cd "$work/swift" && "$root/bindings-swift/tools/swift" run --quiet App); }
    quick_start Swift swift swift_quick_start
fi

echo "readme: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
