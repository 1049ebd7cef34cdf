#!/usr/bin/env bash
# Runs real MCP clients against a fresh server: the official TypeScript and Python SDKs, and the maintainers' conformance
# suite. Each test prints a line `ok - …` or `not ok - …`; the last line sums them up.
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
clients=$here/tests/mcp-clients
python=$target/mcp-python
bin=${BKEND_LOCAL:+$(realpath "$BKEND_LOCAL")}
work=$(mktemp -d) || exit 1
server=
proxy=
trap '[ -z "$proxy" ] || kill "$proxy" 2>/dev/null; [ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Debian's Python comes without venv, and a small machine without Node.
if ! command -v npm >/dev/null 2>&1 || ! command -v curl >/dev/null 2>&1 || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv nodejs npm curl ca-certificates >/dev/null \
    || fail "Node with npm, Python 3.10 or newer with venv, and curl are needed; on Debian: apt-get install nodejs npm python3-venv curl"
fi
npm --prefix "$clients" ci --no-audit --no-fund --loglevel error >/dev/null || fail "the packages of tests/mcp-clients could not be installed; npm and a package index are needed"
# The conformance suite needs a newer Node than distributions have; it comes as a package.
PATH=$clients/node_modules/.bin:$PATH
if [ ! -x "$python/bin/python" ] || ! "$python/bin/python" -c 'import mcp' 2>/dev/null; then
  python3 -m venv "$python" && "$python/bin/pip" install --quiet --disable-pip-version-check --requirement "$clients/requirements.txt" || fail "the Python SDK could not be installed; it needs Python 3.10 or newer and a package index"
fi
if [ -z "$bin" ]; then
  command -v cargo >/dev/null 2>&1 || . "$HOME/.cargo/env"
  cargo build --quiet || fail "the server does not compile"
  bin=$target/debug/bkend-local
fi

data=$work/.bkend
"$bin" --data-dir "$data" serve --port 0 --ready-file "$work/ready.json" --no-log-requests --no-secrets >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ -f "$work/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || fail "the server ended while starting: $(cat "$work/server.log")"
  sleep 0.1
done
url=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).url' "$work/ready.json") || fail "the server did not become ready"
token=$(cd "$work" && "$bin" --data-dir "$data" token create clients --json | node -p 'JSON.parse(require("fs").readFileSync(0)).token') || fail "no token could be made"
OPERATOR_TOKEN=$(cat "$data/secrets/operator")
export OPERATOR_TOKEN

: >"$work/results"
# client NAME COMMAND…: its lines are kept for the sum; one that ends badly without saying why is one failure.
client() {
  printf '== %s\n' "$1"
  "${@:2}" 2>&1 | tee "$work/said"
  local status=${PIPESTATUS[0]}
  grep -E '^(not )?ok - ' "$work/said" >>"$work/results"
  [ "$status" -eq 0 ] || grep -q '^not ok - ' "$work/said" || printf 'not ok - %s ended with %s\n' "$1" "$status" | tee -a "$work/results"
}

# The suite knows no tokens: a proxy adds one. What this server does not offer by contract stands in the file of expected
# failures; a scenario that fails unexpectedly, or works unexpectedly, is a failure.
conformance_suite() {
  (cd "$work" && conformance server --url "$(cat "$work/proxy")/mcp" --suite all --expected-failures "$clients/conformance-expected-failures.yml" --output-dir "$work/conformance") >"$work/suite" 2>&1
  local status=$?
  cat "$work/suite"
  if [ "$status" -eq 0 ]; then printf 'ok - conformance suite\n'; else printf 'not ok - conformance suite\n'; fi
  return "$status"
}

node "$clients/proxy.mjs" "$url" "$token" >"$work/proxy" &
proxy=$!
for _ in $(seq 100); do [ -s "$work/proxy" ] && break; sleep 0.1; done

client "TypeScript SDK" node "$clients/typescript.mjs" "$url" "$token" "$data" "$bin"
client "Python SDK" "$python/bin/python" "$clients/python_sdk.py" "$url" "$token" "$data" "$bin"
client "conformance suite" conformance_suite

kill -0 "$server" 2>/dev/null || printf 'not ok - the server is gone: %s\n' "$(tail -5 "$work/server.log")" | tee -a "$work/results"
passed=$(grep -c '^ok - ' "$work/results")
failed=$(grep -c '^not ok - ' "$work/results")
printf 'MCP clients: %s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
