#include "storage/outbox_salvage.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/figures.h"
#include "core/interval_set.h"
#include "core/limits.h"
#include "core/text.h"
#include "core/write_back.h"
#include "storage/damaged_tables.h"
#include "storage/database.h"
#include "storage/epoch_layout.h"
#include "storage/outbox_schema.h"
#include "storage/outbox_words.h"
#include "storage/scanned_event.h"

namespace tillwire {
namespace {

// What the layout of epochs is tried on.
constexpr std::size_t kProvedSample = 16;
constexpr std::size_t kUnprovedSample = 64;
constexpr char kLostCause[] = "it could not be read from the damaged outbox";

using Kind = ScannedValue::Kind;

bool IsRange(std::uint64_t first, std::uint64_t last) {
  return first >= 1 && first <= last && last <= kMaxSequence;
}

void BindValue(StatementRun& run, const ScannedValue& value) {
  switch (value.kind) {
    case Kind::kInteger:
      run.Bind(value.integer);
      break;
    case Kind::kText:
      run.BindText(value.bytes);
      break;
    case Kind::kBlob:
      run.BindBlob(value.bytes);
      break;
    case Kind::kReal:
    case Kind::kNull:
      run.BindNull();
  }
}

class Salvager {
 public:
  Salvager(const SalvageTask& task, PageScan& scan, const std::filesystem::path& copy)
      : task_(task),
        scan_(scan),
        tables_(task.damaged, task.vfs, scan),
        copy_(copy.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, 0,
              task.copy_vfs) {
    // Nobody reads it before it is complete and synced (DatabaseReplacement).
    copy_.exec("PRAGMA page_size = 4096");
    copy_.exec("PRAGMA journal_mode = OFF");
    copy_.exec("PRAGMA synchronous = OFF");
  }

  Result<void> Run() {
    if (auto migrated = Migrate(copy_, "the salvaged outbox", kOutboxMigrations); !migrated) return migrated;
    copy_.exec("BEGIN");
    if (auto read = ReadTables(); !read) return read;
    if (auto ours = CheckOwner(); !ours) return ours;
    if (auto chosen = ChooseLayout(); !chosen) return chosen;
    if (auto carried = CarryEvents(); !carried) return carried;
    DropUnlinked();
    DropWhatWasPruned();
    NameGaps();
    NameEnds();
    WriteEpochs();
    CompleteTables();
    WriteNote();
    copy_.exec("COMMIT");
    return {};
  }

 private:
  // What a piece of a gap can say of its ends.
  struct Ends {
    std::optional<Hash> before;
    std::optional<Hash> last;
  };

  Result<void> ReadTables() {
    auto read = tables_.ForEachRow([this](const TableForm& table, TableRow&& row) { Take(table, row); });
    if (!read || !scan_.HasFramesBehindDamage()) return read;
    return tables_.ForEachRowBehindDamage([this](const TableForm& table, TableRow&& row) {
      const std::string_view name = table.name;
      if (name == "epochs") epochs_.erase(static_cast<std::uint32_t>(row[0].integer));
      // Of what changes by taking rows away no older row may come back; the centre knows what it has.
      if (name != "meta" && name != "delivered" && name != "incidents") Take(table, row);
    });
  }

  void Take(const TableForm& table, const TableRow& row) {
    const std::string_view name = table.name;
    if (name == "epochs") {
      TakeEpoch(row);
    } else if (name == "delivered") {
      if (IsRange(UnsignedOf(row[0]), UnsignedOf(row[1])))
        delivered_.Add({UnsignedOf(row[0]), UnsignedOf(row[1])});
    } else if (name == "exceptions") {
      if (!IsRange(UnsignedOf(row[0]), UnsignedOf(row[0])) || row[1].integer < 1 || row[1].integer > 2)
        return;
      if (row[1].integer == 2) closed_.Add({UnsignedOf(row[0]), UnsignedOf(row[0])});
      Insert(table, row);
    } else if (name == "lost_ranges") {
      if (!IsRange(UnsignedOf(row[2]), UnsignedOf(row[3])) || row[4].integer < 1 || row[4].integer > 3 ||
          row[9].integer < 0 || row[9].integer > 2) {
        return;
      }
      named_[UnsignedOf(row[1])].Add({UnsignedOf(row[2]), UnsignedOf(row[3])});
      Insert(table, row);
    } else if (name == "anchors") {
      if (row[0].integer >= 0 && row[0].integer <= kMaxAnchor) Insert(table, row);
    } else {
      if (name == "meta") meta_[row[0].bytes] = row[1].bytes;
      Insert(table, row);
    }
  }

