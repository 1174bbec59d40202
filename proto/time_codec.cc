#include "proto/time_codec.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>

namespace tillwire {
namespace {

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, and the most that a Duration may hold, in seconds (their
// .proto files).
constexpr std::int64_t kMinTimestampSeconds = -62'135'596'800;
constexpr std::int64_t kMaxTimestampSeconds = 253'402'300'799;
constexpr std::int64_t kMaxDurationSeconds = 315'576'000'000;

constexpr std::int32_t kNanosPerSecond = 1'000'000'000;
constexpr std::int32_t kNanosPerMicro = 1'000;
constexpr std::int32_t kNanosPerMilli = 1'000'000;

}  // namespace

void EncodeTime(WallTime time, google::protobuf::Timestamp& wire) {
  // A Timestamp's nanoseconds count forward, also before 1970.
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  wire.set_seconds(seconds.time_since_epoch().count());
  wire.set_nanos(static_cast<std::int32_t>((time - seconds).count()) * kNanosPerMicro);
}

std::optional<WallTime> DecodeTime(const google::protobuf::Timestamp& wire) {
  if (wire.seconds() < kMinTimestampSeconds || wire.seconds() > kMaxTimestampSeconds) return std::nullopt;
  if (wire.nanos() < 0 || wire.nanos() >= kNanosPerSecond) return std::nullopt;
  return WallTime(std::chrono::seconds(wire.seconds()) +
                  std::chrono::microseconds(wire.nanos() / kNanosPerMicro));
}

std::optional<WallTime> ParseTime(const std::string& text) {
  google::protobuf::Timestamp wire;
  if (!google::protobuf::util::TimeUtil::FromString(text, &wire)) return std::nullopt;
  return DecodeTime(wire);
}

void EncodeDuration(std::chrono::milliseconds span, google::protobuf::Duration& wire) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
  wire.set_seconds(seconds.count());
  wire.set_nanos(static_cast<std::int32_t>((span - seconds).count()) * kNanosPerMilli);
}

std::chrono::milliseconds DecodeDuration(const google::protobuf::Duration& wire) {
  if (wire.seconds() < 0 || wire.nanos() < 0) return std::chrono::milliseconds(0);
  return std::chrono::seconds(std::min(wire.seconds(), kMaxDurationSeconds)) +
         std::chrono::milliseconds(wire.nanos() / kNanosPerMilli);
}

}  // namespace tillwire
