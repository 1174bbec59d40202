// Looking up what became of any one sequence of a terminal, in whatever epoch.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "ingest/acceptance/epoch_view.h"
#include "ingest/ledger/ledger.h"

namespace tillwire {

enum class Fate { kUnknown, kAccepted, kTombstoned };

struct Resolution {
  Fate fate = Fate::kUnknown;
  std::optional<Hash> hash;  // always known with kAccepted

  // Whether the sequence was resolved and its record can be the one with this hash.
  [[nodiscard]] bool CanBe(const Hash& wanted) const {
    return fate != Fate::kUnknown && (!hash || *hash == wanted);
  }
};

// Lives as long as one batch is judged.
class History {
 public:
  // `view` is of `epoch`, and is asked first: it knows what the batch has added.
  History(LedgerTransaction& ledger, const StreamIdentity& identity, std::uint64_t epoch,
          const EpochView& view)
      : ledger_(ledger), identity_(identity), epoch_(epoch), view_(view) {}

  [[nodiscard]] Resolution Look(RecordId id);
  [[nodiscard]] std::optional<EpochRow> RowOf(std::uint64_t epoch);
  // The row, made if absent.
  [[nodiscard]] EpochRow EnsureRowOf(std::uint64_t epoch);

 private:
  Hash AcceptedHash(EpochRow row, const StoredRange& range, std::uint64_t sequence);

  LedgerTransaction& ledger_;
  const StreamIdentity& identity_;
  const std::uint64_t epoch_;
  const EpochView& view_;
  std::map<std::uint64_t, std::optional<EpochRow>> rows_;
  // The run read last. Predecessors and repeats come from the same few batches.
  HashRun run_;
  EpochRow run_row_ = 0;
};

// The run with the hash of an accepted sequence. Throws StorageFault(kDataLoss) if the ledger has lost it.
HashRun RequireHashRun(LedgerTransaction& ledger, EpochRow row, std::uint64_t sequence);

}  // namespace tillwire
