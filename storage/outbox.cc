#include "storage/outbox.h"

#include <utility>

#include "core/text.h"
#include "platform/files.h"
#include "storage/outbox_impl.h"
#include "storage/outbox_schema.h"

namespace tillwire {
namespace {

constexpr char kLockFile[] = "outbox.lock";
constexpr char kMarkFile[] = "outbox.hwm";
// Beyond the limit for captures, for what must go on when that is reached: marking, parking, moving, upkeep.
constexpr std::uint64_t kHeadroomBytes = 64ULL << 20;
constexpr std::uint64_t kRowOverheadBytes = 320;  // identity, hashes and index entries of an event, about

}  // namespace

Outbox::Impl::Statements::Statements(SQLite::Database& database)
    : begin(database, "BEGIN IMMEDIATE"),
      commit(database, "COMMIT"),
      rollback(database, "ROLLBACK"),
      insert_event(
          database,
          "INSERT INTO events (position, event_id, lane, predecessor, predecessor_hash, previous_hash, hash, "
          "captured_at, total_bytes, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      read_event(database,
                 "SELECT position, lane, predecessor, predecessor_hash, previous_hash, hash, origin, event "
                 "FROM events "
                 "WHERE position = ?"),
      read_events(database,
                  "SELECT position, lane, predecessor, predecessor_hash, previous_hash, hash, origin, event "
                  "FROM events "
                  "WHERE position BETWEEN ? AND ? ORDER BY position"),
      update_identity(database,
                      "UPDATE events SET predecessor_hash = ?, previous_hash = ?, hash = ?, origin = ? "
                      "WHERE position = ?"),
      find_by_id(database, "SELECT position, lane FROM events WHERE event_id = ?"),
      event_header(database,
                   "SELECT event_id, lane, previous_hash, hash, captured_at, total_bytes FROM events "
                   "WHERE position = ?"),
      find_predecessor(database, "SELECT predecessor FROM events WHERE position = ?"),
      find_lane(database, "SELECT position FROM lanes WHERE lane = ?"),
      put_lane(database,
               "INSERT INTO lanes (lane, position) VALUES (?, ?) "
               "ON CONFLICT (lane) DO UPDATE SET position = excluded.position"),
      drop_lane(database, "DELETE FROM lanes WHERE lane = ? AND position = ?"),
      find_key(database, "SELECT content, event_id, position FROM idempotency WHERE key = ?"),
      put_key(database, "INSERT INTO idempotency (key, content, event_id, position) VALUES (?, ?, ?, ?)"),
      drop_delivered(database, "DELETE FROM delivered WHERE first BETWEEN ? AND ?"),
      put_delivered(database, "INSERT INTO delivered (first, last) VALUES (?, ?)"),
      put_exception(database,
                    "INSERT OR REPLACE INTO exceptions (position, kind, reason, detail, at) "
                    "VALUES (?, ?, ?, ?, ?)"),
      drop_exceptions(database, "DELETE FROM exceptions WHERE position BETWEEN ? AND ?"),
      find_exception(database, "SELECT kind, reason, detail, at FROM exceptions WHERE position = ?"),
      put_incident(database, "INSERT INTO incidents (at, text) VALUES (?, ?)"),
      space(database) {}

Outbox::Outbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Outbox::~Outbox() = default;

Result<std::unique_ptr<Outbox>> Outbox::Open(const OutboxOptions& options, const Clock& clock, Rng& rng) {
  auto impl = std::make_unique<Impl>(options, clock, rng);
  try {
    if (auto opened = impl->OpenFiles(); !opened) return opened.error();
    StatementRun(impl->statements->begin).Execute();
    if (auto owner = impl->CheckOwner(); !owner) return owner.error();
    impl->Load();
    if (impl->epochs.empty()) impl->BeginEpoch(0, Hash{}, "the outbox was created");
    impl->CheckMachine();
    impl->CheckHighWaterMark();
    StatementRun(impl->statements->commit).Execute();
    impl->WriteHighWaterMark();
  } catch (const StorageFault& fault) {
    return fault.error();
  } catch (const SQLite::Exception& exception) {
    return ErrorFromSqlite(exception);
  }
  return std::unique_ptr<Outbox>(new Outbox(std::move(impl)));
}

Result<void> Outbox::Impl::OpenFiles() {
  const std::string name = "outbox " + options.directory.string();
  if (!options.only_reads) {
    if (auto made = EnsureDirectory(options.directory); !made) return made;
  }
  const auto take = options.only_reads ? OwnerLock::TakeToRead : OwnerLock::Take;
  auto taken = take(options.directory / kLockFile, name, options.program);
  if (!taken) return taken.error();
  lock = std::move(*taken);
  auto opened =
      OpenDatabase(options.directory / kOutboxFile, options.database, options.max_bytes + kHeadroomBytes);
  if (!opened) return opened.error();
  database = std::move(*opened);
  if (auto migrated = Migrate(*database, name, kOutboxMigrations); !migrated) return migrated;
  auto mark = HighWaterMark::Open(options.directory / kMarkFile, options.database.vfs);
  if (!mark) return mark.error();
  high_water_mark = std::move(*mark);
  if (!options.only_reads) {
    if (auto synced = SyncDirectory(options.directory); !synced) return synced;
  }
  statements = std::make_unique<Statements>(*database);
  return {};
}

// An outbox belongs to one terminal for life: its hashes carry that name.
Result<void> Outbox::Impl::CheckOwner() {
  const std::string store = ReadMeta("store_id");
  if (options.only_reads) {
    options.store_id = store;
    options.terminal_id = ReadMeta("terminal_id");
    if (!store.empty()) return {};
    return Error{ErrorCode::kNotFound, "outbox " + options.directory.string() + " was never used",
                 "name the outbox.directory of the terminal's configuration"};
  }
  if (store.empty()) {
    WriteMeta("store_id", options.store_id);
    WriteMeta("terminal_id", options.terminal_id);
    WriteMeta("machine_id", options.machine_id);
    return {};
  }
  const std::string terminal = ReadMeta("terminal_id");
  if (store == options.store_id && terminal == options.terminal_id) return {};
  return Error{
      ErrorCode::kFailedPrecondition,
      "outbox " + options.directory.string() + " belongs to store " + Excerpt(store) + ", terminal " +
          Excerpt(terminal) + ", not to store " + options.store_id + ", terminal " + options.terminal_id,
      "correct terminal.store_id and terminal.terminal_id, or give this terminal another outbox.directory"};
}

void Outbox::Impl::Load() {
  epochs.clear();
  SQLite::Statement select_epochs(
      *database,
      "SELECT ordinal, epoch, base, genesis, retained, last_hash, backed_up, issued, why FROM epochs "
      "ORDER BY ordinal");
  for (StatementRun run(select_epochs); run.Step();) {
    EpochRow row;
    row.ordinal = static_cast<std::uint32_t>(run.Unsigned(0));
    row.epoch = run.Unsigned(1);
    row.base = run.Unsigned(2);
    row.genesis = run.HashAt(3);
    if (!run.IsNull(4)) row.retained = run.Unsigned(4);
    if (!run.IsNull(5)) row.last_hash = run.HashAt(5);
    row.backed_up = run.Unsigned(6);
    if (!run.IsNull(7)) row.issued = run.Unsigned(7);
    row.why = run.Text(8);
    epochs.push_back(row);
  }

  delivered = {};
  SQLite::Statement select_delivered(*database, "SELECT first, last FROM delivered");
  for (StatementRun run(select_delivered); run.Step();)
    delivered.Add(RequireRange(run.Unsigned(0), run.Unsigned(1), "delivered"));
  parked = {};
  tombstoned = {};
  SQLite::Statement select_exceptions(*database, "SELECT position, kind FROM exceptions");
  for (StatementRun run(select_exceptions); run.Step();) {
    const auto kind = static_cast<ExceptionKind>(run.Int(1));
    Require(kind == ExceptionKind::kParked || kind == ExceptionKind::kTombstoned,
            "exceptions has an unknown kind");
    (kind == ExceptionKind::kParked ? parked : tombstoned)
        .Add(RequireRange(run.Unsigned(0), run.Unsigned(0), "exceptions"));
  }
  losses.clear();
  SQLite::Statement select_lost(*database, "SELECT kind, first, last, epoch, announced FROM lost_ranges");
  for (StatementRun run(select_lost); run.Step();) {
    const Interval range = RequireRange(run.Unsigned(1), run.Unsigned(2), "lost_ranges");
    if (run.Int(4) == kSafe) {
      losses[run.Unsigned(3)].safe.Add(range);
    } else {
      AddLoss(run.Unsigned(3), static_cast<TombstoneKind>(run.Int(0)), range);
    }
  }

  // Pruning always leaves the last event in place, so an empty table means that nothing was ever captured.
  last_position =
      static_cast<Position>(database->execAndGet("SELECT ifnull(max(position), 0) FROM events").getInt64());
  first_retained =
      static_cast<Position>(database->execAndGet("SELECT ifnull(min(position), 1) FROM events").getInt64());
  total_bytes = 0;
  if (last_position > 0) {
    StatementRun run(statements->event_header);
    run.Bind(last_position).Step();
    total_bytes = run.Unsigned(5);
  }
  // The centre has what is delivered, whatever else was said of it.
  for (const auto& [first, last] : delivered.Ranges()) {
    parked.Remove({first, last});
    tombstoned.Remove({first, last});
  }
  if (epochs.empty()) return Require(last_position == 0, "it has events, but no epoch");
  CheckLoaded();
  head = last_position > epochs.back().base ? RequireHashOf(last_position) : epochs.back().genesis;
}

// A copied machine image carries the outbox along: its copies must not go on in one epoch.
void Outbox::Impl::CheckMachine() {
  const std::string stored = ReadMeta("machine_id");
  if (options.machine_id.empty() || stored == options.machine_id) return;
  WriteMeta("machine_id", options.machine_id);
  if (stored.empty()) return;
  BeginEpoch(last_position, head, "the outbox was copied to another machine");
  AddIncident(
      "this outbox was made on another machine; captures go into a new epoch, so that the two stay apart");
}

void Outbox::Impl::WriteHighWaterMark() {
  const EpochRow& open = OpenEpoch();
  const RecordRef now{{open.epoch, last_position - open.base}, head};
  if (now == marked) return;
  high_water_mark->Write(now);
  marked = now;
}

RecordId Outbox::Impl::IdOf(Position position) const {
  // The newest epoch whose run of positions holds it: epochs emptied by a fork hold none.
  for (auto row = epochs.rbegin(); row != epochs.rend(); ++row) {
    if (position > row->base && position <= EndOf(*row)) return {row->epoch, position - row->base};
  }
  throw StorageFault({ErrorCode::kDataLoss, "no epoch holds position " + std::to_string(position),
                      "the outbox file is damaged; set it aside"});
}

std::optional<Hash> Outbox::Impl::HashOf(Position position) {
  StatementRun run(statements->event_header);
  if (!run.Bind(position).Step()) return std::nullopt;
  return run.HashAt(3);
}

Hash Outbox::Impl::RequireHashOf(Position position) {
  const auto hash = HashOf(position);
  Require(hash.has_value(), "event " + std::to_string(position) + " is missing");
  return *hash;
}

std::string Outbox::Impl::ReadMeta(const std::string& name) {
  SQLite::Statement select(*database, "SELECT value FROM meta WHERE name = ?");
  StatementRun run(select);
  return run.BindText(name).Step() ? run.Text(0) : std::string();
}

void Outbox::Impl::WriteMeta(const std::string& name, const std::string& value) {
  SQLite::Statement insert(*database, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)");
  StatementRun(insert).BindText(name).BindText(value).Execute();
}

void Outbox::Impl::AddIncident(const std::string& text) {
  StatementRun(statements->put_incident).Bind(ToMicros(clock.WallNow())).BindText(text).Execute();
}

void Outbox::Begin() {
  StatementRun(impl_->statements->begin).Execute();
  impl_->used_bytes = impl_->statements->space.UsedBytes();
}

void Outbox::Commit() {
  try {
    StatementRun(impl_->statements->commit).Execute();
  } catch (const StorageFault& fault) {
    if (fault.error().code != ErrorCode::kResourceExhausted) KeepLogOnClose(*impl_->database);
    throw;
  }
  impl_->WriteHighWaterMark();
}

void Outbox::Rollback() noexcept {
  try {
    // Some faults have already ended the transaction.
    impl_->statements->rollback.tryReset();
    impl_->statements->rollback.tryExecuteStep();
    impl_->statements->rollback.tryReset();
    impl_->Load();
  } catch (const std::exception&) {
    // What is in memory can't be trusted now. Every later transaction will meet the same fault and say so.
    KeepLogOnClose(*impl_->database);
  }
}

Result<Captured> Outbox::Capture(const CaptureInput& input) {
  Impl& impl = *impl_;
  if (input.idempotency) {
    StatementRun run(impl.statements->find_key);
    if (run.Bind(input.idempotency->key).Step()) {
      if (run.HashAt(0) != input.idempotency->content) {
        return Error{ErrorCode::kAlreadyExists,
                     "idempotency_key was used before for a capture with other content",
                     "use a new key for a new action; nothing was recorded"};
      }
      Captured first{Uuid::FromBytes(run.Blob(1)).value_or(Uuid{}), {}, true, 0};
      first.id = impl.IdOf(run.Unsigned(2));
      return first;
    }
  }
  if (input.id_from_outside) {
    StatementRun run(impl.statements->find_by_id);
    if (run.BindBlob(input.event_id.AsBytes()).Step()) {
      return Error{ErrorCode::kAlreadyExists,
                   "event_id " + input.event_id.ToString() + " is that of another event here",
                   "leave event_id out, or capture the action again; nothing was recorded"};
    }
  }
  const std::uint64_t size = input.event.size() + kRowOverheadBytes;
  if (impl.used_bytes + size > impl.options.max_bytes) return impl.NoRoom();

  std::string lane = input.lane;
  if (input.joins_lane_of) {
    StatementRun run(impl.statements->find_by_id);
    if (run.BindBlob(input.joins_lane_of->AsBytes()).Step()) lane = run.Text(1);
  }
  std::optional<Position> predecessor;
  if (StatementRun run(impl.statements->find_lane); run.BindText(lane).Step()) predecessor = run.Unsigned(0);
  std::optional<RecordRef> lane_predecessor;
  if (predecessor) lane_predecessor = RecordRef{impl.IdOf(*predecessor), impl.RequireHashOf(*predecessor)};

  const Position position = impl.last_position + 1;
  const EpochRow& epoch = impl.OpenEpoch();
  const RecordId id{epoch.epoch, position - epoch.base};
  const Hash hash = RecordHash(id, lane, lane_predecessor, impl.head, input.event);
  {
    StatementRun run(impl.statements->insert_event);
    run.Bind(position).BindBlob(input.event_id.AsBytes()).BindText(lane);
    if (predecessor) {
      run.Bind(*predecessor).Bind(lane_predecessor->hash);
    } else {
      run.BindNull().BindNull();
    }
    run.Bind(impl.head).Bind(hash).Bind(ToMicros(input.captured_at)).Bind(impl.total_bytes + size);
    run.BindBlob(input.event).Execute();
  }
  StatementRun(impl.statements->put_lane).BindText(lane).Bind(position).Execute();
  if (input.idempotency) {
    StatementRun run(impl.statements->put_key);
    run.Bind(input.idempotency->key).Bind(input.idempotency->content);
    run.BindBlob(input.event_id.AsBytes()).Bind(position).Execute();
  }
  impl.last_position = position;
  impl.head = hash;
  impl.total_bytes += size;
  impl.used_bytes += size;
  return Captured{input.event_id, id, false, position};
}

Position Outbox::LastPosition() const {
  return impl_->last_position;
}

const std::string& Outbox::StoreId() const {
  return impl_->options.store_id;
}

const std::string& Outbox::TerminalId() const {
  return impl_->options.terminal_id;
}

void Outbox::SyncHighWaterMark() {
  if (auto synced = impl_->high_water_mark->Sync(); !synced) throw StorageFault(synced.error());
}

}  // namespace tillwire
