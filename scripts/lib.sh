# shellcheck shell=bash
# Shared by the scripts in this folder: where things are, how to talk to people, and what must be installed.
# Sourced, never run.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The scripts that source this file read these two.
# shellcheck disable=SC2034
build_dir=${TILLWIRE_BUILD_DIR:-$root/build}
# shellcheck disable=SC2034
jobs=$(nproc 2>/dev/null || echo 2)
export DEBIAN_FRONTEND=noninteractive

# Debian 12's names. What a package is for: CONTRIBUTING.md.
build_packages=(g++ cmake ninja-build ccache pkg-config libasio-dev libssl-dev libsqlite3-dev libsqlitecpp-dev
  protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libgrpc++-dev libcli11-dev libtomlplusplus-dev
  libspdlog-dev libfmt-dev nlohmann-json3-dev prometheus-cpp-dev libcpp-httplib-dev catch2)
lint_packages=(clang-format-19 clang-tidy-19 shellcheck)
# The compiler of the build with AddressSanitizer, and what names the lines in its findings.
clang_packages=(clang-19 libclang-rt-19-dev llvm-19)
node_packages=(nodejs npm)
# For tests: certificates, a clock that is wrong, hosts of their own (ip), the examples in Python, and the model checker.
test_packages=(openssl faketime iproute2 python3 python3-grpcio python3-protobuf spin)
oldest_node=18

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Whether a usable node and npm are on PATH, wherever they came from.
have_node() {
  local version
  command -v npm >/dev/null && version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  [ "${version%%.*}" -ge "$oldest_node" ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing packages needs root; run as root once, or install by hand: $*"
  fi
}

# The packages among the arguments that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

install_packages() {
  say "installing: $*"
  local install=(apt-get install -y -q --no-install-recommends "$@")
  # Package lists may be absent or out of date; they are fetched only where that stands in the way.
  if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && as_root "${install[@]}" </dev/null; then
    return
  fi
  say "refreshing the package lists"
  as_root apt-get update -q </dev/null
  as_root "${install[@]}" </dev/null
}

# ensure_packages GROUP...: installs what is missing of the groups build, lint, clang, node and test. Quick when nothing is.
ensure_packages() {
  local wanted=() group missing
  for group in "$@"; do
    case $group in
      build) wanted+=("${build_packages[@]}") ;;
      lint) wanted+=("${lint_packages[@]}") ;;
      clang) wanted+=("${clang_packages[@]}") ;;
      node) have_node || wanted+=("${node_packages[@]}") ;;
      test) wanted+=("${test_packages[@]}") ;;
      *) die "unknown package group $group" ;;
    esac
  done
  if ! command -v dpkg-query >/dev/null; then
    warn "not a Debian system; this is needed and not checked: ${wanted[*]}"
    return
  fi
  [ "${#wanted[@]}" -gt 0 ] || return 0
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}"
  if [[ " $* " == *" node "* ]] && ! have_node; then
    die "Node.js $oldest_node or newer and npm are needed; found: $(node --version 2>/dev/null || echo none)"
  fi
}

# npm_install FOLDER: installs exactly what the folder's lock file names, unless that has been done.
npm_install() {
  local folder=$1 stamp=$1/node_modules/.tillwire-installed
  if [ -e "$stamp" ] && [ ! "$folder/package-lock.json" -nt "$stamp" ]; then
    return
  fi
  say "npm ci in ${folder#"$root"/}"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null) && touch "$stamp"
}