  void TakeEpoch(const TableRow& row) {
    EpochRow epoch;
    if (row[0].integer < 1 || row[0].integer > kMaxOrdinal || UnsignedOf(row[2]) > kMaxSequence) return;
    epoch.ordinal = static_cast<std::uint32_t>(row[0].integer);
    epoch.epoch = UnsignedOf(row[1]);
    epoch.base = UnsignedOf(row[2]);
    epoch.genesis = HashOf(row[3]).value_or(Hash{});
    if (row[4].kind == Kind::kInteger) epoch.retained = std::min(UnsignedOf(row[4]), kMaxSequence);
    if (row[5].kind == Kind::kInteger) epoch.issued = std::min(UnsignedOf(row[5]), kMaxSequence);
    epoch.last_hash = HashOf(row[6]).value_or(epoch.genesis);
    epoch.backed_up = std::min(UnsignedOf(row[7]), kMaxSequence);
    epoch.created_at = row[8].integer;
    epoch.why = row[9].bytes;
    epochs_.emplace(epoch.ordinal, epoch);
  }

  void Insert(const TableForm& table, const TableRow& row) {
    SQLite::Statement& insert = InsertInto(table);
    StatementRun run(insert);
    for (const ScannedValue& value : row) BindValue(run, value);
    run.Execute();
  }

  SQLite::Statement& InsertInto(const TableForm& table) {
    auto& insert = inserts_[table.name];
    if (!insert) {
      std::string sql = std::string("INSERT OR IGNORE INTO ") + table.name + " VALUES (?";
      for (std::size_t i = 1; i < std::string_view(table.columns).size(); ++i) sql += ", ?";
      insert = std::make_unique<SQLite::Statement>(copy_, sql + ")");
    }
    return *insert;
  }

  // Its first epoch's genesis covers the names, too.
  Result<void> CheckOwner() {
    const std::string& store = meta_["store_id"];
    const std::string& terminal = meta_["terminal_id"];
    const bool named_otherwise =
        !store.empty() && !terminal.empty() && (store != task_.store_id || terminal != task_.terminal_id);
    const auto first = epochs_.find(1);
    const bool proved =
        first != epochs_.end() &&
        first->second.genesis == GenesisHash(task_.store_id, task_.terminal_id, first->second.epoch, Hash{});
    if (!named_otherwise || proved) return {};
    return Error{ErrorCode::kFailedPrecondition,
                 "the damaged outbox " + task_.damaged.string() + " belongs to another terminal",
                 "correct terminal.store_id and terminal.terminal_id, or give this terminal another "
                 "outbox.directory"};
  }

  Result<void> ChooseLayout() {
    const std::vector<EpochRow> copy = DecodeEpochs(meta_[kEpochCopy]);
    std::map<std::uint32_t, EpochRow> rows = epochs_;
    for (const EpochRow& row : copy) rows.emplace(row.ordinal, row);
    layout_ = Straightened(rows);
    std::vector<UnprovedEvent> sample;
    std::size_t proved = 0;
    std::size_t unproved = 0;
    std::optional<std::uint64_t> marked_position;
    auto scanned = scan_.ForEachRow([&](ScannedRow&& row) {
      auto event = EventOf(row);
      if (!event || row.standing == PageStanding::kOlder) return;
      if (task_.mark && event->hash == task_.mark->hash) marked_position = event->position;
      const bool proves = layout_.Proves(*event);
      std::size_t& count = proves ? proved : unproved;
      if (count < (proves ? kProvedSample : kUnprovedSample)) sample.push_back(std::move(*event));
      ++count;
    });
    if (!scanned) return scanned;
    if (unproved > 0) {
      for (const EpochRow& row : copy) rows[row.ordinal] = row;
      EpochLayout by_copy = Straightened(rows);
      if (by_copy.ProvedOf(sample) > layout_.ProvedOf(sample)) layout_ = std::move(by_copy);
      layout_.Mend(sample, task_.mark);
    }
    if (layout_.ProvedOf(sample) == 0 && task_.mark) UseEpochOfMark(sample, marked_position);
    Straighten(layout_.Rows());
    return {};
  }

  static EpochLayout Straightened(const std::map<std::uint32_t, EpochRow>& by_ordinal) {
    std::vector<EpochRow> rows;
    for (const auto& [ordinal, row] : by_ordinal) rows.push_back(row);
    Straighten(rows);
    return EpochLayout(std::move(rows));
  }

