#!/usr/bin/env bash
# What an AI client pays before it has done anything: tokens of `tools/list` and of `get_context` in a project of ten tables,
# counted by a public tokenizer; and how long a call takes. Fails above the limits of the contract (6,000 and 1,500 tokens);
# times are printed only.
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
tools=$target/mcp-tokens
bin=${BKEND_LOCAL:+$(realpath "$BKEND_LOCAL")}
work=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

if [ ! -x "$tools/bin/python" ] || ! "$tools/bin/python" -c 'import bpe_openai' 2>/dev/null; then
  python3 -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check 'bpe-openai>=0.1,<0.2' \
    || fail "the tokenizer could not be installed; it needs Python with venv and a package index"
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
"$tools/bin/python" tests/mcp_tokens.py "$work/ready.json" "$work/.bkend/secrets/operator" "$@"
