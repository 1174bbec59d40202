#include "ingest/acceptance/history.h"

#include <string>

#include "storage/database.h"

namespace tillwire {

HashRun RequireHashRun(LedgerTransaction& ledger, EpochRow row, std::uint64_t sequence) {
  auto run = ledger.FindHashRun(row, sequence);
  if (run) return *std::move(run);
  throw StorageFault({ErrorCode::kDataLoss,
                      "the ledger has no hash for accepted sequence " + std::to_string(sequence) +
                          " of epoch row " + std::to_string(row),
                      "it is damaged; set it aside and restore a backup"});
}

Hash History::AcceptedHash(EpochRow row, const StoredRange& range, std::uint64_t sequence) {
  if (row == view_.Row()) {
    if (const Hash* added = view_.AddedHash(sequence)) return *added;
  }
  if (range.last == sequence) return range.last_hash;
  if (run_row_ != row || run_.At(sequence) == nullptr) {
    run_ = RequireHashRun(ledger_, row, sequence);
    run_row_ = row;
  }
  return *run_.At(sequence);
}

Resolution History::Look(RecordId id) {
  const auto row = RowOf(id.epoch);
  if (!row) return {};
  if (*row == view_.Row()) {
    if (const auto* range = view_.RangeAt(id.sequence)) {
      return {Fate::kAccepted, AcceptedHash(*row, *range, id.sequence)};
    }
  }
  const Interval span{id.sequence, id.sequence};
  if (const auto ranges = ledger_.Ranges(*row, span); !ranges.empty()) {
    return {Fate::kAccepted, AcceptedHash(*row, ranges.front(), id.sequence)};
  }
  if (const auto tombstones = ledger_.Tombstones(*row, span); !tombstones.empty()) {
    const StoredTombstone& tombstone = tombstones.front();
    return {Fate::kTombstoned, tombstone.last == id.sequence ? tombstone.last_hash : std::nullopt};
  }
  return {};
}

std::optional<EpochRow> History::RowOf(std::uint64_t epoch) {
  if (epoch == epoch_) return view_.Row();
  const auto [known, added] = rows_.try_emplace(epoch);
  if (added) known->second = ledger_.FindEpoch(identity_, epoch);
  return known->second;
}

EpochRow History::EnsureRowOf(std::uint64_t epoch) {
  if (const auto row = RowOf(epoch)) return *row;
  const EpochRow row = ledger_.EnsureEpoch(identity_, epoch);
  rows_[epoch] = row;
  return row;
}

}  // namespace tillwire