  // Of the epochs nothing is left but what the high-water mark says of the newest.
  void UseEpochOfMark(const std::vector<UnprovedEvent>& sample,
                      std::optional<std::uint64_t> marked_position) {
    EpochRow row;
    row.ordinal = layout_.Rows().empty() ? 1 : layout_.Rows().back().ordinal;
    row.epoch = task_.mark->id.epoch;
    row.created_at = ToMicros(task_.now);
    row.why = "the outbox was damaged, and this epoch's row with it";
    if (marked_position && *marked_position > task_.mark->id.sequence) {
      row.base = *marked_position - task_.mark->id.sequence;
    }
    row.genesis = GenesisHash(task_.store_id, task_.terminal_id, row.epoch, Hash{});
    const EpochLayout by_mark({row});
    if (by_mark.ProvedOf(sample) > 0) layout_ = by_mark;
  }

  // Runs do not overlap, and the newest epoch alone is open.
  static void Straighten(std::vector<EpochRow>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i + 1 == rows.size()) {
        rows[i].retained.reset();
        continue;
      }
      std::uint64_t retained = rows[i].retained.value_or(kMaxSequence);
      for (std::size_t later = i + 1; retained > 0 && later < rows.size(); ++later) {
        const std::uint64_t room = rows[later].base > rows[i].base ? rows[later].base - rows[i].base : 0;
        retained = std::min(retained, room);
      }
      rows[i].retained = retained;
      rows[i].issued = std::max(rows[i].issued, retained);
    }
  }

  Result<void> CarryEvents() {
    SQLite::Statement known(copy_, "SELECT 1 FROM events WHERE position = ?");
    SQLite::Statement insert(copy_,
                             "INSERT INTO events (position, event_id, lane, predecessor, predecessor_hash, "
                             "previous_hash, hash, captured_at, total_bytes, origin, event) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)");
    SQLite::Statement same_id(copy_, "SELECT 1 FROM events WHERE event_id = ?");
    return scan_.ForEachRow([&](ScannedRow&& row) {
      const auto event = EventOf(row);
      if (!event || !layout_.Proves(*event)) return;
      if (StatementRun run(known); run.Bind(event->position).Step()) return;
      if (row.standing == PageStanding::kUncertain) {
        // What stands there above the mark may never have been acknowledged.
        const RecordId id = layout_.IdOf(event->position).value();
        if (!task_.mark || id.epoch != task_.mark->id.epoch || id.sequence > task_.mark->id.sequence) return;
        uncertain_.Add({event->position, event->position});
      }
      // The hash does not cover the id; the bytes hold it too.
      std::string id = row.values[1].bytes;
      if (StatementRun run(same_id);
          row.values[1].kind != Kind::kBlob || id.size() != kIdBytes || run.BindBlob(id).Step()) {
        id = event->hash.AsBytes().substr(0, kIdBytes);
      }
      const ScannedValue& origin = row.values[9];
      StatementRun run(insert);
      run.Bind(event->position).BindBlob(id).BindText(event->lane);
      if (event->predecessor) {
        run.Bind(*event->predecessor).BindOptional(event->predecessor_hash);
      } else {
        run.BindNull().BindNull();
      }
      run.Bind(event->previous_hash).Bind(event->hash).Bind(row.values[7].integer);
      if (origin.kind == Kind::kBlob) {
        run.BindBlob(origin.bytes);
      } else {
        run.BindNull();
      }
      run.BindBlob(event->event).Execute();
    });
  }

  struct Link {
    Hash previous_hash;
    Hash hash;
  };

  std::optional<Link> LinkAt(std::uint64_t position) {
    SQLite::Statement select(copy_, "SELECT previous_hash, hash FROM events WHERE position = ?");
    StatementRun run(select);
    if (!run.Bind(position).Step()) return std::nullopt;
    return Link{run.HashAt(0), run.HashAt(1)};
  }

