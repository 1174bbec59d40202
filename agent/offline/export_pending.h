// Writes what a stopped agent still has for the centre into an export file (docs/export-format.md): its
// pending and parked events, and the tombstones that the centre has not confirmed, in the order in which the
// agent would send them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/export_file.h"
#include "core/result.h"
#include "core/rng.h"
#include "platform/sealing_key.h"
#include "storage/outbox.h"

namespace tillwire {

// A run of sequences that went into the file.
struct ExportedRun {
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct ExportReport {
  // How many runs are listed: where there are more, the last of them is the last of all.
  static constexpr std::size_t kMaxRuns = 1000;

  ExportHeader header;
  std::uint64_t bytes = 0;        // of the file; 0 if there was nothing to carry, and none was written
  std::uint64_t parked = 0;       // of the events in it
  std::uint64_t damaged = 0;      // given up by this reading, because their bytes fail their hash
  std::vector<ExportedRun> runs;  // ascending within an epoch, epochs in the order of capture; see kMaxRuns
  std::uint64_t all_runs = 0;     // how many there are
  std::uint64_t delivered = 0;    // stay behind: the centre has them
};

// Reads all that it writes twice: once to verify and count it. The file appears under its name whole, or not
// at all. Begins a transaction on `outbox`, which lives in memory (agent/offline/stopped_outbox.h), and
// leaves it open: the outbox is of no further use. kAlreadyExists: the file exists; kDataLoss: the disk does
// not give the same bytes twice.
Result<ExportReport> ExportPending(Outbox& outbox, const std::filesystem::path& file, const SealingKey& key,
                                   const Clock& clock, Rng& rng);

}  // namespace tillwire
