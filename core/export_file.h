// What an export file holds, in our own words; docs/export-format.md explains it, proto/export_codec turns it
// into bytes. The agent's side writes such files, the centre's side reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/uuid.h"
#include "core/write_back.h"

namespace tillwire {

// Of the messages that this program writes, and the highest that it reads.
inline constexpr std::uint32_t kExportFormat = 1;

// Sequences first to last, of an epoch.
struct MissingRange {
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct ExportHeader {
  Uuid export_id;  // names the file
  std::string store_id;
  std::string terminal_id;
  WallTime created_at;  // by the clock of the machine that wrote it
  std::string version;  // of the program that wrote it
  std::uint64_t records = 0;
  std::uint64_t tombstones = 0;
  std::vector<EpochSummary> epochs;     // what the outbox holds
  std::optional<MissingRange> missing;  // what it once held, by its high-water mark
};

struct ExportedTombstone {
  Tombstone tombstone;
  // The event of its lane that must be resolved at the centre before this takes effect.
  std::optional<RecordId> awaits;
};

// The header first, then the others in the order in which an agent would send them.
using ExportMessage = std::variant<ExportHeader, EventBatch, ExportedTombstone>;

}  // namespace tillwire