  // Behind a damaged frame stands what was committed after it, and what an earlier transaction that was
  // rolled back had left there: that one does not go on from what came before it.
  void DropUnlinked() {
    const auto joined = [&](std::uint64_t position) {
      const auto here = LinkAt(position);
      const auto next = LinkAt(position + 1);
      return here && next && next->previous_hash == here->hash;
    };
    for (const auto& [first, last] : uncertain_.Ranges()) {
      for (std::uint64_t begin = first; begin <= last;) {
        std::uint64_t end = begin;
        while (end < last && joined(end)) ++end;
        const bool reaches_mark = task_.mark && LinkAt(end)->hash == task_.mark->hash;
        if (!joined(begin - 1) && !joined(end) && !reaches_mark && !BeginsEpoch(begin)) {
          SQLite::Statement drop(copy_, "DELETE FROM events WHERE position BETWEEN ? AND ?");
          StatementRun(drop).Bind(begin).Bind(end).Execute();
        }
        begin = end + 1;
      }
    }
  }

  bool BeginsEpoch(std::uint64_t position) {
    const EpochRow* row = layout_.RowAt(position);
    return row != nullptr && row->base + 1 == position && LinkAt(position)->previous_hash == row->genesis;
  }

  // Pages that are in no use any more may hold events that were pruned.
  void DropWhatWasPruned() {
    const auto prefix = delivered_.Find(1);
    if (!prefix) return;
    SQLite::Statement select(copy_, "SELECT position FROM events WHERE position <= ? ORDER BY position DESC");
    StatementRun run(select);
    run.Bind(prefix->last + 1);
    std::uint64_t from = 0;  // the last run of positions up to there begins here
    while (run.Step() && (from == 0 || run.Unsigned(0) + 1 == from)) from = run.Unsigned(0);
    if (from == 0) return;
    SQLite::Statement drop(copy_, "DELETE FROM events WHERE position < ?");
    StatementRun(drop).Bind(std::min(from, prefix->last + 1)).Execute();
  }

  void NameGaps() {
    std::vector<std::pair<Interval, Ends>> gaps;
    {
      SQLite::Statement select(copy_, "SELECT position, previous_hash, hash FROM events ORDER BY position");
      std::optional<Hash> before;
      for (StatementRun run(select); run.Step();) {
        const std::uint64_t position = run.Unsigned(0);
        if (first_ == 0) first_ = position;
        if (position > last_ + 1) gaps.push_back({{last_ + 1, position - 1}, {before, run.HashAt(1)}});
        last_ = position;
        before = run.HashAt(2);
      }
    }
    std::vector<Missing> missing;
    for (const auto& [gap, ends] : gaps) {
      for (const EpochRow& row : layout_.Rows()) {
        const std::uint64_t first = std::max(gap.first, row.base + 1);
        const std::uint64_t last = std::min(gap.last, row.base + row.retained.value_or(kMaxSequence));
        if (first > last || layout_.RowAt(first) != &row) continue;
        Ends known;
        if (first == gap.first) known.before = ends.before;
        if (first == row.base + 1) known.before = row.genesis;
        if (last == gap.last && layout_.RowAt(last + 1) == &row) known.last = ends.last;
        if (row.retained && last == row.base + *row.retained) known.last = row.last_hash;
        missing.push_back({&row, {first, last}, known, Unaccounted(row, {first, last})});
      }
      for (std::uint64_t position = gap.first; position <= gap.last; ++position) {
        if (layout_.RowAt(position) == nullptr && !delivered_.Contains(position)) ++unprovable_;
      }
    }
    // What was pruned without having been delivered is not told apart, but counted: if nothing more is
    // missing in front, nothing is lost there.
    std::uint64_t in_front = 0;
    for (const Missing& each : missing) {
      if (each.positions.last < first_) in_front += each.lost.Count();
    }
    const bool front_is_pruned = in_front <= ParseCount(meta_[kPrunedNotInEffect]).value_or(0);
    for (const Missing& each : missing) {
      if (each.positions.last >= first_ || !front_is_pruned) NameLost(each);
    }
  }

  // Positions of one epoch that are not here, and those of them that nothing accounts for.
  struct Missing {
    const EpochRow* row;
    Interval positions;
    Ends ends;
    IntervalSet lost;
  };

  IntervalSet Unaccounted(const EpochRow& row, Interval missing) {
    IntervalSet lost;
    lost.Add(missing);
    for (const IntervalSet* set : {&delivered_, &closed_}) {
      for (const auto& [first, last] : set->Ranges()) lost.Remove({first, last});
    }
    for (const auto& [first, last] : named_[row.epoch].Ranges()) {
      lost.Remove({row.base + first, row.base + last});
    }
    return lost;
  }

