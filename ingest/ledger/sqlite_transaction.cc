#include "ingest/ledger/sqlite_transaction.h"

#include <algorithm>
#include <limits>
#include <string>

#include "storage/database.h"

namespace tillwire {
namespace {

constexpr std::size_t kMaxCachedEpochs = 16 * 1024;
// Rows looked at for one page. A filter that matches little then still gives the thread back soon.
constexpr std::size_t kMaxScannedRows = 8 * 1024;

std::uint64_t Signed(std::uint64_t sequence) {
  return std::min<std::uint64_t>(sequence, std::numeric_limits<std::int64_t>::max());
}

void BindOptional(StatementRun& run, const std::optional<Hash>& hash) {
  if (hash) {
    run.Bind(*hash);
  } else {
    run.BindNull();
  }
}

void BindOptional(StatementRun& run, const std::optional<Uuid>& id) {
  if (id) {
    run.BindBlob(id->AsBytes());
  } else {
    run.BindNull();
  }
}

void BindOptional(StatementRun& run, const std::optional<RecordRef>& ref) {
  if (ref) {
    run.Bind(ref->id.epoch).Bind(ref->id.sequence).Bind(ref->hash);
  } else {
    run.BindNull().BindNull().BindNull();
  }
}

std::optional<Hash> OptionalHashAt(const StatementRun& run, int column) {
  if (run.IsNull(column)) return std::nullopt;
  return run.HashAt(column);
}

StoredRange RangeAt(const StatementRun& run) {
  return {run.Unsigned(0), run.Unsigned(1), run.HashAt(2), run.HashAt(3)};
}

StoredTombstone TombstoneAt(const StatementRun& run) {
  return {run.Unsigned(0),
          run.Unsigned(1),
          OptionalHashAt(run, 2),
          OptionalHashAt(run, 3),
          static_cast<TombstoneKind>(run.Int(4)),
          run.Text(5)};
}

// Rows of a table of ranges that overlap a span: the last that begins before it, if it reaches in, and those
// that begin inside it.
template <typename Read>
auto Overlapping(SQLite::Statement& before, SQLite::Statement& within, EpochRow row, Interval span,
                 Read read) {
  std::vector<decltype(read(std::declval<StatementRun&>()))> found;
  {
    StatementRun run(before);
    run.Bind(row).Bind(Signed(span.first));
    if (run.Step() && run.Unsigned(1) >= span.first) found.push_back(read(run));
  }
  StatementRun run(within);
  run.Bind(row).Bind(Signed(span.first)).Bind(Signed(span.last));
  while (run.Step()) found.push_back(read(run));
  return found;
}

}  // namespace

SqliteLedgerTransaction::SqliteLedgerTransaction(SQLite::Database& database)
    : database_(database),
      find_epoch_(database,
                  "SELECT epoch_row FROM epochs WHERE store_id = ? AND terminal_id = ? AND epoch = ?"),
      add_epoch_(database, "INSERT INTO epochs (store_id, terminal_id, epoch) VALUES (?, ?, ?)"),
      key_of_epoch_(database, "SELECT store_id, terminal_id, epoch FROM epochs WHERE epoch_row = ?"),
      add_counts_(database,
                  "UPDATE epochs SET accepted = accepted + ?2, duplicates = duplicates + ?3, "
                  "conflicts = conflicts + ?4, tombstoned = tombstoned + ?5, reappeared = reappeared + ?6, "
                  "imported = imported + ?7 WHERE epoch_row = ?1"),
      range_before_(database,
                    "SELECT first, last, previous_hash, last_hash FROM ranges "
                    "WHERE epoch_row = ? AND first < ? ORDER BY first DESC LIMIT 1"),
      ranges_within_(database,
                     "SELECT first, last, previous_hash, last_hash FROM ranges "
                     "WHERE epoch_row = ? AND first BETWEEN ? AND ? ORDER BY first"),
      put_range_(database, "INSERT OR REPLACE INTO ranges VALUES (?, ?, ?, ?, ?)"),
      delete_range_(database, "DELETE FROM ranges WHERE epoch_row = ? AND first = ?"),
      add_hash_run_(database, "INSERT INTO hash_runs VALUES (?, ?, ?)"),
      find_hash_run_(database,
                     "SELECT first, hashes FROM hash_runs WHERE epoch_row = ? AND first <= ? "
                     "ORDER BY first DESC LIMIT 1"),
      parked_within_(database,
                     "SELECT sequence, hash, previous_hash, reason, event_id FROM parked "
                     "WHERE epoch_row = ? AND sequence BETWEEN ? AND ? ORDER BY sequence"),
      put_parked_(database, "INSERT OR REPLACE INTO parked VALUES (?, ?, ?, ?, ?, ?, ?)"),
      delete_parked_(database, "DELETE FROM parked WHERE epoch_row = ? AND sequence = ?"),
      tombstone_before_(database,
                        "SELECT first, last, previous_hash, last_hash, kind, cause FROM tombstones "
                        "WHERE epoch_row = ? AND first < ? ORDER BY first DESC LIMIT 1"),
      tombstones_within_(database,
                         "SELECT first, last, previous_hash, last_hash, kind, cause FROM tombstones "
                         "WHERE epoch_row = ? AND first BETWEEN ? AND ? ORDER BY first"),
      put_tombstone_(database, "INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?)"),
      mark_reappeared_(database, "INSERT OR IGNORE INTO reappeared VALUES (?, ?, ?)"),
      recaptured_within_(database,
                         "SELECT sequence, hash FROM recaptured "
                         "WHERE epoch_row = ? AND sequence BETWEEN ? AND ? ORDER BY sequence"),
      put_recaptured_(database, "INSERT OR IGNORE INTO recaptured VALUES (?, ?, ?)"),
      find_import_(database, "SELECT import_row FROM imports WHERE export_id = ?"),
      add_import_(database, "INSERT INTO imports (export_id, exported_at, imported_at) VALUES (?, ?, ?)"),
      export_id_of_(database, "SELECT export_id FROM imports WHERE import_row = ?"),
      event_in_effect_(database, "SELECT event FROM entries WHERE kind = 1 AND event_id = ?"),
      highest_id_(database, "SELECT max(event_id) FROM entries WHERE kind = 1"),
      append_(database,
              "INSERT INTO entries (kind, received_at, epoch_row, sequence, last_sequence, lane, "
              "predecessor_epoch, "
              "predecessor_sequence, predecessor_hash, previous_hash, hash, origin_epoch, origin_sequence, "
              "origin_hash, event_id, cause, event, import_row) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      read_(database,
            "SELECT position, epoch_row, kind, received_at, sequence, last_sequence, lane, previous_hash, "
            "hash, "
            "cause, event, import_row FROM entries WHERE position > ? ORDER BY position"),
      sum_counts_(database,
                  "SELECT total(accepted), total(duplicates), total(conflicts), total(tombstoned), "
                  "total(reappeared), total(imported), (SELECT count(*) FROM (SELECT DISTINCT store_id, "
                  "terminal_id FROM epochs)) "
                  "FROM epochs"),
      count_parked_(database, "SELECT count(*) FROM parked"),
      put_terminal_(database, "INSERT OR REPLACE INTO terminals VALUES (?, ?, ?)"),
      terminals_(database,
                 "SELECT store_id, terminal_id, record FROM terminals WHERE (store_id, terminal_id) > (?, ?) "
                 "ORDER BY store_id, terminal_id LIMIT ?") {}

std::optional<EpochRow> SqliteLedgerTransaction::FindEpoch(const StreamIdentity& identity,
                                                           std::uint64_t epoch) {
  StatementRun run(find_epoch_);
  run.BindText(identity.store_id).BindText(identity.terminal_id).Bind(epoch);
  if (!run.Step()) return std::nullopt;
  return run.Int(0);
}

EpochRow SqliteLedgerTransaction::EnsureEpoch(const StreamIdentity& identity, std::uint64_t epoch) {
  if (const auto row = FindEpoch(identity, epoch)) return *row;
  StatementRun run(add_epoch_);
  run.BindText(identity.store_id).BindText(identity.terminal_id).Bind(epoch);
  run.Execute();
  return database_.getLastInsertRowid();
}

void SqliteLedgerTransaction::AddCounts(EpochRow row, const EpochCounts& counts) {
  if (counts == EpochCounts{}) return;
  StatementRun(add_counts_)
      .Bind(row)
      .Bind(counts.accepted)
      .Bind(counts.duplicates)
      .Bind(counts.conflicts)
      .Bind(counts.tombstoned)
      .Bind(counts.reappeared)
      .Bind(counts.imported)
      .Execute();
}

std::vector<StoredRange> SqliteLedgerTransaction::Ranges(EpochRow row, Interval span) {
  return Overlapping(range_before_, ranges_within_, row, span, RangeAt);
}

void SqliteLedgerTransaction::PutRange(EpochRow row, const StoredRange& range) {
  StatementRun(put_range_)
      .Bind(row)
      .Bind(range.first)
      .Bind(range.last)
      .Bind(range.previous_hash)
      .Bind(range.last_hash)
      .Execute();
}

void SqliteLedgerTransaction::DeleteRange(EpochRow row, std::uint64_t first) {
  StatementRun(delete_range_).Bind(row).Bind(first).Execute();
}

void SqliteLedgerTransaction::AddHashRun(EpochRow row, std::uint64_t first, std::span<const Hash> hashes) {
  static_assert(sizeof(Hash) == 32, "a run is the hashes' bytes, one after the other");
  const auto bytes = std::as_bytes(hashes);
  StatementRun(add_hash_run_)
      .Bind(row)
      .Bind(first)
      .BindBlob({reinterpret_cast<const char*>(bytes.data()), bytes.size()})
      .Execute();
}

std::optional<HashRun> SqliteLedgerTransaction::FindHashRun(EpochRow row, std::uint64_t sequence) {
  StatementRun run(find_hash_run_);
  run.Bind(row).Bind(Signed(sequence));
  if (!run.Step()) return std::nullopt;
  const std::string_view bytes = run.Blob(1);
  HashRun found;
  found.first = run.Unsigned(0);
  if (bytes.size() % sizeof(Hash) != 0) {
    throw StorageFault({ErrorCode::kDataLoss,
                        "a stored run of hashes has " + std::to_string(bytes.size()) + " bytes",
                        "the ledger is damaged; set it aside and restore a backup"});
  }
  found.hashes.resize(bytes.size() / sizeof(Hash));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(found.hashes.data()));
  if (found.At(sequence) == nullptr) return std::nullopt;
  return found;
}

