#include "ingest/acceptance/acceptor.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/epoch.h"
#include "ingest/acceptance/epoch_view.h"
#include "ingest/acceptance/history.h"
#include "ingest/acceptance/results.h"
#include "proto/event_codec.h"

namespace tillwire {
namespace {

// The batch's sequences as runs of consecutive ones.
std::vector<Interval> RunsOf(const std::vector<Record>& records) {
  std::vector<Interval> runs;
  for (const Record& record : records) {
    if (!runs.empty() && runs.back().last + 1 == record.id.sequence) {
      runs.back().last = record.id.sequence;
    } else {
      runs.push_back({record.id.sequence, record.id.sequence});
    }
  }
  return runs;
}

// Whether two events of one id are what one caller supplied.
bool AreOneAction(std::string_view one, std::string_view other) {
  const auto first = ActionHash(one);
  const auto second = ActionHash(other);
  return first && second && *first == *second;
}

class RecordAcceptor {
 public:
  RecordAcceptor(LedgerTransaction& ledger, const StreamIdentity& identity, const EventBatch& batch,
                 WallTime now, std::optional<ImportRow> import)
      : ledger_(ledger),
        now_(now),
        import_(import),
        view_(ledger, ledger.EnsureEpoch(identity, batch.epoch), RunsOf(batch.records)),
        history_(ledger, identity, batch.epoch, view_) {}

  // The order of the checks matters: what the centre has under this identity comes before what it has under
  // another, and only a record that is new in both senses waits for its lane and is held to the rules.
  RecordResult Judge(const Record& record, const Inspection& inspection) {
    const std::uint64_t sequence = record.id.sequence;
    if (!inspection.hash_matches) return ParkedResult(sequence, inspection.reason, inspection.detail);
    if (auto result = JudgeIdentity(record, inspection)) return *std::move(result);
    if (auto result = JudgeLinks(record)) return *std::move(result);
    if (auto result = JudgeOrigin(record, inspection)) return *std::move(result);
    if (auto result = JudgeEventId(record, inspection)) return *std::move(result);
    if (!LaneIsFree(record)) return LaneHeldResult(sequence);
    if (inspection.reason != ParkReason::kUnspecified) {
      return Park(record, inspection, inspection.reason, inspection.detail);
    }
    return TakeEffect(record, inspection);
  }

  void Finish() {
    view_.WriteBack();
    ledger_.AddCounts(view_.Row(), counts_);
  }

 private:
  // Whether the sequence is taken already, and by what.
  std::optional<RecordResult> JudgeIdentity(const Record& record, const Inspection& inspection) {
    const std::uint64_t sequence = record.id.sequence;
    if (view_.RangeAt(sequence) != nullptr) {
      const Hash accepted = history_.Look(record.id).hash.value();
      if (accepted != record.hash) return Conflict(sequence, "is accepted with hash", accepted, record.hash);
      ++counts_.duplicates;
      return PlainResult(sequence, Disposition::kDuplicate);
    }
    if (const auto* tombstone = view_.TombstoneAt(sequence)) {
      const bool known = tombstone->last == sequence && tombstone->last_hash.has_value();
      if (known && *tombstone->last_hash != record.hash) {
        return Conflict(sequence, "is closed by a tombstone with hash", *tombstone->last_hash, record.hash);
      }
      KeepReappeared(record, inspection);
      return PlainResult(sequence, Disposition::kTombstoned);
    }
    if (const auto* parked = view_.ParkedAt(sequence); parked != nullptr && parked->hash != record.hash) {
      return Conflict(sequence, "is parked with hash", parked->hash, record.hash);
    }
    return std::nullopt;
  }

  // Whether the neighbours in the chain are of the same history.
  std::optional<RecordResult> JudgeLinks(const Record& record) {
    const std::uint64_t sequence = record.id.sequence;
    if (const auto before = view_.LinkHash(sequence - 1); before && *before != record.previous_hash) {
      return Conflict(sequence, "follows a record with hash", *before, record.previous_hash);
    }
    if (const auto after = view_.LinkPreviousHash(sequence + 1); after && *after != record.hash) {
      return Conflict(sequence, "is named by the record after it with hash", *after, record.hash);
    }
    return std::nullopt;
  }

  // Whether the event came, or was given up, under another identity: original after recapture, recapture
  // after original, recapture after recapture.
  std::optional<RecordResult> JudgeOrigin(const Record& record, const Inspection& inspection) {
    if (!record.origin) {
      if (view_.IsRecaptured(record.id.sequence, record.hash)) return RecordDuplicate(record);
      return std::nullopt;
    }
    const RecordRef& origin = *record.origin;
    const Resolution original = history_.Look(origin.id);
    if (original.fate == Fate::kAccepted && original.CanBe(origin.hash)) return RecordDuplicate(record);
    if (const auto row = history_.RowOf(origin.id.epoch)) {
      const auto siblings = ledger_.Recaptured(*row, {origin.id.sequence, origin.id.sequence});
      const bool recaptured =
          std::any_of(siblings.begin(), siblings.end(),
                      [&](const ResolvedSequence& moved) { return moved.hash == origin.hash; });
      if (recaptured) return RecordDuplicate(record);
    }
    if (original.fate == Fate::kTombstoned && original.CanBe(origin.hash))
      return FollowTombstone(record, inspection);
    return std::nullopt;
  }

