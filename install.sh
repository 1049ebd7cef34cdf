#!/usr/bin/env bash
# Builds bkend-local from this checkout and installs it. Safe to run again: it replaces the binary, nothing else.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
called_from=$PWD
need_rust=1.95
need_node=20

usage() {
  cat <<'USAGE'
Usage: ./install.sh [--serve [flags of serve…]] | [--tools] | [--help]

  (nothing)   build the release binary and install it
  --serve     the same, then run `bkend-local serve` in the folder you called this from
  --tools     only make sure that compiler and friends are there

The binary goes to $BKEND_INSTALL_DIR; by default ~/.local/bin, for root /usr/local/bin.
USAGE
}

say() { printf '%s\n' "$*" >&2; }
fail() { say "install.sh: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANTED: compares the first two numbers of two versions.
at_least() {
  local a b
  a=$(printf '%s' "$1" | sed -E 's/^[^0-9]*([0-9]+)(\.([0-9]+))?.*/\1 \3/')
  b=$(printf '%s' "$2" | sed -E 's/^[^0-9]*([0-9]+)(\.([0-9]+))?.*/\1 \3/')
  set -- $a 0 0
  local major=$1 minor=$2
  set -- $b 0 0
  [ "$major" -gt "$1" ] || { [ "$major" -eq "$1" ] && [ "$minor" -ge "$2" ]; }
}

# debian_install WHAT_FOR PACKAGE…: installs with apt-get where that is possible, else says how to get it.
debian_install() {
  local purpose=$1 as_root=""
  shift
  have apt-get || fail "$purpose is missing; install it with your system's package manager (on Debian and Ubuntu: $*) and run this again."
  if [ "$(id -u)" -ne 0 ]; then
    have sudo || fail "$purpose is missing; as root run: apt-get install -y $*"
    { [ -t 0 ] || sudo -n true 2>/dev/null; } || fail "$purpose is missing and sudo would ask for a password; run: sudo apt-get install -y $*"
    as_root=sudo
  fi
  say "Installing $purpose: apt-get install $*"
  $as_root apt-get update -qq || say "apt-get update failed; trying with the package lists that are there."
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null \
    || fail "apt-get could not install $* ($purpose); install it by hand and run this again."
}

ensure_c_compiler() {
  have cc || have clang || have gcc || debian_install "a C compiler (SQLite is compiled from source)" gcc libc6-dev make
  if ! printf '#include <stdio.h>\nint main(void) { return 0; }\n' | ${CC:-cc} -x c -fsyntax-only - 2>/dev/null; then
    debian_install "the C library's headers" gcc libc6-dev make
  fi
}

rust_is_good() { have cargo && have rustc && at_least "$(rustc --version 2>/dev/null | cut -d' ' -f2)" "$need_rust"; }

ensure_rust() {
  rust_is_good && return
  # A fresh rustup is not on the PATH of shells that were open before it.
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  rust_is_good && return
  if have rustup; then
    say "Rust $need_rust or newer is needed; updating the stable toolchain with rustup."
    rustup toolchain install stable --profile minimal --component clippy --component rustfmt \
      || fail "rustup could not update Rust; check the network and run: rustup update stable"
    export RUSTUP_TOOLCHAIN=stable
  else
    have curl || debian_install "curl (it fetches the Rust installer)" curl ca-certificates
    say "Rust $need_rust or newer is needed; installing it for this user with rustup."
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs \
      | sh -s -- -y --no-modify-path --profile minimal --component clippy --component rustfmt \
      || fail "Rust could not be installed; check the network, or install Rust $need_rust from https://rustup.rs and run this again."
    . "$HOME/.cargo/env"
  fi
  rust_is_good || fail "Rust $need_rust or newer is needed, but \`rustc --version\` says: $(rustc --version 2>&1 | head -n 1). Install it from https://rustup.rs."
}

ensure_node() {
  [ -f "$here/web/package.json" ] || return 0
  have node && have npm || debian_install "Node.js with npm (it builds the console)" nodejs npm
  at_least "$(node --version)" "$need_node" || fail "the console needs Node.js $need_node or newer, but \`node --version\` says $(node --version); get it from https://nodejs.org."
}

build() {
  if [ -f "$here/web/package.json" ]; then
    say "Building the console…"
    (cd "$here/web" && npm ci --no-audit --no-fund && npm run build) >&2 || fail "the console did not build; its messages are above."
  fi
  say "Building bkend-local (the first build takes a few minutes)…"
  cargo build --release --locked --manifest-path "$here/Cargo.toml" || fail "the build failed; the compiler's messages are above."
}

binary() {
  local target
  target=$(cargo metadata --format-version 1 --no-deps --manifest-path "$here/Cargo.toml" | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
  printf '%s/release/bkend-local' "${target:-$here/target}"
}

install_binary() {
  local dir=$1 built
  built=$(binary)
  mkdir -p "$dir" 2>/dev/null && [ -w "$dir" ] || fail "cannot write to $dir; set BKEND_INSTALL_DIR to a folder of yours and run this again."
  # Beside the old one, then renamed: a bkend-local that is running keeps its file.
  install -m 755 "$built" "$dir/.bkend-local.new" && mv -f "$dir/.bkend-local.new" "$dir/bkend-local" \
    || fail "could not copy the binary to $dir; is the disk full?"
  say "Installed $dir/bkend-local"
  case ":$PATH:" in
    *":$dir:"*) ;;
    *) say "$dir is not on your PATH; add it with: export PATH=\"$dir:\$PATH\"" ;;
  esac
}

main() {
  local serve=no
  case "${1:-}" in
    "") ;;
    --serve) serve=yes; shift ;;
    --tools) ensure_c_compiler; ensure_rust; ensure_node; return ;;
    -h | --help) usage; return ;;
    *) usage >&2; fail "unknown argument: $1" ;;
  esac
  local dir=${BKEND_INSTALL_DIR:-}
  if [ -z "$dir" ]; then
    if [ "$(id -u)" -eq 0 ]; then dir=/usr/local/bin; else dir=$HOME/.local/bin; fi
  fi
  case "$dir" in /*) ;; *) dir=$called_from/$dir ;; esac
  ensure_c_compiler
  ensure_rust
  ensure_node
  build
  install_binary "$dir"
  if [ "$serve" = yes ]; then
    cd "$called_from"
    exec "$dir/bkend-local" serve "$@"
  fi
  say "Start it with: bkend-local serve"
}

main "$@"
