#!/usr/bin/env bash
# Drives the approval page in headless Chromium. Installs what it needs.
# --screenshot rewrites approval-page.png, the picture in the README, and those of docs/pictures.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

if [ "${1:-}" = "--screenshot" ]; then
  export SCREENSHOT="$PWD/approval-page.png" PICTURES="$root/docs/pictures"
fi
export CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
if [ -z "${PARALLEL_ACCOUNT_SANDBOX:-}" ]; then
  (cd "$root" && cargo build --quiet -p parallel-account-sandbox)
  export PARALLEL_ACCOUNT_SANDBOX="${CARGO_TARGET_DIR:-$root/target}/debug/parallel-account-sandbox"
fi
./setup

report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
node --test --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$report" approval.test.mjs || status=$?
count() { sed -n "s/^# $1 //p" "$report"; }
echo "browser: $(count pass) passed, $(count fail) failed"
if [ -n "${PICTURES:-}" ]; then
  python3 -m venv "$report.venv"
  "$report.venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
  "$report.venv/bin/python" fewer_colors.py "$PICTURES"/*.png
  rm -rf "$report.venv"
fi
exit "$status"
