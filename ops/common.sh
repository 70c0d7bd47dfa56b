# Shared by the scripts in this folder: where things are, and plain words.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export CRM_DATA_DIR="${CRM_DATA_DIR:-$ROOT/data}"

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# help "$@": prints the script's own heading when asked to.
help() {
  case "${1:-}" in -h | --help) sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; exit 0 ;; esac
}

# no_options "$@": for a script that takes none.
no_options() { [ $# -eq 0 ] || die "unknown option: $1; see --help"; }

# need COMMAND HINT: a missing tool is named together with what it is for.
need() { command -v "$1" >/dev/null 2>&1 || die "$1 is missing: $2"; }

# wants COMMAND PACKAGES...: what Debian calls it, should it be missing; fetch_missing installs all of them.
missing=()
wants() { command -v "$1" >/dev/null 2>&1 || missing+=("${@:2}"); }
fetch_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    die "please install: ${missing[*]} (Debian: sudo apt-get install --no-install-recommends ${missing[*]})"
  fi
  say "== installing ${missing[*]}"
  apt-get update -qq || die "apt-get update failed"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "could not install: ${missing[*]}"
}

# program NAME ARGUMENTS...: the release build, else the debug build, else the installed one.
program() {
  local name=$1 bin
  shift
  for bin in "$ROOT/target/release/$name" "$ROOT/target/debug/$name" "$(command -v "$name" || true)"; do
    if [ -x "$bin" ]; then CRM_LOG="${CRM_LOG:-warn}" "$bin" "$@"; return; fi
  done
  die "$name is not built: run ops/run once, or cargo build --release"
}
worker() { program crm-worker "$@"; }
api() { program crm-api "$@"; }

front_end() {
  need node "install Node.js 20 or later, for the front-end bundle"
  need npm "it comes with Node.js"
  cd "$ROOT/static"
  if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || die "the front end's packages could not be fetched"
  fi
  npm run build --silent || die "the front end was not built"
  cd "$ROOT"
}

# What the checks of mail run against: found messages, and somebody else's Gmail.
peers() {
  need npm "install Node.js 20 or later"
  if [ ! -d "$ROOT/ops/peers/node_modules" ] || [ "$ROOT/ops/peers/package-lock.json" -nt "$ROOT/ops/peers/node_modules/.package-lock.json" ]; then
    (cd "$ROOT/ops/peers" && npm ci --ignore-scripts --no-audit --no-fund --silent) || die "the peers of the tests could not be fetched"
  fi
}
