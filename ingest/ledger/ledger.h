// The centre's durable memory: what arrived, in order of commit, and what removes duplicates for ever.
//
// A Ledger is used by one thread at a time (in the service, the thread of GroupCommit). Between Begin() and
// Commit() its Transaction() may be used; nothing counts until Commit() has returned. A failing disk throws
// StorageFault (storage/database.h), after which the caller must Rollback().
//
// State is kept per *epoch row*: one (store, terminal, epoch) under a small number. What holds for many
// sequences at once is a range, so a terminal's history costs a few rows, however long it is. Beside the
// ranges stands a run of hashes per batch, read only where a record arrives again, where a lane's predecessor
// is checked and where a Welcome cuts a range.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/hash.h"
#include "core/interval_set.h"
#include "core/uuid.h"
#include "core/write_back.h"
#include "storage/group_commit.h"

namespace tillwire {

// Whose records a stream carries.
struct StreamIdentity {
  std::string store_id;
  std::string terminal_id;

  auto operator<=>(const StreamIdentity&) const = default;
};

using EpochRow = std::int64_t;
using ImportRow = std::int64_t;

// An export file, by its header.
struct ImportSource {
  Uuid export_id;
  WallTime exported_at;
};

// The sequences first to last are accepted. Its two hashes are what neighbours are linked to.
struct StoredRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  Hash previous_hash;  // that the record at `first` names
  Hash last_hash;      // of the record at `last`

  bool operator==(const StoredRange&) const = default;
};

// Hashes of consecutive accepted records.
struct HashRun {
  std::uint64_t first = 0;
  std::vector<Hash> hashes;

  [[nodiscard]] const Hash* At(std::uint64_t sequence) const {
    if (sequence < first || sequence - first >= hashes.size()) return nullptr;
    return &hashes[sequence - first];
  }
};

// A record that was refused for now. Its bytes stay with the agent.
struct ParkedRecord {
  std::uint64_t sequence = 0;
  Hash hash;
  Hash previous_hash;
  ParkReason reason = ParkReason::kUnspecified;
  std::optional<Uuid> event_id;  // absent where the bytes have none that can be read
};

// Sequences that were closed without an event.
struct StoredTombstone {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<Hash> previous_hash;  // that the record at `first` would name
  std::optional<Hash> last_hash;      // of the record at `last`
  TombstoneKind kind = TombstoneKind::kLost;
  std::string cause;
};

enum class EntryKind { kUnspecified, kAccepted, kReappeared, kTombstone };

// What is appended. Views must live until the call returns.
struct NewEntry {
  EntryKind kind = EntryKind::kAccepted;
  WallTime received_at;
  EpochRow epoch_row = 0;
  std::uint64_t sequence = 0;
  std::uint64_t last_sequence = 0;  // with kTombstone the end of the range, else equal to sequence
  std::string_view lane;
  std::optional<RecordRef> lane_predecessor;
  std::optional<Hash> previous_hash;
  std::optional<Hash> hash;
  std::optional<RecordRef> origin;
  std::optional<Uuid> event_id;
  std::string_view cause;  // with kTombstone
  std::string_view event;
  std::optional<ImportRow> import;  // the export file that brought it; absent if it came on a stream
};

// What is read back.
struct StoredEntry {
  std::uint64_t position = 0;  // in the order of commit, from 1
  EntryKind kind = EntryKind::kUnspecified;
  WallTime received_at;
  StreamIdentity identity;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::uint64_t last_sequence = 0;
  std::string lane;
  std::optional<Hash> previous_hash;
  std::optional<Hash> hash;
  std::string cause;
  std::string event;
  std::optional<Uuid> export_id;  // of the export file that brought it
};

struct EntryQuery {
  std::uint64_t after_position = 0;
  std::string store_id;     // only this one, if not empty
  std::string terminal_id;  // only this one, if not empty
  std::size_t max_entries = 256;
  std::size_t max_bytes = 1024 * 1024;  // of events; one entry is given whatever its size
};

struct EntryPage {
  std::vector<StoredEntry> entries;
  std::uint64_t scanned_through = 0;  // where to go on
  bool at_end = false;                // there is nothing above scanned_through
};

// What oversight remembers of a terminal, in its own encoding.
struct StoredTerminal {
  StreamIdentity identity;
  std::string record;
};

