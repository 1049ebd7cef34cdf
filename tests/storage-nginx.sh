#!/usr/bin/env bash
# Asks nginx and the server the same conditional and range requests for the same file, and compares status, body and headers.
# Where the two differ on purpose stands in tests/storage_nginx.py. The last line is the sum.
set -uo pipefail
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here" || exit 1
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
bin=${BKEND_LOCAL:+$(realpath "$BKEND_LOCAL")}
work=$(mktemp -d) || exit 1
server=
nginx=
finish() {
  for pid in "$server" "$nginx"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

export PATH="$PATH:/usr/sbin"
if ! command -v nginx >/dev/null 2>&1 || ! command -v python3 >/dev/null 2>&1; then
  # Debian would start a server of its own on port 80.
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends nginx-light python3 >/dev/null \
    || fail "nginx and Python 3 are needed; on Debian: apt-get install nginx python3"
fi
if [ -z "$bin" ]; then
  command -v cargo >/dev/null 2>&1 || . "$HOME/.cargo/env"
  cargo build --quiet || fail "the server does not compile"
  bin=$target/debug/bkend-local
fi

"$bin" --data-dir "$work/.bkend" serve --port 0 --ready-file "$work/ready.json" --no-log-requests >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ -f "$work/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || fail "the server ended while starting: $(cat "$work/server.log")"
  sleep 0.1
done

mkdir -p "$work/www" "$work/tmp"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path $work/tmp/body; proxy_temp_path $work/tmp/proxy; fastcgi_temp_path $work/tmp/fastcgi;
  uwsgi_temp_path $work/tmp/uwsgi; scgi_temp_path $work/tmp/scgi;
  types { text/plain txt; }
  # Its default compares dates for equality only.
  if_modified_since before;
  server { listen 127.0.0.1:$port; root $work/www; }
}
CONF
[ "$(id -u)" -ne 0 ] || sed -i '1i user root;' "$work/nginx.conf"
nginx -e "$work/error.log" -p "$work" -c "$work/nginx.conf" &
nginx=$!
for _ in $(seq 100); do
  python3 -c "import socket; socket.create_connection(('127.0.0.1', $port)).close()" 2>/dev/null && break
  kill -0 "$nginx" 2>/dev/null || fail "nginx ended while starting: $(cat "$work/error.log")"
  sleep 0.1
done

python3 tests/storage_nginx.py "$work/ready.json" "$work/.bkend" "$work/www" "http://127.0.0.1:$port"
