// Whether what the file says of itself can be right. SQLite checks its own structures; a value that was
// damaged inside a row it does not notice, and code that counts on such a value must not run.
#include <algorithm>
#include <string>
#include <vector>

#include "core/limits.h"
#include "core/text.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"
#include "storage/outbox_schema.h"

namespace tillwire {
namespace {

// The least that an event takes in the file: two hashes.
constexpr std::uint64_t kLeastRowBytes = 64;

// Sorted.
std::vector<std::string> SchemaOf(SQLite::Database& database) {
  SQLite::Statement select(
      database, "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || ifnull(sql, '') FROM sqlite_schema");
  std::vector<std::string> schema;
  for (StatementRun run(select); run.Step();) schema.push_back(run.Text(0));
  std::ranges::sort(schema);
  return schema;
}

}  // namespace

void Outbox::Impl::Require(bool holds, const std::string& what) {
  if (holds) return;
  throw StorageFault({ErrorCode::kDataLoss, "the outbox file is damaged: " + what,
                      "set the file aside, do not delete it: what can be read of it can be saved"});
}

Interval Outbox::Impl::RequireRange(std::uint64_t first, std::uint64_t last, const char* what) {
  Require(first >= 1 && first <= last && last <= kMaxSequence,
          std::string(what) + " has a range from " + std::to_string(first) + " to " + std::to_string(last));
  return {first, last};
}

// Whether the tables are those that this version of the schema has. A newer schema is not judged.
void Outbox::Impl::CheckSchema() {
  static const std::vector<std::string> expected = [] {
    SQLite::Database made(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    made.exec(std::string(kOutboxMigrations.back().sql));
    return SchemaOf(made);
  }();
  const int version = database->execAndGet("PRAGMA user_version").getInt();
  if (version != 0 && version != kOutboxMigrations.back().version) return;
  const std::vector<std::string> found = SchemaOf(*database);
  if (version == 0) return Require(found.empty(), "it has tables, and no schema version");
  Require(std::ranges::includes(found, expected), "its tables are not those of an outbox");
}

// In time that does not depend on the backlog.
void Outbox::Impl::CheckLoaded() {
  if (last_position > 0) {
    RequireRange(first_retained, last_position, "events");
    // A position that is far off is a damaged one.
    Require(last_position - first_retained < statements->space.UsedBytes() / kLeastRowBytes,
            "events has position " + std::to_string(last_position) + ", more than the file has room for");
  }
  for (const IntervalSet* set : {&delivered, &parked, &tombstoned}) {
    Require(set->Empty() || set->Ranges().rbegin()->second <= last_position,
            "it has the outcome of an event that it never held");
  }
  for (const EpochRow& row : epochs) {
    const std::string name = "epoch " + std::to_string(row.ordinal);
    Require(row.ordinal >= 1 && row.ordinal <= kMaxOrdinal, name + " has no such number");
    Require(row.base <= last_position && row.backed_up <= kMaxSequence, name + " is beyond the last event");
    const bool is_open = &row == &epochs.back();
    Require(row.retained.has_value() != is_open, name + (is_open ? " is closed" : " was never closed"));
    if (is_open) continue;
    Require(*row.retained <= last_position - row.base && *row.retained <= row.issued &&
                row.issued <= kMaxSequence,
            name + " ends where it can't");
  }
  const std::string pruned = ReadMeta(kPrunedNotInEffect);
  Require(pruned.empty() || ParseCount(pruned).has_value(), "its count of pruned events is no number");
  const std::int64_t newest_anchor =
      database->execAndGet("SELECT ifnull(max(server_time), 0) FROM anchors").getInt64();
  Require(newest_anchor <= kMaxAnchor, "it has a time after the year 9999");
}

}  // namespace tillwire