// What happened in an epoch. Kept beside it, so that nobody counts the history.
struct EpochCounts {
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t tombstoned = 0;
  std::uint64_t reappeared = 0;
  std::uint64_t imported = 0;  // of those accepted, what export files brought

  bool operator==(const EpochCounts&) const = default;
};

struct LedgerStatistics {
  std::uint64_t terminals = 0;
  std::uint64_t parked = 0;
  EpochCounts counts;  // over all epochs
};

// What acceptance asks of the ledger. "In a span" means: that overlaps it; results ascend.
class LedgerTransaction {
 public:
  virtual ~LedgerTransaction() = default;

  // -- Epochs

  [[nodiscard]] virtual std::optional<EpochRow> FindEpoch(const StreamIdentity& identity,
                                                          std::uint64_t epoch) = 0;
  [[nodiscard]] virtual EpochRow EnsureEpoch(const StreamIdentity& identity, std::uint64_t epoch) = 0;
  // Adds to the epoch's counts.
  virtual void AddCounts(EpochRow row, const EpochCounts& counts) = 0;

  // -- Accepted sequences

  [[nodiscard]] virtual std::vector<StoredRange> Ranges(EpochRow row, Interval span) = 0;
  // Replaces the range that begins at range.first, if there is one.
  virtual void PutRange(EpochRow row, const StoredRange& range) = 0;
  virtual void DeleteRange(EpochRow row, std::uint64_t first) = 0;
  virtual void AddHashRun(EpochRow row, std::uint64_t first, std::span<const Hash> hashes) = 0;
  // The run that holds this sequence.
  [[nodiscard]] virtual std::optional<HashRun> FindHashRun(EpochRow row, std::uint64_t sequence) = 0;

  // -- Parked sequences

  [[nodiscard]] virtual std::vector<ParkedRecord> Parked(EpochRow row, Interval span) = 0;
  virtual void PutParked(EpochRow row, const ParkedRecord& parked, WallTime now) = 0;
  virtual void DeleteParked(EpochRow row, std::uint64_t sequence) = 0;

  // -- Closed sequences

  [[nodiscard]] virtual std::vector<StoredTombstone> Tombstones(EpochRow row, Interval span) = 0;
  // Replaces the tombstone that begins at tombstone.first, if there is one.
  virtual void PutTombstone(EpochRow row, const StoredTombstone& tombstone) = 0;
  // Notes that bytes arrived for a closed sequence. False if it was noted before.
  virtual bool MarkReappeared(EpochRow row, std::uint64_t sequence, const Hash& hash) = 0;

  // -- Events that a fork moved

  // First identities, in a span of their epoch, of which a later identity was accepted.
  [[nodiscard]] virtual std::vector<ResolvedSequence> Recaptured(EpochRow origin_row, Interval span) = 0;
  virtual void PutRecaptured(EpochRow origin_row, std::uint64_t sequence, const Hash& hash) = 0;

  // -- The log

  // The row of an export file, made if absent.
  [[nodiscard]] virtual ImportRow EnsureImport(const ImportSource& source, WallTime now) = 0;
  // The bytes of the event in effect under this id, if there is one. An event has at most kMaxEventBytes.
  [[nodiscard]] virtual std::optional<std::string> EventInEffect(const Uuid& event_id) = 0;
  // Gives the entry's position.
  virtual std::uint64_t Append(const NewEntry& entry) = 0;

  // -- What oversight remembers

  virtual void PutTerminal(const StreamIdentity& identity, std::string_view record) = 0;
  // The next terminals above `after`, ascending.
  [[nodiscard]] virtual std::vector<StoredTerminal> Terminals(const StreamIdentity& after,
                                                              std::size_t limit) = 0;

  // -- Reading

  [[nodiscard]] virtual EntryPage Read(const EntryQuery& query) = 0;
  [[nodiscard]] virtual LedgerStatistics Statistics() = 0;
};

class Ledger : public Transactional {
 public:
  // Usable between Begin() and Commit() or Rollback(), and owned by the ledger.
  [[nodiscard]] virtual LedgerTransaction& Transaction() = 0;
  // Random, made when the ledger was created. Any thread may call.
  [[nodiscard]] virtual const std::string& Incarnation() const = 0;
};

}  // namespace tillwire