std::vector<ParkedRecord> SqliteLedgerTransaction::Parked(EpochRow row, Interval span) {
  std::vector<ParkedRecord> found;
  StatementRun run(parked_within_);
  run.Bind(row).Bind(Signed(span.first)).Bind(Signed(span.last));
  while (run.Step()) {
    found.push_back({run.Unsigned(0), run.HashAt(1), run.HashAt(2), static_cast<ParkReason>(run.Int(3)),
                     run.IsNull(4) ? std::nullopt : Uuid::FromBytes(run.Blob(4))});
  }
  return found;
}

void SqliteLedgerTransaction::PutParked(EpochRow row, const ParkedRecord& parked, WallTime now) {
  StatementRun run(put_parked_);
  run.Bind(row).Bind(parked.sequence).Bind(parked.hash).Bind(parked.previous_hash);
  run.Bind(static_cast<std::int64_t>(parked.reason));
  BindOptional(run, parked.event_id);
  run.Bind(ToMicros(now)).Execute();
}

void SqliteLedgerTransaction::DeleteParked(EpochRow row, std::uint64_t sequence) {
  StatementRun(delete_parked_).Bind(row).Bind(sequence).Execute();
}

std::vector<StoredTombstone> SqliteLedgerTransaction::Tombstones(EpochRow row, Interval span) {
  return Overlapping(tombstone_before_, tombstones_within_, row, span, TombstoneAt);
}

