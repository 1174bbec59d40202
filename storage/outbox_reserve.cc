// Holding the room that must be there when the disk is full, and refusing captures before they take it.
#include <algorithm>
#include <utility>

#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kPageBytes = 4096;
// The log is moved into the database when it holds that many pages, some 12 MB: seldom enough that one
// capture in a hundred does not meet it, and pages that change often are then moved once. Where room is short
// it stays within the half of its reserve, so that the next transaction has the other.
constexpr std::uint32_t kMoveLogAtPages = 3000;
// After a move that failed for want of room, another is tried when so many pages more stand in the log.
constexpr std::uint32_t kMoveLogAgainAfterPages = 256;

// The file grows by a part of the reserve at a time.
std::uint64_t GrowthBytes(std::uint64_t reserve_bytes) {
  return std::max(reserve_bytes / 8, kPageBytes);
}

}  // namespace

// Outside of a transaction. What can't be had now is tried again before the next one.
void Outbox::Impl::HoldRoom() {
  if (std::exchange(move_log_next, false) && files->Log().PagesInLog() > 0) MoveLog();
  FileRoom& held = files->Room();
  static_cast<void>(held.LengthenLog(reserve_bytes));
  const std::uint64_t pages = statements->space.PageBytes();
  const std::uint64_t wanted = std::max(pages, statements->space.UsedBytes() + DrainBytes(reserve_bytes));
  if (held.FileBytes() >= wanted) return;
  static_cast<void>(held.LengthenFile(wanted + GrowthBytes(reserve_bytes)));
}

void Outbox::Impl::MeasureRoom() {
  FileRoom& held = files->Room();
  const std::uint64_t file_bytes = held.FileBytes();
  measure.used_bytes = statements->space.UsedBytes();
  measure.held_bytes = file_bytes > measure.used_bytes ? file_bytes - measure.used_bytes : 0;
  measure.log_bytes = held.LogBytes();
  measure.free_on_disk = held.FreeOnDisk();
  room = JudgeRoom(measure, {options.max_bytes, reserve_bytes}, room.stage);
  pruned_for_room = false;
}

void Outbox::Impl::TakeRoom(std::uint64_t bytes) {
  measure.used_bytes += bytes;
  const std::uint64_t from_held = std::min(bytes, measure.held_bytes);
  measure.held_bytes -= from_held;
  if (measure.free_on_disk) *measure.free_on_disk -= std::min(bytes - from_held, *measure.free_on_disk);
  room = JudgeRoom(measure, {options.max_bytes, reserve_bytes}, room.stage);
}

// Nothing if an event of that kind and size may be stored.
std::optional<Error> Outbox::Impl::RoomRefusal(CaptureKind kind, std::uint64_t bytes) {
  if (room.stage >= RoomStage::kPruningEarly && !std::exchange(pruned_for_room, true) && PruneForRoom()) {
    MeasureRoom();
    pruned_for_room = true;
  }
  if (auto refused = room.Refusal(kind)) return refused;
  if (bytes <= room.bytes) return std::nullopt;
  OutboxRoom too_little = room;
  too_little.stage = RoomStage::kCapturesRefused;
  return too_little.Refusal(kind);
}

// In a transaction, at its end. Every page has its place in the file before it is committed to the log: only
// so the log can always be moved.
void Outbox::Impl::RequirePagesHeld() {
  FileRoom& held = files->Room();
  const std::uint64_t pages = statements->space.PageBytes();
  if (held.FileBytes() >= pages) return;
  const auto lengthened = held.LengthenFile(pages + GrowthBytes(reserve_bytes));
  if (held.FileBytes() < pages) throw StorageFault(lengthened.error());
}

void Outbox::Impl::MoveLogWhenDue() {
  const auto half_of_reserve = static_cast<std::uint32_t>(reserve_bytes / 2 / kPageBytes);
  const std::uint32_t due = ReadingOnly()                      ? kMoveLogAgainAfterPages
                            : room.stage == RoomStage::kPlenty ? kMoveLogAtPages
                                                               : std::min(kMoveLogAtPages, half_of_reserve);
  if (files->Log().PagesInLog() >= std::max(due, move_log_from_pages)) MoveLog();
}

void Outbox::Impl::MoveLog() {
  move_log_from_pages = 0;
  try {
    files->Log().Run();
  } catch (const StorageFault& fault) {
    if (fault.error().code != ErrorCode::kResourceExhausted) return Doubt(fault.error());
    move_log_from_pages = files->Log().PagesInLog() + kMoveLogAgainAfterPages;
  }
}

const OutboxRoom& Outbox::Room() const {
  return impl_->room;
}

}  // namespace tillwire
