#!/usr/bin/env bash
# The whole job four times against a local Parallel, whose user approves after a second.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
check_tools
start_sandbox --interval 1 --approve-after 1 --access-token-lifetime 3 ${SANDBOX_ARGS:-}
echo "A local Parallel listens on $PARALLEL_PLATFORM_URL."

failed=""
demo() {
    printf '\n==== %s ====\n' "$1"
    shift
    "$@" 2>&1 || failed="$failed $language"
}

language=Rust
demo "$language" cargo run --quiet -p parallel-account --example demo
language=Python
demo "$language" bindings-python/tools/demo
language=Node
demo "$language" bindings-node/tools/demo
language=Swift
if [ "${SKIP_SWIFT:-}" = 1 ]; then
    printf '\n==== Swift ====\nleft out, as SKIP_SWIFT=1 says\n'
else
    demo "$language" bindings-swift/tools/demo
fi

if [ -n "$failed" ]; then
    printf '\nThe demo failed in:%s\n' "$failed" >&2
    exit 1
fi