void SqliteLedgerTransaction::PutTombstone(EpochRow row, const StoredTombstone& tombstone) {
  StatementRun run(put_tombstone_);
  run.Bind(row).Bind(tombstone.first).Bind(tombstone.last);
  BindOptional(run, tombstone.previous_hash);
  BindOptional(run, tombstone.last_hash);
  run.Bind(static_cast<std::int64_t>(tombstone.kind)).BindText(tombstone.cause).Execute();
}

bool SqliteLedgerTransaction::MarkReappeared(EpochRow row, std::uint64_t sequence, const Hash& hash) {
  return StatementRun(mark_reappeared_).Bind(row).Bind(sequence).Bind(hash).Execute() == 1;
}

std::vector<ResolvedSequence> SqliteLedgerTransaction::Recaptured(EpochRow origin_row, Interval span) {
  std::vector<ResolvedSequence> found;
  StatementRun run(recaptured_within_);
  run.Bind(origin_row).Bind(Signed(span.first)).Bind(Signed(span.last));
  while (run.Step()) found.push_back({run.Unsigned(0), run.HashAt(1)});
  return found;
}

void SqliteLedgerTransaction::PutRecaptured(EpochRow origin_row, std::uint64_t sequence, const Hash& hash) {
  StatementRun(put_recaptured_).Bind(origin_row).Bind(sequence).Bind(hash).Execute();
}

