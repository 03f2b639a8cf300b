#!/usr/bin/env bash
# Many processes share users' logins in Redis, Postgres and SQLite. --long for the long form; names
# of tests (Fleet.test_redis_one_user) for some of them.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root"
if [ "${1:-}" = --long ]; then
    export FLEET=long
    shift
fi
here=$root/tests/fleet
place=$CARGO_TARGET_DIR/fleet
mkdir -p "$place"
build_sandbox
cargo build --quiet -p parallel-account-stores --features deadpool,redis --example fleet-worker

bindings-python/tools/setup
python=$CARGO_TARGET_DIR/venv/bin/python
install_requirements "$CARGO_TARGET_DIR/venv" "$here/requirements.txt" "$place/requirements.txt"

cp "$here/package.json" "$here/worker.mjs" "$place/"
bindings-node/tools/install "$place"

# What node:sqlite needs is in Node from version 22.13 on.
languages="python asyncio"
if node -e 'require("node:sqlite")' 2>/dev/null; then languages="$languages node"; fi
export FLEET_SQLITE_LANGUAGES=$languages
FLEET_WORKERS="{\"rust\": [\"$CARGO_TARGET_DIR/debug/examples/fleet-worker\"],
    \"python\": [\"$python\", \"$here/worker.py\", \"blocking\"],
    \"asyncio\": [\"$python\", \"$here/worker.py\", \"asyncio\"],
    \"node\": [\"node\", \"$place/worker.mjs\"]}"
export FLEET_WORKERS
export PYTHONDONTWRITEBYTECODE=1
exec "$python" "$here/fleet.py" "$@"
