// What the centre says that it has, in plain words.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"
#include "core/hash.h"

namespace tillwire {

enum class LedgerEntryKind { kAccepted, kReappeared, kTombstone };

struct LedgerEntry {
  std::uint64_t position = 0;
  LedgerEntryKind kind = LedgerEntryKind::kAccepted;
  WallTime received_time;
  std::string store_id;
  std::string terminal_id;
  RecordId id;
  std::uint64_t last_sequence = 0;
  std::string lane;
  Hash previous_hash;
  Hash hash;
  std::string event;      // the StoreEvent's bytes
  std::string cause;      // of a tombstone
  std::string export_id;  // of the export file that brought it; empty if it came on a stream
};

}  // namespace tillwire
