# Sourced by run.sh. There is no Python and no Node for musl in Debian: the command runs with Debian's
# musl, Node's module is loaded by a program of musl's, and of both modules every symbol that they
# want from outside must be musl's, the interpreter's, or the compiler's.

musl=x86_64-unknown-linux-musl
musl_libc=/lib/ld-musl-x86_64.so.1
libraries_of() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

musl_build() {
    # Modules are loaded by a program that has its libc already.
    RUSTFLAGS="-C target-feature=-crt-static" zig_build "$musl" -p parallel-account-cli -p parallel-account-node
}

musl_wheel() { RUSTFLAGS="-C target-feature=-crt-static" wheel "$musl" musllinux_1_2; }

# symbols_of FILE PREFIX: what FILE wants and musl has not, other than what begins with PREFIX.
foreign_symbols() {
    in_root sh -c '
        nm -D --undefined-only "$1" | sed "s/@.*//" | awk "\$1 == \"U\" {print \$2}" | sort >"$3.wanted"
        nm -D --defined-only "$4" | awk "{print \$3}" | sed "s/@.*//" | sort >"$3.musl"
        comm -23 "$3.wanted" "$3.musl" | grep -v "^$2" >"$3.foreign"
        if [ -s "$3.foreign" ]; then echo "neither of musl nor ${2}…:"; cat "$3.foreign"; exit 1; fi
        echo "> $(wc -l <"$3.wanted") symbols: all of musl or ${2}…"
    ' sh "$1" "$2" "$scratch/symbols" "$musl_libc"
}

no_library_but_libc() {
    local library
    for library in $(libraries_of "$1"); do
        case $library in
        libc.so | ld-musl-*) ;;
        *) echo "$1 needs $library"; return 1 ;;
        esac
    done
}

musl_symbols() {
    local node=$CARGO_TARGET_DIR/$musl/debug/libparallel_account_node.so
    unpacked_wheel musllinux "$scratch/python-musl" || return
    local python
    python=$(ls "$scratch"/python-musl/parallel_account/_native*.so)
    no_library_but_libc "$node" && foreign_symbols "$node" napi_ &&
        no_library_but_libc "$python" && foreign_symbols "$python" _*Py
}

musl_load() {
    cat >"$scratch/load.c" <<'C'
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    void *module = count > 1 ? dlopen(arguments[1], RTLD_NOW) : 0;
    if (!module || !dlsym(module, "napi_register_module_v1")) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    return 0;
}
C
    in_root sh -c '"$1/zig/bin/python" -m ziglang cc -target x86_64-linux-musl -dynamic -o "$1/load" "$1/load.c" && "$2" "$1/load" "$3"' \
        sh "$scratch" "$musl_libc" "$CARGO_TARGET_DIR/$musl/debug/libparallel_account_node.so"
}

musl_command() {
    in_root env PARALLEL_ACCOUNT_SANDBOX="$PARALLEL_ACCOUNT_SANDBOX" \
        python3 tests/platforms/command.py "$musl_libc" "$CARGO_TARGET_DIR/$musl/debug/parallel-account"
}

try_musl() {
    . "$here/arm64.sh"
    step "the sandbox of this machine is built" sandbox &&
        step "zig and maturin from PyPI" zig_tools &&
        step "the command and Node's module are built" musl_build &&
        step "the wheel is built (musllinux_1_2)" musl_wheel &&
        step "the command, from login to logout" musl_command &&
        step "the modules want nothing that is not there" musl_symbols &&
        step "Node's module is loaded" musl_load
}