const Uuid& SqliteLedgerTransaction::HighestInEffect() {
  if (!highest_in_effect_) {
    StatementRun run(highest_id_);
    run.Step();
    highest_in_effect_ = Uuid::FromBytes(run.Blob(0)).value_or(Uuid{});
  }
  return *highest_in_effect_;
}

ImportRow SqliteLedgerTransaction::EnsureImport(const ImportSource& source, WallTime now) {
  {
    StatementRun run(find_import_);
    if (run.BindBlob(source.export_id.AsBytes()).Step()) return run.Int(0);
  }
  StatementRun(add_import_)
      .BindBlob(source.export_id.AsBytes())
      .Bind(ToMicros(source.exported_at))
      .Bind(ToMicros(now))
      .Execute();
  return database_.getLastInsertRowid();
}

Uuid SqliteLedgerTransaction::ExportIdOf(ImportRow row) {
  StatementRun run(export_id_of_);
  const auto id = run.Bind(row).Step() ? Uuid::FromBytes(run.Blob(0)) : std::nullopt;
  if (id) return *id;
  throw StorageFault({ErrorCode::kDataLoss,
                      "an entry names import row " + std::to_string(row) + ", which is missing",
                      "the ledger is damaged; set it aside and restore a backup"});
}

std::optional<std::string> SqliteLedgerTransaction::EventInEffect(const Uuid& event_id) {
  // Ids ascend with time, so most are higher than any before; no need to look for those.
  if (event_id > HighestInEffect()) return std::nullopt;
  StatementRun run(event_in_effect_);
  run.BindBlob(event_id.AsBytes());
  if (!run.Step()) return std::nullopt;
  return std::string(run.Blob(0));
}

std::uint64_t SqliteLedgerTransaction::Append(const NewEntry& entry) {
  StatementRun run(append_);
  run.Bind(static_cast<std::int64_t>(entry.kind)).Bind(ToMicros(entry.received_at)).Bind(entry.epoch_row);
  run.Bind(entry.sequence).Bind(entry.last_sequence).BindText(entry.lane);
  BindOptional(run, entry.lane_predecessor);
  BindOptional(run, entry.previous_hash);
  BindOptional(run, entry.hash);
  BindOptional(run, entry.origin);
  BindOptional(run, entry.event_id);
  if (entry.kind == EntryKind::kTombstone) {
    run.BindText(entry.cause);
  } else {
    run.BindNull();
  }
  run.BindBlob(entry.event);
  if (entry.import) {
    run.Bind(*entry.import);
  } else {
    run.BindNull();
  }
  run.Execute();
  if (entry.kind == EntryKind::kAccepted && entry.event_id && *entry.event_id > HighestInEffect()) {
    highest_in_effect_ = entry.event_id;
  }
  return static_cast<std::uint64_t>(database_.getLastInsertRowid());
}

