#!/usr/bin/env bash
# Fuzzes every parser, or those named, FUZZ_SECONDS (600) each, FUZZ_JOBS (2) at a time.
# Inputs that fail stay in target/fuzz/findings/NAME and are tried first the next time.
set -euo pipefail
. "$(dirname "$0")/tools.sh"
cd "$root"
tools=$CARGO_TARGET_DIR/tools
fuzz=$CARGO_TARGET_DIR/fuzz

# One target, which this script calls for itself; its log says how it went.
if [ "${1:-}" = --one ]; then
    name=$2
    mkdir -p "$fuzz/findings/$name"
    "$fuzz/$(cat "$fuzz/host")/release/$name" -max_total_time="${FUZZ_SECONDS:-600}" \
        -dict="$fuzz/words.dict" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$fuzz/findings/$name/" \
        "$fuzz/corpus/$name" "$fuzz/findings/$name" >"$fuzz/$name.log" 2>&1 && ended=0 || ended=$?
    echo "ended: $ended" >>"$fuzz/$name.log"
    exit 0
fi

command -v cargo >/dev/null || missing "There is no cargo on PATH. Install Rust 1.89 or newer."
command -v python3 >/dev/null || missing "There is no python3 on PATH. Install Python 3.10 or newer."
command -v c++ >/dev/null || missing "There is no C++ compiler on PATH. Install g++ or clang."
[ -x "$tools/bin/cargo-fuzz" ] || cargo install cargo-fuzz --locked --root "$tools"
export PATH=$tools/bin:$PATH

# The flags of coverage are unstable, the compiler is not. The core has no unsafe code, so an
# address sanitizer would only make it slower.
mkdir -p "$fuzz"
rustc -vV | sed -n 's/^host: //p' >"$fuzz/host"
RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$fuzz cargo fuzz build --fuzz-dir core/fuzz --sanitizer none
python3 core/fuzz/seeds.py tests/scenarios "$fuzz"

targets=${*:-$(cargo fuzz list --fuzz-dir core/fuzz)}
printf '%s\n' $targets | xargs -P "${FUZZ_JOBS:-2}" -I{} "$0" --one {}

number() { sed -n "s/^stat::$2: *//p" "$fuzz/$1.log"; }
edges() { sed -n "s/^#.*$2.* cov: \([0-9]*\) .*/\1/p" "$fuzz/$1.log" | tail -n 1; }

failed=""
row="%-16s %12s %10s %14s %9s\n"
printf "$row" target runs execs/s 'edges (new)' findings
for name in $targets; do
    findings=0
    if ! grep -q '^ended: 0$' "$fuzz/$name.log"; then
        findings=1
        failed="$failed $name"
    fi
    first=$(edges "$name" INITED) last=$(edges "$name" "")
    printf "$row" "$name" "$(number "$name" number_of_executed_units)" \
        "$(number "$name" average_exec_per_sec)" \
        "${last:-0} (+$((${last:-0} - ${first:-0})))" "$findings"
done

for name in $failed; do
    printf '\n==== %s ====\n' "$name"
    # What went wrong, how it got there, and the input.
    awk '/ panicked at |ERROR: libFuzzer/ {on = 1} on' "$fuzz/$name.log" | head -n 3
    tail -n 40 "$fuzz/$name.log"
done
[ -z "$failed" ]