  void NameLost(const Missing& missing) {
    const EpochRow& row = *missing.row;
    for (const auto& [first, last] : missing.lost.Ranges()) {
      Ends known;
      if (first == missing.positions.first) known.before = missing.ends.before;
      if (last == missing.positions.last) known.last = missing.ends.last;
      DeclareLost(row.epoch, {first - row.base, last - row.base}, known, /*safe=*/false);
      lost_count_ += last - first + 1;
      FreeKeys({first, last});
      for (std::uint64_t position = std::max(first, first_); position <= last; ++position) {
        CloseHere(position);
      }
    }
  }

  // The key of a capture that is lost is free again: whoever repeats it is heard. Where what was delivered is
  // not known, a pruned event may be called lost, and its key stays.
  void FreeKeys(Interval lost) {
    if (tables_.Unreadable().count("delivered") > 0) return;
    SQLite::Statement free(copy_, "DELETE FROM idempotency WHERE position BETWEEN ? AND ?");
    StatementRun(free).Bind(lost.first).Bind(lost.last).Execute();
  }

  void CloseHere(std::uint64_t position) {
    SQLite::Statement put(copy_, "INSERT OR REPLACE INTO exceptions VALUES (?, 2, ?, ?, ?)");
    StatementRun run(put);
    run.Bind(position).BindText(kDamagedReason).BindText(kLostCause).Bind(ToMicros(task_.now)).Execute();
  }

