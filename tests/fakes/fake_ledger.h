// A ledger in memory. It keeps what the contract asks for and nothing of how a database does it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ingest/ledger/ledger.h"

namespace tillwire {

class FakeLedger final : public Ledger, public LedgerTransaction {
 public:
  // -- Ledger

  void Begin() override { before_ = state_; }
  void Commit() override { ++commits_; }
  void Rollback() noexcept override { std::swap(state_, before_); }
  [[nodiscard]] LedgerTransaction& Transaction() override { return *this; }
  [[nodiscard]] const std::string& Incarnation() const override { return incarnation_; }

  [[nodiscard]] std::size_t Commits() const { return commits_; }

  // -- LedgerTransaction

  [[nodiscard]] std::optional<EpochRow> FindEpoch(const StreamIdentity& identity,
                                                  std::uint64_t epoch) override {
    for (std::size_t i = 0; i < state_.epochs.size(); ++i) {
      if (state_.epochs[i].identity == identity && state_.epochs[i].epoch == epoch)
        return static_cast<EpochRow>(i);
    }
    return std::nullopt;
  }
  [[nodiscard]] EpochRow EnsureEpoch(const StreamIdentity& identity, std::uint64_t epoch) override {
    if (const auto row = FindEpoch(identity, epoch)) return *row;
    state_.epochs.emplace_back().identity = identity;
    state_.epochs.back().epoch = epoch;
    return static_cast<EpochRow>(state_.epochs.size() - 1);
  }
  void AddCounts(EpochRow row, const EpochCounts& counts) override { Add(At(row).counts, counts); }

