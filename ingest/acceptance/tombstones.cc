// Closing sequences that will never come.

#include <optional>
#include <utility>
#include <vector>

#include "ingest/acceptance/acceptor.h"
#include "ingest/acceptance/epoch_view.h"
#include "ingest/acceptance/history.h"
#include "ingest/acceptance/results.h"

namespace tillwire {
namespace {

class TombstoneAcceptor {
 public:
  TombstoneAcceptor(LedgerTransaction& ledger, const StreamIdentity& identity, const Tombstone& tombstone,
                    WallTime now, std::optional<ImportRow> import)
      : ledger_(ledger),
        tombstone_(tombstone),
        now_(now),
        import_(import),
        view_(ledger, ledger.EnsureEpoch(identity, tombstone.epoch),
              std::vector{Interval{tombstone.first, tombstone.last}}),
        history_(ledger, identity, tombstone.epoch, view_) {}

  RecordResult Judge() {
    RecordResult result = Decide();
    if (result.disposition == Disposition::kConflict) ++counts_.conflicts;
    if (result.disposition == Disposition::kDuplicate) ++counts_.duplicates;
    ledger_.AddCounts(view_.Row(), counts_);
    return result;
  }

 private:
  RecordResult Decide() {
    if (auto conflict = FindConflict()) {
      conflict->sequence = tombstone_.first;  // by which results are matched; the text names the place
      return *std::move(conflict);
    }
    // The record wins over its tombstone.
    const auto* range = view_.RangeAt(tombstone_.first);
    if (range != nullptr && range->last >= tombstone_.last)
      return PlainResult(tombstone_.first, Disposition::kDuplicate);
    if (IsRecaptured()) {
      view_.AddAccepted(tombstone_.first, *tombstone_.previous_hash, *tombstone_.last_hash);
      view_.RemoveParked(tombstone_.first);
      view_.WriteBack();
      return PlainResult(tombstone_.first, Disposition::kDuplicate);
    }
    for (const Interval& interval : OpenSequences()) Close(interval);
    LearnLastHash();
    return PlainResult(tombstone_.first, Disposition::kTombstoned);
  }

  // Whether the event is in effect under a later identity, which another copy of the outbox gave it.
  bool IsRecaptured() const {
    return tombstone_.first == tombstone_.last && tombstone_.previous_hash && tombstone_.last_hash &&
           view_.TombstoneAt(tombstone_.first) == nullptr &&
           view_.IsRecaptured(tombstone_.first, *tombstone_.last_hash);
  }

  std::optional<RecordResult> FindConflict() {
    if (tombstone_.last_hash) {
      const Hash& theirs = *tombstone_.last_hash;
      if (const auto ours = HashAtLast(); ours && *ours != theirs) {
        return ConflictResult(tombstone_.last, "is known with hash", *ours, theirs);
      }
      const auto after = view_.LinkPreviousHash(tombstone_.last + 1);
      if (after && *after != theirs) {
        return ConflictResult(tombstone_.last, "is named by the record after it with hash", *after, theirs);
      }
    }
    if (tombstone_.previous_hash) {
      const auto before = view_.LinkHash(tombstone_.first - 1);
      if (before && *before != *tombstone_.previous_hash) {
        return ConflictResult(tombstone_.first, "follows a record with hash", *before,
                              *tombstone_.previous_hash);
      }
    }
    return std::nullopt;
  }

  // What the centre knows of the record at the tombstone's end.
  std::optional<Hash> HashAtLast() {
    const std::uint64_t last = tombstone_.last;
    if (view_.RangeAt(last) != nullptr) return history_.Look({tombstone_.epoch, last}).hash;
    return view_.LinkHash(last);
  }

  // The tombstone's sequences that are neither accepted nor closed, cut where a parked record's hash is
  // known: the hash is worth more than a row.
  std::vector<Interval> OpenSequences() const {
    IntervalSet open;
    open.Add({tombstone_.first, tombstone_.last});
    for (const auto& [first, range] : view_.Ranges()) open.Remove({first, range.last});
    for (const auto& [first, closed] : view_.Tombstones()) open.Remove({first, closed.last});
    std::vector<Interval> intervals;
    for (const auto& [first, last] : open.Ranges()) {
      std::uint64_t begin = first;
      for (auto parked = view_.Parked().lower_bound(first);
           parked != view_.Parked().end() && parked->first < last; ++parked) {
        intervals.push_back({begin, parked->first});
        begin = parked->first + 1;
      }
      intervals.push_back({begin, last});
    }
    return intervals;
  }

  void Close(Interval open) {
    StoredTombstone closed{open.first,   open.last,       std::nullopt,
                           std::nullopt, tombstone_.kind, tombstone_.cause};
    closed.previous_hash = view_.LinkHash(open.first - 1);
    if (!closed.previous_hash && open.first == tombstone_.first)
      closed.previous_hash = tombstone_.previous_hash;
    closed.last_hash = view_.LinkHash(open.last);
    if (!closed.last_hash && open.last == tombstone_.last) closed.last_hash = tombstone_.last_hash;
    if (!closed.last_hash) closed.last_hash = view_.LinkPreviousHash(open.last + 1);
    RemoveParkedIn(open);
    view_.Close(closed);
    counts_.tombstoned += open.last - open.first + 1;

    NewEntry entry;
    entry.kind = EntryKind::kTombstone;
    entry.received_at = now_;
    entry.epoch_row = view_.Row();
    entry.sequence = open.first;
    entry.last_sequence = open.last;
    entry.previous_hash = closed.previous_hash;
    entry.hash = closed.last_hash;
    entry.cause = closed.cause;
    entry.import = import_;
    ledger_.Append(entry);
  }

  void RemoveParkedIn(Interval interval) {
    std::vector<std::uint64_t> sequences;
    for (auto parked = view_.Parked().lower_bound(interval.first);
         parked != view_.Parked().end() && parked->first <= interval.last; ++parked) {
      sequences.push_back(parked->first);
    }
    for (const std::uint64_t sequence : sequences) view_.RemoveParked(sequence);
  }

  // A hash that an earlier tombstone lacked.
  void LearnLastHash() {
    const auto* known = view_.TombstoneAt(tombstone_.last);
    if (known == nullptr || known->last != tombstone_.last || known->last_hash || !tombstone_.last_hash)
      return;
    StoredTombstone completed = *known;
    completed.last_hash = tombstone_.last_hash;
    view_.Close(completed);
  }

  LedgerTransaction& ledger_;
  const Tombstone& tombstone_;
  const WallTime now_;
  const std::optional<ImportRow> import_;
  EpochView view_;
  History history_;
  EpochCounts counts_;
};

}  // namespace

BatchResult Accept(LedgerTransaction& ledger, const StreamIdentity& identity, const Tombstones& tombstones,
                   WallTime now, std::optional<ImportRow> import) {
  BatchResult answer{tombstones.batch_id, {}};
  answer.results.reserve(tombstones.tombstones.size());
  for (const Tombstone& tombstone : tombstones.tombstones) {
    answer.results.push_back(TombstoneAcceptor(ledger, identity, tombstone, now, import).Judge());
  }
  return answer;
}

}  // namespace tillwire
