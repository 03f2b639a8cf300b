#!/usr/bin/env bash
# Runs the README's quick starts word for word, as a newcomer would: in an empty project beside a
# fresh clone, against the sandbox.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
start_sandbox --interval 1 --approve-after 0.5
work=$CARGO_TARGET_DIR/readme
rm -rf "$work"
mkdir -p "$work"/{parallel-account,rust/src,python,node,swift/Sources/App}
# What a clone would have, with what is not committed yet.
git ls-files -z | tar --create --null --files-from - | tar --extract --directory "$work/parallel-account"
export CI=1 # no browser

# The block of the kind $2 below the heading $1.
block() {
    awk -v heading="### $1" -v fence="\`\`\`$2" '
        /^#/ && !inside {section = $0 == heading}
        section && $0 == fence {inside = 1; next}
        inside && /^```/ {exit}
        inside' "$root/README.md"
}

# The binding's own README installs by the same lines.
same_lines() {
    local line
    while IFS= read -r line; do
        if grep -qxF -- "$line" "$2/README.md"; then continue; fi
        failed=$((failed + 1))
        echo "FAILED: $2/README.md lacks the line: $line"
    done < <(block "$1" sh)
}
# Runs the lines that install, and then the program, with the command given, in the project's folder.
quick_start() {
    local language=$1 kind=$2 lines output
    shift 2
    lines=$(block "$language" "$kind" | wc -l)
    if [ "$lines" -eq 0 ] || [ "$lines" -gt 15 ]; then
        echo "FAILED: the quick start in $language has $lines lines, not 1 to 15"
        failed=$((failed + 1))
        return
    fi
    # An empty home each, so that nobody is logged in yet.
    mkdir -p "$work/$language-home"
    if (cd "$work/${language,,}" && block "$language" sh >install.sh && bash -e install.sh) >"$work/$language.log" 2>&1 &&
        output=$(cd "$work/${language,,}" && XDG_CONFIG_HOME="$work/$language-home" "$@" 2>>"$work/$language.log") &&
        [[ $output =~ ^5000(\.0)?\ cents$ ]]; then
        passed=$((passed + 1))
        echo "ok: $language"
    else
        failed=$((failed + 1))
        echo "FAILED: $language: ${output:-no output}"
        tail -n 40 "$work/$language.log"
    fi
}

block Rust rust >"$work/rust/src/main.rs"
{
    printf '[package]\nname = "readme-quick-start"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n'
    block Rust toml
} >"$work/rust/Cargo.toml"
cp Cargo.lock "$work/rust/Cargo.lock"
quick_start Rust rust cargo run --quiet

block Python python >"$work/python/main.py"
python3 -m venv "$work/python/venv"
PATH="$work/python/venv/bin:$PATH" quick_start Python python python main.py
same_lines Python bindings-python

# The command's lines, with some program of the reader's.
mkdir -p "$work/command/bin"
printf '#!/bin/sh\ntest -n "$PARALLEL_API_KEY" && echo my-program ran\n' >"$work/command/bin/my-program"
chmod +x "$work/command/bin/my-program"
block "The command" sh >"$work/command/lines.sh"
if output=$(cd "$work/command" && PATH="$work/command/bin:$work/python/venv/bin:$PATH" \
    XDG_CONFIG_HOME="$work/command/home" bash -eu lines.sh 2>"$work/command.log") &&
    [[ $output == *"USD 50.00"*"my-program ran" ]]; then
    passed=$((passed + 1))
    echo "ok: the command"
else
    failed=$((failed + 1))
    echo "FAILED: the command: ${output:-no output}"
    tail -n 40 "$work/command.log"
fi

block Node js >"$work/node/main.mjs"
echo '{ "private": true }' >"$work/node/package.json"
quick_start Node js node main.mjs
same_lines Node bindings-node

if [ "${SKIP_SWIFT:-}" != 1 ]; then
    block Swift swift >"$work/swift/Sources/App/main.swift"
    dependency=$(grep -o '\.package(path: "[^"]*")' README.md)
    cat >"$work/swift/Package.swift" <<SWIFT
// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "App",
    dependencies: [$dependency],
    targets: [
        .executableTarget(
            name: "App",
            dependencies: [.product(name: "ParallelAccount", package: "parallel-account")])
    ]
)
SWIFT
    quick_start Swift swift "$root/bindings-swift/tools/swift" run --quiet App
fi

counts readme
