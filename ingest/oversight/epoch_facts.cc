#include "ingest/oversight/epoch_facts.h"

#include <algorithm>

namespace tillwire {

EpochFacts ReadEpochFacts(LedgerTransaction& ledger, const StreamIdentity& identity,
                          const EpochDigest& digest) {
  EpochFacts facts;
  if (digest.kept_through == 0) return facts;
  const Interval kept{1, digest.kept_through};
  IntervalSet missing;
  missing.Add(kept);
  if (const auto row = ledger.FindEpoch(identity, digest.epoch)) {
    for (const StoredRange& range : ledger.Ranges(*row, kept)) {
      missing.Remove({range.first, range.last});
      if (range.last == digest.kept_through && digest.last_hash) {
        facts.hash_differs = range.last_hash != *digest.last_hash;
      }
    }
    for (const StoredTombstone& tombstone : ledger.Tombstones(*row, kept)) {
      missing.Remove({tombstone.first, tombstone.last});
    }
    for (const ParkedRecord& parked : ledger.Parked(*row, kept)) {
      missing.Remove({parked.sequence, parked.sequence});
      ++facts.parked;
    }
  }
  facts.missing = missing.Count();
  for (const auto& [first, last] : missing.Ranges()) {
    if (first <= digest.resolved_through) {
      facts.missing_resolved += std::min(last, digest.resolved_through) - first + 1;
    }
    if (facts.missing_ranges.size() < kMaxMissingRanges) facts.missing_ranges.push_back({first, last});
  }
  return facts;
}

}  // namespace tillwire
