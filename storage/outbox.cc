#include "storage/outbox.h"

#include <utility>

#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

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

void Outbox::Impl::WriteHighWaterMark() {
  const EpochRow& open = OpenEpoch();
  const RecordRef now{{open.epoch, last_position - open.base}, head};
  if (now == marked || !high_water_mark) return;
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
  impl_->RequireUsable();
  impl_->HoldRoom();
  StatementRun(impl_->statements->begin).Execute();
  impl_->MeasureRoom();
}

void Outbox::Commit() {
  Impl& impl = *impl_;
  impl.RequirePagesHeld();
  try {
    StatementRun(impl.statements->commit).Execute();
  } catch (const StorageFault& fault) {
    if (fault.error().code != ErrorCode::kResourceExhausted) impl.Doubt(fault.error());
    throw;
  }
  if (!impl.ReadingOnly()) impl.on_disk_through = impl.last_position;
  impl.WriteHighWaterMark();
  impl.MoveLogWhenDue();
}

void Outbox::Rollback() noexcept {
  Impl& impl = *impl_;
  if (!impl.statements) return;
  // It may have been the log that had no room.
  impl.move_log_next = true;
  try {
    // Some faults have already ended the transaction.
    impl.statements->rollback.tryReset();
    impl.statements->rollback.tryExecuteStep();
    impl.statements->rollback.tryReset();
    impl.Load();
  } catch (const StorageFault& fault) {
    impl.Despair(fault.error());
  } catch (const SQLite::Exception& exception) {
    impl.Despair(ErrorFromSqlite(exception));
  }
}

Result<Captured> Outbox::Impl::Capture(const CaptureInput& input) {
  if (trouble) return RefusalInTrouble(input);
  if (input.idempotency) {
    StatementRun run(statements->find_key);
    if (run.Bind(input.idempotency->key).Step()) {
      if (run.HashAt(0) != input.idempotency->content) {
        return Error{ErrorCode::kAlreadyExists,
                     "idempotency_key was used before for a capture with other content",
                     "use a new key for a new action; nothing was recorded"};
      }
      const Position position = run.Unsigned(2);
      return Captured{Uuid::FromBytes(run.Blob(1)).value_or(Uuid{}), IdOf(position), true, position};
    }
  }
  if (input.id_from_outside) {
    StatementRun run(statements->find_by_id);
    if (run.BindBlob(input.event_id.AsBytes()).Step()) {
      return Error{ErrorCode::kAlreadyExists,
                   "event_id " + input.event_id.ToString() + " is that of another event here",
                   "leave event_id out, or capture the action again; nothing was recorded"};
    }
  }
  const std::uint64_t size = input.event.size() + kRowOverheadBytes;
  if (auto refused = RoomRefusal(input.kind, size)) return *refused;

  std::string lane = input.lane;
  if (input.joins_lane_of) {
    StatementRun run(statements->find_by_id);
    if (run.BindBlob(input.joins_lane_of->AsBytes()).Step()) lane = run.Text(1);
  }
  std::optional<Position> predecessor;
  if (StatementRun run(statements->find_lane); run.BindText(lane).Step()) predecessor = run.Unsigned(0);
  std::optional<RecordRef> lane_predecessor;
  if (predecessor) lane_predecessor = RecordRef{IdOf(*predecessor), RequireHashOf(*predecessor)};

  const Position position = last_position + 1;
  const EpochRow& epoch = OpenEpoch();
  const RecordId id{epoch.epoch, position - epoch.base};
  const Hash hash = RecordHash(id, lane, lane_predecessor, head, input.event);
  {
    StatementRun run(statements->insert_event);
    run.Bind(position).BindBlob(input.event_id.AsBytes()).BindText(lane);
    if (predecessor) {
      run.Bind(*predecessor).Bind(lane_predecessor->hash);
    } else {
      run.BindNull().BindNull();
    }
    run.Bind(head).Bind(hash).Bind(ToMicros(input.captured_at)).Bind(total_bytes + size);
    run.BindBlob(input.event).Execute();
  }
  StatementRun(statements->put_lane).BindText(lane).Bind(position).Execute();
  if (input.idempotency) {
    StatementRun run(statements->put_key);
    run.Bind(input.idempotency->key).Bind(input.idempotency->content);
    run.BindBlob(input.event_id.AsBytes()).Bind(position).Execute();
  }
  last_position = position;
  head = hash;
  total_bytes += size;
  TakeRoom(size);
  return Captured{input.event_id, id, false, position};
}

Result<Captured> Outbox::Capture(const CaptureInput& input) {
  return impl_->Watching([&] { return impl_->Capture(input); });
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

}  // namespace tillwire
