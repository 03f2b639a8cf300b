# Sourced by run.sh. Linked by zig for the glibc that the published files promise, and run under
# qemu-user with Debian's Python and Node for arm64.

arm=aarch64-unknown-linux-gnu
arm_root=$scratch/debian-arm64

# Unpacked only: programs are run one by one, so that nothing needs to be installed.
debian_arm64() {
    [ -e "$arm_root/complete" ] && return
    rm -rf "$arm_root"
    unshare --mount debootstrap --foreign --arch=arm64 --variant=minbase --include=python3,nodejs \
        trixie "$arm_root" || return
    local package
    for package in "$arm_root"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" "$arm_root" || return; done
    rm -rf "$arm_root"/var/cache/apt/archives/*.deb
    touch "$arm_root/complete"
}

# zig_build TARGET[.GLIBC] ARGUMENT…
zig_build() {
    local target=$1
    shift
    in_root env PATH="$scratch/zig/bin:/usr/bin:/bin" "RUSTFLAGS=${RUSTFLAGS:-}" \
        cargo-zigbuild zigbuild --quiet -Zbuild-std --target "$target" "$@"
}

# wheel TARGET COMPATIBILITY: a wheel below target/platforms/wheels.
wheel() {
    in_root env PATH="$scratch/zig/bin:/usr/bin:/bin" "RUSTFLAGS=${RUSTFLAGS:-}" \
        maturin build -Z build-std --zig --target "$1" --compatibility "$2" \
        --manifest-path bindings-python/Cargo.toml --out "$scratch/wheels"
}

unpacked_wheel() {
    rm -rf "$2"
    mkdir -p "$2"
    python3 -m zipfile -e "$(ls -t "$scratch"/wheels/*"$1"*.whl | head -n 1)" "$2" &&
        cp bindings-python/examples/demo.py tests/platforms/store.py "$2/"
}

on_arm() { in_root env PARALLEL_ACCOUNT_SANDBOX="$PARALLEL_ACCOUNT_SANDBOX" QEMU_LD_PREFIX="$arm_root" "$@"; }

python_on_arm() {
    unpacked_wheel aarch64 "$scratch/python-arm64" &&
        on_arm python3 tests/platforms/programs.py "$scratch/python-arm64" .py \
            qemu-aarch64 -E "PYTHONPATH=$scratch/python-arm64" "$arm_root/usr/bin/python3"
}

node_on_arm() {
    node_package "$scratch/node-arm64" linux-arm64-gnu "$CARGO_TARGET_DIR/$arm/debug/libparallel_account_node.so" &&
        on_arm python3 tests/platforms/programs.py "$scratch/node-arm64" .mjs qemu-aarch64 "$arm_root/usr/bin/node"
}

try_arm64() {
    step "the sandbox of this machine is built" sandbox &&
        step "zig and maturin from PyPI" zig_tools &&
        step "Debian's Python and Node for arm64" debian_arm64 &&
        step "the command and Node's module are built" zig_build "$arm.2.17" -p parallel-account-cli -p parallel-account-node &&
        step "the wheel is built (manylinux2014)" wheel "$arm" manylinux2014 &&
        step "the command, from login to logout" on_arm \
            python3 tests/platforms/command.py qemu-aarch64 "$CARGO_TARGET_DIR/$arm/debug/parallel-account" &&
        step "Python: login, calls, refresh and a file" python_on_arm &&
        step "TypeScript" typescript &&
        step "Node: login, calls, refresh and a file" node_on_arm
}
