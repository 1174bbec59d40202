#include "ingest/service/batch_results.h"

#include <spdlog/spdlog.h>

namespace tillwire {

void LogResults(const StreamIdentity& identity, const BatchResult& answer) {
  std::size_t parked = 0;
  std::size_t conflicts = 0;
  std::size_t closed = 0;
  const RecordResult* first = nullptr;
  for (const RecordResult& result : answer.results) {
    const bool notable = result.disposition == Disposition::kParked ||
                         result.disposition == Disposition::kConflict ||
                         result.disposition == Disposition::kTombstoned;
    if (!notable) continue;
    if (result.disposition == Disposition::kParked) ++parked;
    if (result.disposition == Disposition::kConflict) ++conflicts;
    if (result.disposition == Disposition::kTombstoned) ++closed;
    if (first == nullptr) first = &result;
  }
  if (first == nullptr) return;
  spdlog::warn(
      "ingest: not in effect store={} terminal={} parked={} conflicts={} given_up={} first_sequence={} "
      "detail=\"{}\"",
      identity.store_id, identity.terminal_id, parked, conflicts, closed, first->sequence, first->detail);
}

void CountResults(IngestionMetrics& metrics, const BatchResult& answer, bool tombstones) {
  for (const RecordResult& result : answer.results) {
    if (result.disposition == Disposition::kConflict) metrics.conflicts.Add();
    if (tombstones) {
      if (result.disposition == Disposition::kTombstoned) metrics.tombstones.Add();
      continue;
    }
    metrics.records[result.disposition].Add();
    if (result.disposition == Disposition::kParked) metrics.parked[result.park_reason].Add();
  }
}

}  // namespace tillwire
