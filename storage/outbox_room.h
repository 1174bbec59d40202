// How much the outbox can still take, and what it gives up first when that becomes little.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"

namespace tillwire {

// What an event is, as far as it decides which captures are refused first.
enum class CaptureKind {
  kCancellation,
  kBinClear,  // physical, and can be entered later: refused before any cancellation is
};

// From plenty to nothing. Each stage does what those before it do.
enum class RoomStage {
  kPlenty,
  kPruningEarly,      // delivered events go before their retention ends
  kBinClearsRefused,  // what is left is kept for cancellations
  kCapturesRefused,   // what is left is kept for delivery
};

// The stage as an upper-case word, for logs.
const char* RoomStageName(RoomStage stage);

struct RoomLimits {
  std::uint64_t max_bytes = 0;      // of the outbox, for captures
  std::uint64_t reserve_bytes = 0;  // the log's length, for what must go on at zero bytes free
};

// What the outbox's file holds beyond what is in use, for delivery alone: marking, parking, upkeep.
constexpr std::uint64_t DrainBytes(std::uint64_t reserve_bytes) {
  return reserve_bytes / 4;
}

struct RoomMeasure {
  std::uint64_t used_bytes = 0;               // of the outbox's file
  std::uint64_t held_bytes = 0;               // of that file, on the disk but not in use
  std::uint64_t log_bytes = 0;                // length of the log
  std::optional<std::uint64_t> free_on_disk;  // beside those files; nothing where it is not known
};

struct OutboxRoom {
  enum class Bound { kOutbox, kDisk };  // which of the two is nearer

  RoomStage stage = RoomStage::kPlenty;
  Bound bound = Bound::kOutbox;
  std::uint64_t bytes = 0;  // that captures can still take, at most; delivery's own part is not in it

  // What a caller is told whose capture of that kind is refused; nothing if it is not.
  [[nodiscard]] std::optional<Error> Refusal(CaptureKind kind) const;
  // What is the matter and what would help, for people; both empty with kPlenty.
  [[nodiscard]] std::string Reason() const;
  [[nodiscard]] std::string Remedy() const;

  RoomLimits limits;
};

// A stage ends a little later than it began, so that it does not come and go with each capture.
OutboxRoom JudgeRoom(const RoomMeasure& measure, const RoomLimits& limits, RoomStage before);

}  // namespace tillwire
