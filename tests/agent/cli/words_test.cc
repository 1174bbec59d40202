#include "agent/cli/words.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("Spans are told in the units that people use") {
  CHECK(SpanInWords(seconds(-5)) == "0 s");
  CHECK(SpanInWords(seconds(59)) == "59 s");
  CHECK(SpanInWords(minutes(12) + seconds(59)) == "12 min");
  CHECK(SpanInWords(hours(3)) == "3 h");
  CHECK(SpanInWords(hours(3) + minutes(5)) == "3 h 5 min");
  CHECK(SpanInWords(hours(48)) == "2 days");
}

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

}  // namespace
}  // namespace tillwire