  // `safe`: the centre has them.
  void DeclareLost(std::uint64_t epoch, Interval sequences, const Ends& ends, bool safe) {
    SQLite::Statement insert(copy_,
                             "INSERT INTO lost_ranges (epoch, first, last, kind, last_hash, previous_hash, "
                             "cause, detected_at, announced) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    StatementRun run(insert);
    run.Bind(epoch).Bind(sequences.first).Bind(sequences.last);
    run.Bind(static_cast<std::int64_t>(TombstoneKind::kLost));
    run.BindOptional(ends.last).BindOptional(ends.before).BindText(kLostCause);
    run.Bind(ToMicros(task_.now)).Bind(safe ? kLossSafe : kLossUnannounced).Execute();
  }

  // Epochs that reached beyond the last event that is here. Of the open one the high-water mark knows the
  // end: opening compares it.
  void NameEnds() {
    for (EpochRow& row : layout_.Rows()) {
      const std::uint64_t kept = last_ > row.base ? last_ - row.base : 0;
      if (row.retained && *row.retained > kept) {
        IntervalSet lost;
        lost.Add({row.base + kept + 1, row.base + *row.retained});
        for (const auto& [first, last] : named_[row.epoch].Ranges()) {
          lost.Remove({row.base + first, row.base + last});
        }
        const Ends ends{std::nullopt, row.last_hash};
        const std::uint64_t end = row.base + *row.retained;
        for (const auto& [first, last] : delivered_.Ranges()) {
          const Interval both{std::max(first, row.base + kept + 1), std::min(last, end)};
          if (both.first > both.last) continue;
          lost.Remove(both);
          DeclareLost(row.epoch, {both.first - row.base, both.last - row.base},
                      both.last == end ? ends : Ends{}, /*safe=*/true);
        }
        for (const auto& [first, last] : lost.Ranges()) {
          DeclareLost(row.epoch, {first - row.base, last - row.base}, last == end ? ends : Ends{},
                      /*safe=*/false);
          lost_count_ += last - first + 1;
        }
        row.retained = kept;
        row.last_hash = row.genesis;
      }
      if (row.retained && *row.retained == 0) row.last_hash = row.genesis;
      row.base = std::min(row.base, last_);
      row.backed_up = std::min(row.backed_up, row.retained.value_or(kept));
    }
  }

  void WriteEpochs() {
    SQLite::Statement insert(copy_, "INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (EpochRow& row : layout_.Rows()) {
      if (const auto first = LinkAt(row.base + 1); first && layout_.RowAt(row.base + 1) == &row)
        row.genesis = first->previous_hash;
      if (row.retained && *row.retained > 0) {
        if (const auto last = LinkAt(row.base + *row.retained)) row.last_hash = last->hash;
      }
      StatementRun run(insert);
      run.Bind(std::uint64_t{row.ordinal}).Bind(row.epoch).Bind(row.base).Bind(row.genesis);
      if (row.retained) {
        run.Bind(*row.retained).Bind(row.issued).Bind(row.last_hash);
      } else {
        run.BindNull().BindNull().BindNull();
      }
      run.Bind(row.backed_up).Bind(row.created_at).BindText(row.why).Execute();
    }
  }

  // What depends on which events are here.
  void CompleteTables() {
    if (last_ < kMaxSequence) delivered_.Remove({last_ + 1, kMaxSequence});
    SQLite::Statement put_delivered(copy_, "INSERT INTO delivered VALUES (?, ?)");
    for (const auto& [first, last] : delivered_.Ranges()) {
      StatementRun(put_delivered).Bind(first).Bind(last).Execute();
    }
    const auto execute = [&](const char* sql) {
      SQLite::Statement statement(copy_, sql);
      StatementRun run(statement);
      if (statement.getBindParameterCount() > 0) run.Bind(last_);
      run.Execute();
    };
    execute("DELETE FROM exceptions WHERE position > ?");
    execute(
        "DELETE FROM exceptions WHERE EXISTS (SELECT 1 FROM delivered WHERE first <= position AND last >= "
        "position)");
    // A lane's last event is the one that the next capture follows.
    execute("INSERT INTO lanes SELECT lane, max(position) FROM events GROUP BY lane");
    execute(
        "UPDATE events SET total_bytes = t.sum FROM (SELECT position AS p, sum(length(event) + 320) OVER "
        "(ORDER BY position) AS sum FROM events) AS t WHERE events.position = t.p");
    // The key of a capture that is lost is free again: whoever repeats it is heard.
    execute("DELETE FROM idempotency WHERE position > ?");
    execute(
        "DELETE FROM idempotency WHERE position IN (SELECT position FROM exceptions WHERE reason = 'DAMAGED' "
        "EXCEPT SELECT position FROM events)");
  }

  void WriteNote() {
    std::uint64_t carried = 0;
    {
      SQLite::Statement count(copy_, "SELECT count(*) FROM events");
      StatementRun run(count);
      run.Step();
      carried = run.Unsigned(0);
    }
    std::string note = "the outbox was damaged (" + task_.why + "); its files are kept as " +
                       task_.set_aside + ".*; " + Counted(carried, "event") + " carried over, " +
                       std::to_string(lost_count_) + " lost; captures go into a new epoch";
    if (unprovable_ > 0) {
      note += "; what named the epochs is lost, and with it the identity of " +
              Counted(unprovable_, "event") + " more, which the centre can't be told of";
    }
    if (tables_.Unreadable().count("idempotency") > 0) {
      note += "; of the callers' keys some may be lost: a repeat of an earlier capture is a new one";
    }
    if (tables_.Unreadable().count("exceptions") > 0 || tables_.Unreadable().count("lost_ranges") > 0) {
      note += "; of what people had released some may be pending again";
    }
    meta_[kSalvageNote] = note;
    meta_["store_id"] = task_.store_id;
    meta_["terminal_id"] = task_.terminal_id;
    if (meta_["machine_id"].empty()) meta_["machine_id"] = task_.machine_id;
    SQLite::Statement put(copy_, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
    for (const auto& [name, value] : meta_) StatementRun(put).BindText(name).BindText(value).Execute();
  }

  const SalvageTask& task_;
  PageScan& scan_;
  DamagedTables tables_;
  SQLite::Database copy_;
  std::map<std::string, std::unique_ptr<SQLite::Statement>> inserts_;
  std::map<std::string, std::string> meta_;
  std::map<std::uint32_t, EpochRow> epochs_;  // as read, by ordinal
  EpochLayout layout_{{}};
  IntervalSet delivered_;
  IntervalSet closed_;                          // by a tombstone, here or at the centre
  std::map<std::uint64_t, IntervalSet> named_;  // lost, by epoch, and not by this salvage
  IntervalSet uncertain_;                       // events that may never have been committed
  std::uint64_t first_ = 0;                     // of the events that are carried over; 0: none
  std::uint64_t last_ = 0;
  std::uint64_t lost_count_ = 0;
  std::uint64_t unprovable_ = 0;
};

}  // namespace

Result<void> SalvageOutbox(const SalvageTask& task, const std::filesystem::path& copy) {
  auto scan = PageScan::Open(task.damaged, task.vfs);
  if (!scan) return scan.error();
  Error error;
  try {
    return Salvager(task, **scan, copy).Run();
  } catch (const StorageFault& fault) {
    error = fault.error();
  } catch (const SQLite::Exception& exception) {
    error = ErrorFromSqlite(exception);
  }
  error.message = "cannot salvage " + task.damaged.string() + ": " + error.message;
  return error;
}

}  // namespace tillwire