  [[nodiscard]] std::vector<StoredRange> Ranges(EpochRow row, Interval span) override {
    return Overlapping(At(row).ranges, span);
  }
  void PutRange(EpochRow row, const StoredRange& range) override { At(row).ranges[range.first] = range; }
  void DeleteRange(EpochRow row, std::uint64_t first) override { At(row).ranges.erase(first); }
  void AddHashRun(EpochRow row, std::uint64_t first, std::span<const Hash> hashes) override {
    At(row).runs[first] = {first, {hashes.begin(), hashes.end()}};
  }
  [[nodiscard]] std::optional<HashRun> FindHashRun(EpochRow row, std::uint64_t sequence) override {
    for (const auto& [first, run] : At(row).runs) {
      if (run.At(sequence) != nullptr) return run;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::vector<ParkedRecord> Parked(EpochRow row, Interval span) override {
    std::vector<ParkedRecord> found;
    for (const auto& [sequence, parked] : At(row).parked) {
      if (sequence >= span.first && sequence <= span.last) found.push_back(parked);
    }
    return found;
  }
  void PutParked(EpochRow row, const ParkedRecord& parked, WallTime /*now*/) override {
    At(row).parked[parked.sequence] = parked;
  }
  void DeleteParked(EpochRow row, std::uint64_t sequence) override { At(row).parked.erase(sequence); }

  [[nodiscard]] std::vector<StoredTombstone> Tombstones(EpochRow row, Interval span) override {
    return Overlapping(At(row).tombstones, span);
  }
  void PutTombstone(EpochRow row, const StoredTombstone& tombstone) override {
    At(row).tombstones[tombstone.first] = tombstone;
  }
  bool MarkReappeared(EpochRow row, std::uint64_t sequence, const Hash& hash) override {
    return At(row).reappeared.emplace(sequence, hash).second;
  }

  [[nodiscard]] std::vector<ResolvedSequence> Recaptured(EpochRow origin_row, Interval span) override {
    std::vector<ResolvedSequence> found;
    for (const auto& [sequence, hash] : At(origin_row).recaptured) {
      if (sequence >= span.first && sequence <= span.last) found.push_back({sequence, hash});
    }
    return found;
  }
  void PutRecaptured(EpochRow origin_row, std::uint64_t sequence, const Hash& hash) override {
    At(origin_row).recaptured.emplace(sequence, hash);
  }

  [[nodiscard]] ImportRow EnsureImport(const ImportSource& source, WallTime /*now*/) override {
    for (std::size_t i = 0; i < state_.imports.size(); ++i) {
      if (state_.imports[i] == source.export_id) return static_cast<ImportRow>(i);
    }
    state_.imports.push_back(source.export_id);
    return static_cast<ImportRow>(state_.imports.size() - 1);
  }
  [[nodiscard]] std::optional<std::string> EventInEffect(const Uuid& event_id) override {
    const auto found = state_.in_effect.find(event_id);
    if (found == state_.in_effect.end()) return std::nullopt;
    return found->second;
  }
  std::uint64_t Append(const NewEntry& entry) override {
    if (entry.kind == EntryKind::kAccepted) state_.in_effect[entry.event_id.value()] = entry.event;
    const Epoch& epoch = At(entry.epoch_row);
    const std::uint64_t position = state_.entries.size() + 1;
    state_.entries.push_back({position,
                              entry.kind,
                              entry.received_at,
                              epoch.identity,
                              epoch.epoch,
                              entry.sequence,
                              entry.last_sequence,
                              std::string(entry.lane),
                              entry.previous_hash,
                              entry.hash,
                              std::string(entry.cause),
                              std::string(entry.event),
                              {}});
    if (entry.import)
      state_.entries.back().export_id = state_.imports.at(static_cast<std::size_t>(*entry.import));
    return position;
  }

  void PutTerminal(const StreamIdentity& identity, std::string_view record) override {
    state_.terminals[identity] = record;
  }
  [[nodiscard]] std::vector<StoredTerminal> Terminals(const StreamIdentity& after,
                                                      std::size_t limit) override {
    std::vector<StoredTerminal> found;
    for (auto next = state_.terminals.upper_bound(after);
         next != state_.terminals.end() && found.size() < limit; ++next) {
      found.push_back({next->first, next->second});
    }
    return found;
  }

  [[nodiscard]] EntryPage Read(const EntryQuery& query) override {
    EntryPage page;
    page.scanned_through = query.after_position;
    std::size_t bytes = 0;
    while (page.scanned_through < state_.entries.size() && page.entries.size() < query.max_entries) {
      const StoredEntry& entry = state_.entries[page.scanned_through];
      if ((query.store_id.empty() || query.store_id == entry.identity.store_id) &&
          (query.terminal_id.empty() || query.terminal_id == entry.identity.terminal_id)) {
        if (!page.entries.empty() && bytes + entry.event.size() > query.max_bytes) return page;
        bytes += entry.event.size();
        page.entries.push_back(entry);
      }
      ++page.scanned_through;
    }
    page.at_end = page.scanned_through == state_.entries.size() && page.entries.size() < query.max_entries;
    return page;
  }
  [[nodiscard]] LedgerStatistics Statistics() override {
    LedgerStatistics statistics;
    std::set<StreamIdentity> terminals;
    for (const Epoch& epoch : state_.epochs) {
      terminals.insert(epoch.identity);
      statistics.parked += epoch.parked.size();
      Add(statistics.counts, epoch.counts);
    }
    statistics.terminals = terminals.size();
    return statistics;
  }

 private:
  struct Epoch {
    StreamIdentity identity;
    std::uint64_t epoch = 0;
    EpochCounts counts;
    std::map<std::uint64_t, StoredRange> ranges;
    std::map<std::uint64_t, HashRun> runs;
    std::map<std::uint64_t, ParkedRecord> parked;
    std::map<std::uint64_t, StoredTombstone> tombstones;
    std::set<std::pair<std::uint64_t, Hash>> reappeared;
    std::set<std::pair<std::uint64_t, Hash>> recaptured;
  };
  struct State {
    std::vector<Epoch> epochs;
    std::vector<StoredEntry> entries;
    std::vector<Uuid> imports;
    std::map<Uuid, std::string> in_effect;
    std::map<StreamIdentity, std::string> terminals;
  };

  template <typename Range>
  static std::vector<Range> Overlapping(const std::map<std::uint64_t, Range>& ranges, Interval span) {
    std::vector<Range> found;
    for (const auto& [first, range] : ranges) {
      if (range.last >= span.first && first <= span.last) found.push_back(range);
    }
    return found;
  }
  static void Add(EpochCounts& sum, const EpochCounts& counts) {
    sum.accepted += counts.accepted;
    sum.duplicates += counts.duplicates;
    sum.conflicts += counts.conflicts;
    sum.tombstoned += counts.tombstoned;
    sum.reappeared += counts.reappeared;
    sum.imported += counts.imported;
  }
  Epoch& At(EpochRow row) { return state_.epochs.at(static_cast<std::size_t>(row)); }

  State state_;
  State before_;
  std::size_t commits_ = 0;
  const std::string incarnation_ = "fake";
};

}  // namespace tillwire
