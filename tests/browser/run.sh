#!/usr/bin/env bash
# Drives the approval page in headless Chromium. Installs what it needs.
# --screenshot rewrites approval-page.png, the picture in the README, and those of docs/pictures.
set -euo pipefail
. "$(dirname "$0")/../tools.sh"
cd "$root/tests/browser"

if [ "${1:-}" = "--screenshot" ]; then
    export SCREENSHOT="$PWD/approval-page.png" PICTURES="$root/docs/pictures"
fi
export CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
build_sandbox
./setup
node_tests approval.test.mjs
if [ -n "${PICTURES:-}" ]; then
    pictures=$CARGO_TARGET_DIR/pictures-venv
    virtual_environment "$pictures" pictures.txt
    "$pictures/bin/python" fewer_colors.py "$PICTURES"/*.png
fi
counts browser
