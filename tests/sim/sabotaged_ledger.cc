#include "tests/sim/sabotaged_ledger.h"

#include <algorithm>
#include <map>

#include "core/limits.h"

namespace tillwire {
namespace {

class SabotagedLedger final : public LedgerTransaction {
 public:
  SabotagedLedger(LedgerTransaction& ledger, Forgotten forgotten) : ledger_(ledger), forgotten_(forgotten) {}

  std::optional<EpochRow> FindEpoch(const StreamIdentity& identity, std::uint64_t epoch) override {
    return ledger_.FindEpoch(identity, epoch);
  }
  EpochRow EnsureEpoch(const StreamIdentity& identity, std::uint64_t epoch) override {
    return ledger_.EnsureEpoch(identity, epoch);
  }
  void AddCounts(EpochRow row, const EpochCounts& counts) override { ledger_.AddCounts(row, counts); }
  std::vector<StoredRange> Ranges(EpochRow row, Interval span) override {
    auto ranges = ledger_.Ranges(row, span);
    if (!forgotten_.ranges) return ranges;
    // What stood there when it was looked at first stays forgotten for as long as it stands so.
    const auto& then = seen_first_.try_emplace(row, ledger_.Ranges(row, {0, kMaxSequence})).first->second;
    std::erase_if(ranges, [&](const StoredRange& range) {
      return std::find(then.begin(), then.end(), range) != then.end();
    });
    return ranges;
  }
  void PutRange(EpochRow row, const StoredRange& range) override { ledger_.PutRange(row, range); }
  void DeleteRange(EpochRow row, std::uint64_t first) override { ledger_.DeleteRange(row, first); }
  void AddHashRun(EpochRow row, std::uint64_t first, std::span<const Hash> hashes) override {
    ledger_.AddHashRun(row, first, hashes);
  }
  std::optional<HashRun> FindHashRun(EpochRow row, std::uint64_t sequence) override {
    return ledger_.FindHashRun(row, sequence);
  }
  std::vector<ParkedRecord> Parked(EpochRow row, Interval span) override { return ledger_.Parked(row, span); }
  void PutParked(EpochRow row, const ParkedRecord& parked, WallTime now) override {
    ledger_.PutParked(row, parked, now);
  }
  void DeleteParked(EpochRow row, std::uint64_t sequence) override { ledger_.DeleteParked(row, sequence); }
  std::vector<StoredTombstone> Tombstones(EpochRow row, Interval span) override {
    return ledger_.Tombstones(row, span);
  }
  void PutTombstone(EpochRow row, const StoredTombstone& tombstone) override {
    ledger_.PutTombstone(row, tombstone);
  }
  bool MarkReappeared(EpochRow row, std::uint64_t sequence, const Hash& hash) override {
    return ledger_.MarkReappeared(row, sequence, hash);
  }
  std::vector<ResolvedSequence> Recaptured(EpochRow origin_row, Interval span) override {
    return forgotten_.moves ? std::vector<ResolvedSequence>() : ledger_.Recaptured(origin_row, span);
  }
  void PutRecaptured(EpochRow origin_row, std::uint64_t sequence, const Hash& hash) override {
    ledger_.PutRecaptured(origin_row, sequence, hash);
  }
  ImportRow EnsureImport(const ImportSource& source, WallTime now) override {
    return ledger_.EnsureImport(source, now);
  }
  std::optional<std::string> EventInEffect(const Uuid& event_id) override {
    return forgotten_.moves || forgotten_.ranges ? std::nullopt : ledger_.EventInEffect(event_id);
  }
  std::uint64_t Append(const NewEntry& entry) override { return ledger_.Append(entry); }
  void PutTerminal(const StreamIdentity& identity, std::string_view record) override {
    ledger_.PutTerminal(identity, record);
  }
  std::vector<StoredTerminal> Terminals(const StreamIdentity& after, std::size_t limit) override {
    return ledger_.Terminals(after, limit);
  }
  EntryPage Read(const EntryQuery& query) override { return ledger_.Read(query); }
  LedgerStatistics Statistics() override { return ledger_.Statistics(); }

 private:
  LedgerTransaction& ledger_;
  const Forgotten forgotten_;
  std::map<EpochRow, std::vector<StoredRange>> seen_first_;
};

}  // namespace

std::unique_ptr<LedgerTransaction> MakeSabotagedLedger(LedgerTransaction& ledger, Forgotten forgotten) {
  return std::make_unique<SabotagedLedger>(ledger, forgotten);
}

}  // namespace tillwire
