// The ledger's statements, over one SQLite connection. Only sqlite_ledger.cc uses it.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "ingest/ledger/ledger.h"

namespace tillwire {

class SqliteLedgerTransaction final : public LedgerTransaction {
 public:
  // `database` has the ledger's schema and outlives this.
  explicit SqliteLedgerTransaction(SQLite::Database& database);

  [[nodiscard]] std::optional<EpochRow> FindEpoch(const StreamIdentity& identity,
                                                  std::uint64_t epoch) override;
  [[nodiscard]] EpochRow EnsureEpoch(const StreamIdentity& identity, std::uint64_t epoch) override;
  void AddCounts(EpochRow row, const EpochCounts& counts) override;

  [[nodiscard]] std::vector<StoredRange> Ranges(EpochRow row, Interval span) override;
  void PutRange(EpochRow row, const StoredRange& range) override;
  void DeleteRange(EpochRow row, std::uint64_t first) override;
  void AddHashRun(EpochRow row, std::uint64_t first, std::span<const Hash> hashes) override;
  [[nodiscard]] std::optional<HashRun> FindHashRun(EpochRow row, std::uint64_t sequence) override;

  [[nodiscard]] std::vector<ParkedRecord> Parked(EpochRow row, Interval span) override;
  void PutParked(EpochRow row, const ParkedRecord& parked, WallTime now) override;
  void DeleteParked(EpochRow row, std::uint64_t sequence) override;

  [[nodiscard]] std::vector<StoredTombstone> Tombstones(EpochRow row, Interval span) override;
  void PutTombstone(EpochRow row, const StoredTombstone& tombstone) override;
  bool MarkReappeared(EpochRow row, std::uint64_t sequence, const Hash& hash) override;

  [[nodiscard]] std::vector<ResolvedSequence> Recaptured(EpochRow origin_row, Interval span) override;
  void PutRecaptured(EpochRow origin_row, std::uint64_t sequence, const Hash& hash) override;

  [[nodiscard]] ImportRow EnsureImport(const ImportSource& source, WallTime now) override;
  [[nodiscard]] std::optional<std::string> EventInEffect(const Uuid& event_id) override;
  std::uint64_t Append(const NewEntry& entry) override;

  void PutTerminal(const StreamIdentity& identity, std::string_view record) override;
  [[nodiscard]] std::vector<StoredTerminal> Terminals(const StreamIdentity& after,
                                                      std::size_t limit) override;

  [[nodiscard]] EntryPage Read(const EntryQuery& query) override;
  [[nodiscard]] LedgerStatistics Statistics() override;

  // Forgets what may have been rolled back.
  void Forget() {
    epochs_.clear();
    highest_in_effect_.reset();
  }

 private:
  // What an epoch row stands for.
  struct EpochKey {
    StreamIdentity identity;
    std::uint64_t epoch = 0;
  };
  const EpochKey& KeyOf(EpochRow row);
  const Uuid& HighestInEffect();
  Uuid ExportIdOf(ImportRow row);

  SQLite::Database& database_;
  SQLite::Statement find_epoch_, add_epoch_, key_of_epoch_, add_counts_;
  SQLite::Statement range_before_, ranges_within_, put_range_, delete_range_;
  SQLite::Statement add_hash_run_, find_hash_run_;
  SQLite::Statement parked_within_, put_parked_, delete_parked_;
  SQLite::Statement tombstone_before_, tombstones_within_, put_tombstone_, mark_reappeared_;
  SQLite::Statement recaptured_within_, put_recaptured_;
  SQLite::Statement find_import_, add_import_, export_id_of_;
  SQLite::Statement event_in_effect_, highest_id_, append_, read_, sum_counts_, count_parked_;
  SQLite::Statement put_terminal_, terminals_;
  std::unordered_map<EpochRow, EpochKey> epochs_;  // for reading; bounded, filled on demand
  std::optional<Uuid> highest_in_effect_;          // of the ids of events in effect; filled on demand
};

}  // namespace tillwire
