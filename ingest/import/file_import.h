// Takes an export file in: hands its parts to the centre in the file's order, and adds up the answers. Pure
// but for what the reader and the target do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/export_file.h"
#include "core/result.h"
#include "ingest/import/export_reader.h"

namespace tillwire {

using ImportPart = std::variant<EventBatch, Tombstones>;

// The centre, as an import sees it.
class ImportTarget {
 public:
  virtual ~ImportTarget() = default;
  // Whether it takes files of that terminal, and in what batches. Changes nothing.
  virtual Result<StreamLimits> Begin(const ExportHeader& header) = 0;
  // The answer is durable. One result for each record or tombstone.
  virtual Result<BatchResult> TakeIn(const ExportHeader& header, ImportPart part) = 0;
};

// What a person has to look into.
struct ImportProblem {
  RecordId id;
  std::string lane;  // empty for a tombstone
  std::string what;  // "parked", "conflict", "held", "given up"
  std::string why;   // in words; may be empty
};

struct ImportReport {
  // How many problems are listed.
  static constexpr std::size_t kMaxProblems = 50;

  // Of the file's events: these add up to header.records.
  std::uint64_t accepted = 0;    // in effect from now on
  std::uint64_t duplicates = 0;  // in effect already
  std::uint64_t parked = 0;      // refused by a rule
  std::uint64_t held = 0;        // wait for an event of their lane that is not at the centre, or parked
  std::uint64_t conflicts = 0;   // the centre has another record of that identity
  std::uint64_t given_up = 0;    // their sequence was closed before; kept, not in effect
  // Of its tombstones: these add up to header.tombstones.
  std::uint64_t tombstones = 0;             // taken, now or before
  std::uint64_t tombstones_superseded = 0;  // the centre has the event itself
  std::uint64_t tombstones_held = 0;        // an event before it in its lane is not resolved
  std::uint64_t tombstones_in_conflict = 0;
  std::vector<ImportProblem> problems;  // the first

  // Whether nothing is left for a person to do.
  [[nodiscard]] bool Complete() const {
    return parked + held + conflicts + given_up + tombstones_held + tombstones_in_conflict == 0;
  }
};

// `reader` stands at its beginning, and CheckExport() has found the file in order. Stops at the first error
// of either side; what was taken in until then stays, and is a duplicate when the file is imported again.
Result<ImportReport> ImportFile(ExportReader& reader, ImportTarget& target);

}  // namespace tillwire
