#!/usr/bin/env bash
# Signs in, in a real browser, against a fresh server. Each case prints a line `ok - …` or `not ok - …`; the last line sums
# them up. `tests/browser.sh NAME` runs the case files whose name contains NAME.
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
cases=$here/tests/browser
bin=${BKEND_LOCAL:+$(realpath "$BKEND_LOCAL")}
work=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  printf 'Browser: 0 passed, 1 failed\n'
  exit 1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ] || ! command -v npm >/dev/null 2>&1; then
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium nodejs npm ca-certificates >/dev/null \
    || fail "Chromium and Node 20 or newer with npm are needed; on Debian: apt-get install chromium nodejs npm. CHROMIUM=<path> names another Chromium."
  browser=$(command -v chromium) || fail "Chromium was installed, but there is no command chromium; CHROMIUM=<path> names it"
fi
npm --prefix "$cases" ci --no-audit --no-fund --loglevel error >/dev/null || fail "the package of tests/browser could not be installed; npm and a package index are needed"
if [ -z "$bin" ]; then
  command -v cargo >/dev/null 2>&1 || . "$HOME/.cargo/env"
  cargo build --quiet || fail "the server does not compile"
  bin=$target/debug/bkend-local
fi

hex() { node -p 'require("crypto").randomBytes(32).toString("hex")'; }
BKEND_PUBLISHABLE_KEY=pk_$(hex)
BKEND_SECRET_KEY=sk_$(hex)
export BKEND_PUBLISHABLE_KEY BKEND_SECRET_KEY
"$bin" --data-dir "$work/.bkend" serve --port 0 --ready-file "$work/ready.json" --no-log-requests --no-secrets >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ -f "$work/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || fail "the server ended while starting: $(cat "$work/server.log")"
  sleep 0.1
done
[ -f "$work/ready.json" ] || fail "the server did not become ready: $(tail -5 "$work/server.log")"

READY=$work/ready.json CHROMIUM=$browser BKEND_LOCAL=$bin DATA_DIR=$work/.bkend node "$cases/run.mjs" "$@" 2>&1 | tee "$work/said"
status=${PIPESTATUS[0]}
passed=$(grep -c '^ok - ' "$work/said")
failed=$(grep -c '^not ok - ' "$work/said")
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
  printf 'not ok - the cases ended with %s\n' "$status"
  failed=1
fi
kill -0 "$server" 2>/dev/null || { printf 'not ok - the server is gone: %s\n' "$(tail -5 "$work/server.log")"; failed=$((failed + 1)); }
printf 'Browser: %s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
