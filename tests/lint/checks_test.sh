#!/usr/bin/env bash
# Runs one of scripts/checks on made-up trees and expects it to pass the good one and to name what is wrong in the bad.
#   tests/lint/checks_test.sh includes|orphans|length|links
set -euo pipefail
checks=$(cd "$(dirname "$0")/../../scripts/checks" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

write() {
  mkdir -p "$tree/$(dirname "$1")"
  printf '%s\n' "${@:2}" >"$tree/$1"
}

fail() {
  printf 'FAILED: %s\n%s\n' "$1" "${output:-}" >&2
  exit 1
}

passes() { output=$("$@" 2>&1) || fail "should have passed: $*"; }

# fails_with TEXT COMMAND...
fails_with() {
  local text=$1
  shift
  if output=$("$@" 2>&1); then fail "should have failed: $*"; fi
  grep -qF -- "$text" <<<"$output" || fail "should have said: $text"
}

includes() {
  write core/word.h '#include <string>'
  write storage/store.h '#include "core/word.h"' '#include <SQLiteCpp/SQLiteCpp.h>'
  write agent/agent.cc '#include "storage/store.h"'
  write ingest/serve_service.cc '#include <grpcpp/grpcpp.h>' '#include "storage/store.h"'
  write tests/agent/agent_test.cc '#include "agent/agent.h"' '#include "tests/fakes/fake.h"'
  passes "$checks/includes" "$tree"

  # FILE of one line that must not be there.
  local row file line
  for row in \
    'core/bad.cc|#include "storage/store.h"' \
    'storage/bad.cc|#include "agent/agent.h"' \
    'agent/bad.cc|#include "ingest/serve.h"' \
    'ingest/bad.cc|#include "agent/agent.h"' \
    'agent/bad.cc|#include "tests/fakes/fake.h"' \
    'agent/uplink/bad.cc|#include "agent/capture/server.h"' \
    'agent/bad.h|#include <grpcpp/grpcpp.h>' \
    'ingest/acceptance/bad.cc|#include "tillwire/v1/event.pb.h"' \
    'ingest/bad.cc|#  include <sqlite3.h>' \
    'agent/bad.cc|#include <SQLiteCpp/SQLiteCpp.h>'; do
    IFS='|' read -r file line <<<"$row"
    write "$file" '// A line before it.' "$line"
    fails_with "$file:2: includes" "$checks/includes" "$tree"
    rm "$tree/$file"
  done
  write elsewhere/bad.cc '#include "core/word.h"'
  fails_with 'elsewhere/bad.cc:1: no folder rule' "$checks/includes" "$tree"
}

orphans() {
  write core/word.h ''
  write core/word.cc '#include "core/word.h"'
  write commands.json '[' '{' "  \"file\": \"$tree/core/word.cc\"," '}' ']'
  passes "$checks/orphans" "$tree" "$tree/commands.json"
  write core/lost.cc ''
  fails_with 'core/lost.cc: no CMake target' "$checks/orphans" "$tree" "$tree/commands.json"
  rm "$tree/core/lost.cc"
  write core/lost.h ''
  fails_with 'core/lost.h: nobody includes it' "$checks/orphans" "$tree" "$tree/commands.json"
}

length() {
  write core/short.cc ''
  passes "$checks/length" "$tree"
  [ -z "$output" ] || fail "should have said nothing"
  seq 500 >"$tree/core/long.cc"
  passes "$checks/length" "$tree"
  grep -qF 'warning: core/long.cc: 500 lines' <<<"$output" || fail "should have warned"
  seq 601 >"$tree/core/long.cc"
  fails_with 'core/long.cc: 601 lines' "$checks/length" "$tree"
}

links() {
  write docs/other.md ''
  # The backticks are Markdown's.
  # shellcheck disable=SC2016
  write README.md '[a](docs/other.md#part) [b](https://example.org/x) `[c](gone.md)`' '```' '[d](gone.md)' '```'
  passes "$checks/links" "$tree"
  write docs/bad.md 'Text.' 'See [this](other.md) and [that](gone.md).'
  fails_with 'docs/bad.md:2: the link to gone.md' "$checks/links" "$tree"
}

case ${1:-} in
  includes | orphans | length | links) "$1" ;;
  *) fail "no such check: ${1:-}" ;;
esac
echo "passed"
