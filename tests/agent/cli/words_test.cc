#include "agent/cli/words.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

using std::chrono::hours;

TEST_CASE("The day of a time is told if it is not today") {
  const WallTime now = FromMicros(1'780'000'000'000'000);
  CHECK(TimeInWords(now, now).size() == std::string("14:02:11").size());
  CHECK(TimeInWords(now - hours(24), now).size() == std::string("2026-05-04 14:02:11").size());
}

TEST_CASE("Sizes are told in the largest unit") {
  CHECK(BytesInWords(0) == "0 B");
  CHECK(BytesInWords(1023) == "1023 B");
  CHECK(BytesInWords(1536) == "1.5 KiB");
  CHECK(BytesInWords(2ULL << 30) == "2 GiB");
}

TEST_CASE("Texts fit their columns") {
  CHECK(Counted(0, "event") == "0 events");
  CHECK(Counted(1, "event") == "1 event");
  CHECK(Columns("caf\xC3\xA9") == 4);
  CHECK(Cut("caf\xC3\xA9", 4) == "caf\xC3\xA9");
  CHECK(Cut("caf\xC3\xA9s", 4) == "ca..");
  CHECK(Cut("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 3) == "\xC3\xA9..");
  CHECK(Cut("abc", 1) == ".");
  CHECK(Cut("abc", 0).empty());
  CHECK(Padded("ab", 4) == "ab  ");
  CHECK(Padded("abcde", 4) == "ab..");
  CHECK(Wrapped("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(Wrapped("  ", 7).empty());
}

}  // namespace
}  // namespace tillwire
