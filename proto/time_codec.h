// Times and spans, between std::chrono and protobuf's well-known types.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/clock.h"

namespace google::protobuf {
class Duration;
class Timestamp;
}  // namespace google::protobuf

namespace tillwire {

void EncodeTime(WallTime time, google::protobuf::Timestamp& wire);
// Parts of a microsecond are dropped. Nothing if the time is outside the years 1 to 9999, which is all that a
// Timestamp may hold.
std::optional<WallTime> DecodeTime(const google::protobuf::Timestamp& wire);

// RFC 3339, as "2026-05-04T14:02:00+02:00". Nothing if the text is no such time.
std::optional<WallTime> ParseTime(const std::string& text);

void EncodeDuration(std::chrono::milliseconds span, google::protobuf::Duration& wire);
// Parts of a millisecond are dropped; what is negative or beyond 10,000 years is cut to that range.
std::chrono::milliseconds DecodeDuration(const google::protobuf::Duration& wire);

}  // namespace tillwire
