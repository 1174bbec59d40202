#include "core/figures.h"

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

TEST_CASE("One of a thing is singular") {
  CHECK(Counted(0, "event") == "0 events");
  CHECK(Counted(1, "event") == "1 event");
  CHECK(Counted(12, "event") == "12 events");
}

}  // namespace
}  // namespace tillwire