const SqliteLedgerTransaction::EpochKey& SqliteLedgerTransaction::KeyOf(EpochRow row) {
  if (const auto found = epochs_.find(row); found != epochs_.end()) return found->second;
  if (epochs_.size() >= kMaxCachedEpochs) epochs_.clear();
  StatementRun run(key_of_epoch_);
  if (!run.Bind(row).Step()) {
    throw StorageFault({ErrorCode::kDataLoss,
                        "an entry names epoch row " + std::to_string(row) + ", which is missing",
                        "the ledger is damaged; set it aside and restore a backup"});
  }
  return epochs_.emplace(row, EpochKey{{run.Text(0), run.Text(1)}, run.Unsigned(2)}).first->second;
}

void SqliteLedgerTransaction::PutTerminal(const StreamIdentity& identity, std::string_view record) {
  StatementRun run(put_terminal_);
  run.BindText(identity.store_id).BindText(identity.terminal_id).BindBlob(record).Execute();
}

std::vector<StoredTerminal> SqliteLedgerTransaction::Terminals(const StreamIdentity& after,
                                                               std::size_t limit) {
  std::vector<StoredTerminal> found;
  StatementRun run(terminals_);
  run.BindText(after.store_id).BindText(after.terminal_id).Bind(std::uint64_t{limit});
  while (run.Step()) found.push_back({{run.Text(0), run.Text(1)}, std::string(run.Blob(2))});
  return found;
}

EntryPage SqliteLedgerTransaction::Read(const EntryQuery& query) {
  EntryPage page;
  page.scanned_through = query.after_position;
  std::size_t bytes = 0;
  StatementRun run(read_);
  run.Bind(Signed(query.after_position));
  for (std::size_t scanned = 0; scanned < kMaxScannedRows && page.entries.size() < query.max_entries;
       ++scanned) {
    if (!run.Step()) {
      page.at_end = true;
      break;
    }
    const EpochKey& key = KeyOf(run.Int(1));
    const bool wanted = (query.store_id.empty() || query.store_id == key.identity.store_id) &&
                        (query.terminal_id.empty() || query.terminal_id == key.identity.terminal_id);
    if (wanted) {
      const std::string_view event = run.Blob(10);
      if (!page.entries.empty() && bytes + event.size() > query.max_bytes) break;
      bytes += event.size();
      page.entries.push_back({run.Unsigned(0), static_cast<EntryKind>(run.Int(2)), FromMicros(run.Int(3)),
                              key.identity, key.epoch, run.Unsigned(4), run.Unsigned(5), run.Text(6),
                              OptionalHashAt(run, 7), OptionalHashAt(run, 8), run.Text(9), std::string(event),
                              run.IsNull(11) ? std::nullopt : std::optional(ExportIdOf(run.Int(11)))});
    }
    page.scanned_through = run.Unsigned(0);
  }
  return page;
}

LedgerStatistics SqliteLedgerTransaction::Statistics() {
  LedgerStatistics statistics;
  {
    StatementRun run(sum_counts_);
    run.Step();
    statistics.counts = {run.Unsigned(0), run.Unsigned(1), run.Unsigned(2),
                         run.Unsigned(3), run.Unsigned(4), run.Unsigned(5)};
    statistics.terminals = run.Unsigned(6);
  }
  StatementRun run(count_parked_);
  run.Step();
  statistics.parked = run.Unsigned(0);
  return statistics;
}

}  // namespace tillwire
