#!/usr/bin/env bash
# Runs everything that has to hold before a change lands: format, lints, all tests. Asks nothing; the last line is the sum.
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
export CARGO_TERM_COLOR=never NO_COLOR=1
passed=0
failed=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

finish() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# step NAME COMMAND…: prints the name and what the command says; its output is kept for counting.
step() {
  printf '== %s\n' "$1"
  shift
  "$@" 2>&1 | tee "$log"
  return "${PIPESTATUS[0]}"
}

# gate NAME COMMAND…: a step that counts only when it fails.
gate() { step "$@" || { failed=$((failed + 1)); printf 'FAILED: %s\n' "$1"; }; }

# sum WORD: adds up every `<n> WORD` of the summary lines given on stdin.
sum() { grep -oE "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'; }

# counted STATUS PATTERN: takes the runner's own numbers from the lines that match. A runner that failed without
# counting a failure (it did not compile, it crashed) is one failure.
counted() {
  local status=$1 lines p f
  lines=$(grep -E "$2" "$log")
  p=$(printf '%s\n' "$lines" | sum passed)
  f=$(printf '%s\n' "$lines" | sum 'failed|[0-9]+ timed out')
  [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
  passed=$((passed + p))
  failed=$((failed + f))
}

if ! step "tools" ./install.sh --tools; then
  failed=1
  finish
fi
command -v cargo >/dev/null 2>&1 || . "$HOME/.cargo/env"
cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || step "rustfmt and clippy" rustup component add rustfmt clippy

if [ -f web/package.json ]; then
  gate "console: dependencies" npm --prefix web ci --no-audit --no-fund
  gate "console: build" npm --prefix web run build
fi

gate "format" cargo fmt --check
gate "lints" cargo clippy --locked --all-targets -- -D warnings

if cargo nextest --version >/dev/null 2>&1; then
  step "tests" cargo nextest run --locked --no-fail-fast
  counted $? '^ +Summary \['
else
  step "tests" cargo test --locked --all-targets --no-fail-fast
  counted $? '^test result:'
fi
step "samples in doc comments" cargo test --locked --doc --no-fail-fast
counted $? '^test result:'

gate "generated requests against the API document" tests/schemathesis.sh
step "ranges and conditions beside nginx" tests/storage-nginx.sh
counted $? '^storage beside nginx: '
step "MCP clients" tests/mcp-clients.sh
counted $? '^MCP clients: '
step "browser" tests/browser.sh
counted $? '^Browser: '
step "mail over SMTP" tests/smtp.sh
counted $? '^SMTP: '

if [ -f web/package.json ]; then
  step "console: unit tests" npm --prefix web test
  counted $? '^ +Tests '
  if grep -q '"test:browser"' web/package.json; then
    gate "console: browser" npm --prefix web exec -- playwright install --with-deps chromium
    step "console: browser tests" npm --prefix web run test:browser
    counted $? '^ +[0-9]+ (passed|failed)'
  fi
fi

finish
