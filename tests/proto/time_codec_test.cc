#include "proto/time_codec.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <catch2/catch.hpp>
#include <limits>

namespace tillwire {
namespace {

TEST_CASE("Times travel unchanged to the microsecond, also before 1970") {
  const std::int64_t micros = GENERATE(0, 1, -1, 1'780'000'000'123'456, -1'780'000'000'123'456);
  google::protobuf::Timestamp wire;
  EncodeTime(FromMicros(micros), wire);
  CHECK(wire.nanos() >= 0);
  CHECK(DecodeTime(wire) == FromMicros(micros));
}

TEST_CASE("A time that a Timestamp may not hold is none") {
  google::protobuf::Timestamp wire;
  wire.set_seconds(std::numeric_limits<std::int64_t>::max());
  CHECK_FALSE(DecodeTime(wire));
  wire.set_seconds(0);
  wire.set_nanos(1'000'000'000);
  CHECK_FALSE(DecodeTime(wire));
  wire.set_nanos(-1);
  CHECK_FALSE(DecodeTime(wire));
}

TEST_CASE("Spans travel unchanged to the millisecond, and are cut to their range") {
  google::protobuf::Duration wire;
  EncodeDuration(std::chrono::milliseconds(1'234), wire);
  CHECK(wire.seconds() == 1);
  CHECK(DecodeDuration(wire) == std::chrono::milliseconds(1'234));
  wire.set_seconds(-5);
  CHECK(DecodeDuration(wire) == std::chrono::milliseconds(0));
  wire.set_seconds(std::numeric_limits<std::int64_t>::max());
  CHECK(DecodeDuration(wire) > std::chrono::hours(24 * 365 * 9'000));
}

TEST_CASE("A time is read as RFC 3339 writes it") {
  CHECK(ParseTime("2026-05-04T14:02:00+02:00") == FromMicros(1'777'896'120'000'000));
  CHECK(ParseTime("2026-05-04T12:02:00.5Z") == FromMicros(1'777'896'120'500'000));
  CHECK_FALSE(ParseTime("noon"));
  CHECK_FALSE(ParseTime(""));
}

}  // namespace
}  // namespace tillwire
