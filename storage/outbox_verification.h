// What a look at a whole outbox found: each of its events, its tables against each other, and its mark.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/hash.h"

namespace tillwire {

enum class FindingKind {
  kStructure,  // SQLite's own structures, or values that can't be right
  kLog,        // the write-ahead log
  kEvent,      // an event's bytes or values fail its hash
  kMissing,    // an event that should be there is not
  kChain,      // two events that stand next to each other do not name each other's hash
  kTables,     // tables that contradict each other
  kMark,       // the high-water mark, and what it says of the outbox
};

// As an upper-case word: "STRUCTURE".
const char* FindingKindName(FindingKind kind);

struct FoundRange {
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;  // sequences
  std::uint64_t last = 0;

  bool operator==(const FoundRange&) const = default;
};

struct Finding {
  FindingKind kind = FindingKind::kStructure;
  std::string text;
  std::optional<FoundRange> range;  // where it is about certain sequences
};

struct Verification {
  // How many findings are listed.
  static constexpr std::size_t kMaxFindings = 1000;

  std::string store_id;  // empty where the outbox can't be opened
  std::string terminal_id;
  std::uint64_t events = 0;  // that were read
  std::uint64_t pending = 0;
  std::uint64_t parked = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;         // named as lost or damaged before: not found anew
  std::optional<RecordRef> mark;  // the high-water mark
  std::vector<Finding> findings;  // neighbours in one range; the first of them
  std::uint64_t all_findings = 0;

  [[nodiscard]] bool Sound() const { return all_findings == 0; }
  // Joins it with the last one where that is of the same kind, and ends just before it.
  void Add(Finding finding);
};

}  // namespace tillwire
