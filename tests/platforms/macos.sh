# Sourced by run.sh. Apple's linker and frameworks are on a Mac only, so that nothing is linked or run
# here: everything is checked by the compiler and by clippy.

# For the parts that are written in C: `check` links nothing, so that empty objects do.
c_stub() {
    mkdir -p "$scratch/stub"
    cat >"$scratch/stub/cc" <<'STUB'
#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
    -o) out=$2; shift ;;
    -E) exec cc -E -x c /dev/null ;;
    esac
    shift
done
[ -z "$out" ] || : >"$out"
STUB
    chmod +x "$scratch/stub/cc"
}

# clippy_for TARGET PACKAGE…
clippy_for() {
    local target=$1 packages=()
    shift
    for package in "$@"; do packages+=(-p "$package"); done
    local name=${target//-/_}
    in_root env SDKROOT="$scratch/stub" "CC_$name=$scratch/stub/cc" "AR_$name=/usr/bin/true" \
        cargo clippy --quiet -Zbuild-std --target "$target" "${packages[@]}" --all-targets -- -D warnings
}

try_macos() {
    step "a stand-in for C" c_stub &&
        step "core, command, sandbox and bindings are checked for aarch64-apple-darwin" \
            clippy_for aarch64-apple-darwin parallel-account parallel-account-cli parallel-account-stores \
            parallel-account-sandbox parallel-account-python parallel-account-node parallel-account-swift &&
        step "core and Swift's binding are checked for aarch64-apple-ios" \
            clippy_for aarch64-apple-ios parallel-account parallel-account-swift
}
