#!/usr/bin/env bash
# Sends mail of an environment through a real SMTP server on loopback: each template, over STARTTLS, TLS and neither, with and
# without a password; refused, tried again after a crash, and into a server that never answers. Each check prints a line
# `ok - …` or `not ok - …`; the last line sums them up. Takes a little over a minute: that is when a refused mail is due again.
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
tools=$target/smtp-python
bin=${BKEND_LOCAL:+$(realpath "$BKEND_LOCAL")}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Debian's Python comes without venv.
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv ca-certificates >/dev/null \
    || fail "Python 3.10 or newer with venv is needed; on Debian: apt-get install python3-venv"
fi
if [ ! -x "$tools/bin/python" ] || ! "$tools/bin/python" -c 'import aiosmtpd, trustme' 2>/dev/null; then
  python3 -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement tests/smtp/requirements.txt || fail "the mail server could not be installed; it needs Python 3.10 or newer and a package index"
fi
if [ -z "$bin" ]; then
  command -v cargo >/dev/null 2>&1 || . "$HOME/.cargo/env"
  cargo build --quiet || fail "the server does not compile"
  bin=$target/debug/bkend-local
fi

"$tools/bin/python" tests/smtp/check.py "$bin" "$work"
