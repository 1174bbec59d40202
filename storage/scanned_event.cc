#include "storage/scanned_event.h"

#include <vector>

#include "core/limits.h"

namespace tillwire {
namespace {

// As the table `events` has them.
constexpr std::size_t kEventColumns = 11;

}  // namespace

std::optional<Hash> HashOf(const ScannedValue& value) {
  return value.kind == ScannedValue::Kind::kBlob ? Hash::FromBytes(value.bytes) : std::nullopt;
}

std::uint64_t UnsignedOf(const ScannedValue& value) {
  return static_cast<std::uint64_t>(value.integer);
}

std::optional<UnprovedEvent> EventOf(const ScannedRow& row) {
  if (!row.rowid || row.values.size() != kEventColumns || *row.rowid < 1) return std::nullopt;
  const std::vector<ScannedValue>& values = row.values;
  UnprovedEvent event;
  event.position = static_cast<std::uint64_t>(*row.rowid);
  const auto previous_hash = HashOf(values[5]);
  const auto hash = HashOf(values[6]);
  if (event.position > kMaxSequence || values[2].kind != ScannedValue::Kind::kText || !previous_hash ||
      !hash || values[10].kind != ScannedValue::Kind::kBlob) {
    return std::nullopt;
  }
  event.lane = values[2].bytes;
  if (values[3].kind == ScannedValue::Kind::kInteger) event.predecessor = UnsignedOf(values[3]);
  event.predecessor_hash = HashOf(values[4]);
  event.previous_hash = *previous_hash;
  event.hash = *hash;
  event.event = values[10].bytes;
  return event;
}

}  // namespace tillwire
