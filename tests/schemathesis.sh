#!/usr/bin/env bash
# Sends generated requests for every operation of /openapi.json to a seeded server: no answer may be a 5xx, and each has to
# be what the document says. `EXAMPLES` is the number of requests per operation and phase. The requests are the same in every
# run; `SEED=$RANDOM` draws others.
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
tools=$target/schemathesis
bin=${BKEND_LOCAL:+$(realpath "$BKEND_LOCAL")}
seed=${SEED:-6213}
examples=${EXAMPLES:-12}
work=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Debian's Python comes without venv, and a small machine without curl.
if ! command -v curl >/dev/null 2>&1 || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv curl ca-certificates >/dev/null \
    || fail "Python 3.10 or newer with venv, and curl, are needed; on Debian: apt-get install python3-venv curl"
fi
# A target folder that was moved takes programs along that point to where they were.
if ! "$tools/bin/schemathesis" --version >/dev/null 2>&1; then
  python3 -m venv --clear "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5' || fail "schemathesis could not be installed; it needs Python 3.10 or newer and a package index"
fi
if [ -z "$bin" ]; then
  command -v cargo >/dev/null 2>&1 || . "$HOME/.cargo/env"
  cargo build --quiet || fail "the server does not compile"
  bin=$target/debug/bkend-local
fi

"$bin" --data-dir "$work/.bkend" serve --port 0 --ready-file "$work/ready.json" --no-log-requests --no-secrets >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ -f "$work/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || fail "the server ended while starting: $(cat "$work/server.log")"
  sleep 0.1
done
ready() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/ready.json" "$1"; }
url=$(ready url) || fail "the server did not become ready"
project=$(ready projectId)
operator=$(cat "$work/.bkend/secrets/operator")
environment=$url/management/v1/projects/$project/environments/dev

# call STATUS METHOD URL BODY HEADER: one request of the seed; prints the answer.
call() {
  local answer
  answer=$(curl -sS -w '\n%{http_code}' -X "$2" -H "$5" -H 'Content-Type: application/json' -d "$4" "$3") || fail "$2 $3 failed"
  [ "${answer##*$'\n'}" = "$1" ] || fail "$2 $3 answered $answer"
  printf '%s\n' "${answer%$'\n'*}"
}

as_operator="Authorization: Bearer $operator"
call 201 POST "$environment/tables" '{ "tableName": "plants", "schema": { "name": { "type": "string", "maxLength": 200 }, "height": "int", "price": "number", "tags": ["string"], "bought": "date" } }' "$as_operator" >/dev/null
key=$(call 201 POST "$environment/keys" '{ "name": "schemathesis", "type": "secret" }' "$as_operator" | python3 -c 'import json, sys; key = json.load(sys.stdin); print(key.get("key") or key.get("value"))')
as_key="X-API-Key: $key"
for n in 1 2 3; do
  call 201 POST "$url/v1/data/plants" '{ "id": "plant'$n'", "name": "Fern", "height": '$n', "price": 1.5, "tags": ["wet"], "bought": "2026-03-01" }' "$as_key" >/dev/null
done
organization=$(curl -sS -H "$as_operator" "$url/management/v1/organizations" | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')

cat >"$work/schemathesis.toml" <<TOML
color = false

[parameters]
"path.table" = "plants"
"path.projectId" = "$project"
"path.organizationId" = "$organization"
"path.environment" = "dev"
TOML

status=0
# run NAME PATHS HEADER OPTION…: all operations whose path matches.
run() {
  printf '== %s (seed %s)\n' "$1" "$seed"
  # What it remembers between runs belongs to the tool, not to the sources.
  (cd "$work" && "$tools/bin/schemathesis" --config-file "$work/schemathesis.toml" run "$url/openapi.json" --include-path-regex "$2" -H "$3" "${@:4}" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing --max-examples "$examples" --seed "$seed" --workers 2 --warnings off --generation-database none) || status=1
}
run "data" '^/v1/(data|\{table\}|transaction)' "$as_key"
run "server" '^/(healthz|readyz|metrics|openapi\.json)' "X-None: 1"
# What would take the server's only project, or its own credentials, from under the other requests has tests of its own.
run "management" '^/management/' "$as_operator" --exclude-method DELETE --exclude-path-regex '(/transfer|/leave|/signout|/shutdown|/restore|/reset|/clone)$'

kill -0 "$server" 2>/dev/null || { printf 'the server is gone: %s\n' "$(tail -5 "$work/server.log")" >&2; status=1; }
exit "$status"