  std::optional<RecordResult> JudgeEventId(const Record& record, const Inspection& inspection) {
    if (!inspection.event_id) return std::nullopt;
    const auto in_effect = ledger_.EventInEffect(*inspection.event_id);
    if (!in_effect) return std::nullopt;
    // Another copy of the outbox captured the same action, or this one did again after it was put back.
    if (*in_effect == record.event || AreOneAction(*in_effect, record.event)) return RecordDuplicate(record);
    // Not a conflict: under a new identity the event would meet the same id again, and the agent would fork
    // for ever.
    return Park(record, inspection, ParkReason::kEventIdReused,
                "another event is in effect under event_id " + inspection.event_id->ToString());
  }

  bool LaneIsFree(const Record& record) {
    if (!record.lane_predecessor) return true;
    return history_.Look(record.lane_predecessor->id).CanBe(record.lane_predecessor->hash);
  }

  RecordResult Conflict(std::uint64_t sequence, const std::string& what, const Hash& ours,
                        const Hash& theirs) {
    ++counts_.conflicts;
    return ConflictResult(sequence, what, ours, theirs);
  }

  RecordResult Park(const Record& record, const Inspection& inspection, ParkReason reason,
                    std::string detail) {
    view_.Park({record.id.sequence, record.hash, record.previous_hash, reason, inspection.event_id}, now_);
    return ParkedResult(record.id.sequence, reason, std::move(detail));
  }

  RecordResult TakeEffect(const Record& record, const Inspection& inspection) {
    Append(EntryKind::kAccepted, record, inspection);
    ++counts_.accepted;
    if (import_) ++counts_.imported;
    Hold(record);
    return PlainResult(record.id.sequence, Disposition::kAccepted);
  }

  // The event is in effect already: its new identity is recorded, and nothing else happens.
  RecordResult RecordDuplicate(const Record& record) {
    ++counts_.duplicates;
    Hold(record);
    return PlainResult(record.id.sequence, Disposition::kDuplicate);
  }

  // The sequence counts as accepted from now on.
  void Hold(const Record& record) {
    view_.AddAccepted(record.id.sequence, record.previous_hash, record.hash);
    view_.RemoveParked(record.id.sequence);
    if (!record.origin) return;
    const RecordRef& origin = *record.origin;
    const EpochRow row = history_.EnsureRowOf(origin.id.epoch);
    ledger_.PutRecaptured(row, origin.id.sequence, origin.hash);
    for (const auto& parked : ledger_.Parked(row, {origin.id.sequence, origin.id.sequence})) {
      if (parked.hash != origin.hash) continue;
      if (row == view_.Row()) {
        view_.RemoveParked(parked.sequence);
      } else {
        ledger_.DeleteParked(row, parked.sequence);
      }
    }
  }

  // The event was given up under its first identity; this one shares its fate, and its bytes are kept.
  RecordResult FollowTombstone(const Record& record, const Inspection& inspection) {
    const std::uint64_t sequence = record.id.sequence;
    view_.Close({sequence, sequence, record.previous_hash, record.hash, TombstoneKind::kLost,
                 "the event was given up under its first identity, sequence " +
                     std::to_string(record.origin->id.sequence) + " of epoch " +
                     EpochName(record.origin->id.epoch)});
    view_.RemoveParked(sequence);
    ++counts_.tombstoned;
    KeepReappeared(record, inspection);
    return PlainResult(sequence, Disposition::kTombstoned);
  }

  void KeepReappeared(const Record& record, const Inspection& inspection) {
    if (!ledger_.MarkReappeared(view_.Row(), record.id.sequence, record.hash)) return;
    Append(EntryKind::kReappeared, record, inspection);
    ++counts_.reappeared;
  }

  void Append(EntryKind kind, const Record& record, const Inspection& inspection) {
    NewEntry entry;
    entry.kind = kind;
    entry.received_at = now_;
    entry.epoch_row = view_.Row();
    entry.sequence = record.id.sequence;
    entry.last_sequence = record.id.sequence;
    entry.lane = record.lane;
    entry.lane_predecessor = record.lane_predecessor;
    entry.previous_hash = record.previous_hash;
    entry.hash = record.hash;
    entry.origin = record.origin;
    entry.event_id = inspection.event_id;
    entry.event = record.event;
    entry.import = import_;
    ledger_.Append(entry);
  }

  LedgerTransaction& ledger_;
  const WallTime now_;
  const std::optional<ImportRow> import_;
  EpochView view_;
  History history_;
  EpochCounts counts_;
};

}  // namespace

BatchResult Accept(LedgerTransaction& ledger, const StreamIdentity& identity, const InspectedBatch& inspected,
                   WallTime now, std::optional<ImportRow> import) {
  const EventBatch& batch = inspected.batch;
  BatchResult answer{batch.batch_id, {}};
  if (batch.records.empty()) return answer;
  answer.results.reserve(batch.records.size());
  RecordAcceptor acceptor(ledger, identity, batch, now, import);
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    answer.results.push_back(acceptor.Judge(batch.records[i], inspected.inspections[i]));
  }
  acceptor.Finish();
  return answer;
}

}  // namespace tillwire
