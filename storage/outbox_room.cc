#include "storage/outbox_room.h"

#include <algorithm>

#include "core/figures.h"

namespace tillwire {
namespace {

// Stages in steps: the reserve, and where the outbox may not grow large a part of what it may.
constexpr std::uint64_t kStepsOfOutbox = 64;
constexpr std::uint64_t kPruneBelowSteps = 8;
constexpr std::uint64_t kClearsBelowSteps = 2;

struct Nearness {
  std::uint64_t bytes = 0;
  std::uint64_t step = 1;

  // The stage that holds where each bound lies `slack` higher than usual.
  [[nodiscard]] RoomStage Stage(std::uint64_t slack) const {
    if (bytes <= slack) return RoomStage::kCapturesRefused;
    if (bytes < kClearsBelowSteps * step + slack) return RoomStage::kBinClearsRefused;
    if (bytes < kPruneBelowSteps * step + slack) return RoomStage::kPruningEarly;
    return RoomStage::kPlenty;
  }
  [[nodiscard]] RoomStage StageAfter(RoomStage before) const {
    const RoomStage now = Stage(0);
    return now >= before ? now : std::min(before, Stage(step / 4));
  }
};

std::uint64_t Minus(std::uint64_t from, std::uint64_t what) {
  return from > what ? from - what : 0;
}

}  // namespace

const char* RoomStageName(RoomStage stage) {
  switch (stage) {
    case RoomStage::kPlenty:
      return "PLENTY";
    case RoomStage::kPruningEarly:
      return "PRUNING_EARLY";
    case RoomStage::kBinClearsRefused:
      return "BIN_CLEARS_REFUSED";
    case RoomStage::kCapturesRefused:
      return "CAPTURES_REFUSED";
  }
  return "PLENTY";
}

OutboxRoom JudgeRoom(const RoomMeasure& measure, const RoomLimits& limits, RoomStage before) {
  OutboxRoom room;
  room.limits = limits;
  const Nearness outbox{
      Minus(limits.max_bytes, measure.used_bytes),
      std::max<std::uint64_t>(1, std::min(limits.reserve_bytes, limits.max_bytes / kStepsOfOutbox))};
  room.stage = outbox.StageAfter(before);
  room.bytes = outbox.bytes;
  if (!measure.free_on_disk) return room;
  // The log takes its length before captures take theirs.
  const std::uint64_t kept =
      DrainBytes(limits.reserve_bytes) + Minus(limits.reserve_bytes, measure.log_bytes);
  const Nearness disk{Minus(measure.held_bytes + *measure.free_on_disk, kept),
                      std::max<std::uint64_t>(1, limits.reserve_bytes)};
  const RoomStage by_disk = disk.StageAfter(before);
  if (by_disk > room.stage || (by_disk == room.stage && disk.bytes < outbox.bytes)) {
    room.stage = by_disk;
    room.bound = OutboxRoom::Bound::kDisk;
  }
  room.bytes = std::min(outbox.bytes, disk.bytes);
  return room;
}

std::string OutboxRoom::Reason() const {
  if (stage == RoomStage::kPlenty) return {};
  const std::string where =
      bound == Bound::kDisk
          ? "the disk of the outbox has room for "
          : "the outbox, of outbox.max_bytes = " + BytesInWords(limits.max_bytes) + ", has room for ";
  const std::string left = where + BytesInWords(bytes) + " more of captures";
  switch (stage) {
    case RoomStage::kPlenty:
      break;
    case RoomStage::kPruningEarly:
      return left + "; delivered events are deleted before their retention ends";
    case RoomStage::kBinClearsRefused:
      return left + "; bin clears are refused, cancellations are taken";
    case RoomStage::kCapturesRefused:
      return where + "no more captures; all are refused, delivery goes on";
  }
  return {};
}

std::string OutboxRoom::Remedy() const {
  if (stage == RoomStage::kPlenty) return {};
  return bound == Bound::kDisk ? "free space on that file system; captures are then taken again by themselves"
                               : "restore the connection to the centre so that it drains, or raise "
                                 "outbox.max_bytes";
}

std::optional<Error> OutboxRoom::Refusal(CaptureKind kind) const {
  const RoomStage refused_from =
      kind == CaptureKind::kBinClear ? RoomStage::kBinClearsRefused : RoomStage::kCapturesRefused;
  if (stage < refused_from) return std::nullopt;
  return Error{ErrorCode::kResourceExhausted, Reason(), Remedy()};
}

}  // namespace tillwire
