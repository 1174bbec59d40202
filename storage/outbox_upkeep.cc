// Pruning what is no longer needed, and the view for people.
#include <algorithm>

#include "core/text.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kPruneStep = 256;      // rows deleted in one step
constexpr std::chrono::hours kAnchorEvery{1};  // how often the centre's clock is noted
constexpr std::int64_t kIncidentsKept = 1000;

}  // namespace

std::uint64_t Outbox::Impl::TotalBytesAt(Position position) {
  StatementRun run(statements->event_header);
  return run.Bind(position).Step() ? run.Unsigned(5) : 0;
}

// The centre has a backup of everything up to here, over all epochs.
Position Outbox::Impl::BackedUpThrough() const {
  Position through = last_position;
  for (const EpochRow& row : epochs) {
    if (row.base + row.backed_up < EndOf(row)) through = std::min(through, row.base + row.backed_up);
  }
  return through;
}

void Outbox::Impl::NoteAnchor(WallTime server_time) {
  const std::int64_t newest =
      database->execAndGet("SELECT ifnull(max(server_time), 0) FROM anchors").getInt64();
  if (ToMicros(server_time - kAnchorEvery) < newest) return;
  SQLite::Statement insert(
      *database, "INSERT INTO anchors (server_time, resolved_through, captured_through) VALUES (?, ?, ?)");
  StatementRun run(insert);
  run.Bind(ToMicros(server_time)).Bind(FirstUnresolved(first_retained) - 1).Bind(last_position).Execute();
  // The newest anchor that is older than every retention is the last one that a question can still be about.
  const WallTime oldest_asked =
      server_time - std::max(options.delivered_retention, options.idempotency_retention);
  SQLite::Statement drop(*database,
                         "DELETE FROM anchors WHERE server_time < "
                         "(SELECT max(server_time) FROM anchors WHERE server_time <= ?)");
  StatementRun(drop).Bind(ToMicros(oldest_asked)).Execute();
  SQLite::Statement trim(*database, "DELETE FROM incidents WHERE id <= (SELECT max(id) FROM incidents) - ?");
  StatementRun(trim).Bind(kIncidentsKept).Execute();
}

std::optional<WallTime> Outbox::LatestServerTime() {
  const std::int64_t newest =
      impl_->database->execAndGet("SELECT ifnull(max(server_time), 0) FROM anchors").getInt64();
  return newest == 0 ? std::nullopt : std::optional(FromMicros(newest));
}

// Never an event that is not both resolved and backed up, and never the last one, which carries the end of
// the chain.
Position Outbox::Impl::PrunableAtMost() const {
  return std::min(
      {FirstUnresolved(first_retained) - 1, BackedUpThrough(), last_position > 0 ? last_position - 1 : 0});
}

// How far the events may go now: old enough by the centre's clock, or too many, or in the way of captures.
Position Outbox::Impl::PrunableThrough(WallTime server_time) {
  const Position limit = PrunableAtMost();
  if (limit < first_retained) return 0;
  SQLite::Statement anchor(*database,
                           "SELECT resolved_through FROM anchors WHERE server_time <= ? "
                           "ORDER BY server_time DESC LIMIT 1");
  StatementRun run(anchor);
  Position old = 0;
  if (run.Bind(ToMicros(server_time - options.delivered_retention)).Step()) old = run.Unsigned(0);
  const bool too_many = TotalBytesAt(limit) - TotalBytesAt(first_retained) > options.delivered_max_bytes;
  const bool in_the_way = room.stage >= RoomStage::kPruningEarly;
  return too_many || in_the_way ? limit : std::min(limit, old);
}

// One step, whatever the age. False where there is nothing to prune.
bool Outbox::Impl::PruneForRoom() {
  const Position limit = PrunableAtMost();
  if (limit < first_retained) return false;
  PruneEvents(std::min(limit, first_retained + kPruneStep - 1));
  return true;
}

void Outbox::Impl::PruneEvents(Position through) {
  std::vector<std::pair<std::string, Position>> lanes;
  SQLite::Statement select(*database, "SELECT lane, position FROM events WHERE position <= ?");
  {
    StatementRun run(select);
    run.Bind(through);
    while (run.Step()) lanes.emplace_back(run.Text(0), run.Unsigned(1));
  }
  for (const auto& [lane, position] : lanes)
    StatementRun(statements->drop_lane).BindText(lane).Bind(position).Execute();
  SQLite::Statement drop(*database, "DELETE FROM events WHERE position <= ?");
  StatementRun(drop).Bind(through).Execute();
  NotePrunedNotInEffect(through);
  DropExceptions({first_retained, through}, /*keep_given_up=*/false);
  first_retained = through + 1;
}

// Their rows go, and their number stays: every position is accounted for.
void Outbox::Impl::NotePrunedNotInEffect(Position through) {
  if (!tombstoned.FirstRangeAtOrAfter(first_retained) && !tombstoned.Contains(first_retained)) return;
  SQLite::Statement select(
      *database, "SELECT count(*) FROM exceptions WHERE position <= ? AND kind = ? AND reason NOT IN (?, ?)");
  StatementRun run(select);
  run.Bind(through).Bind(static_cast<std::int64_t>(ExceptionKind::kTombstoned));
  run.BindText(kDamagedReason).BindText(kReleasedReason).Step();
  const std::uint64_t pruned = run.Unsigned(0);
  if (pruned > 0) WriteMeta(kPrunedNotInEffect, std::to_string(PrunedNotInEffect() + pruned));
}

std::uint64_t Outbox::Impl::PrunedNotInEffect() {
  return ParseCount(ReadMeta(kPrunedNotInEffect)).value_or(0);
}

bool Outbox::Impl::NearlyFull() const {
  return room.stage >= RoomStage::kPruningEarly || measure.used_bytes > options.max_bytes / 4 * 3;
}

// Whether room is short for what is resolved and held only because it is not known to be backed up.
// Less pressing needs wait for the next Welcome: an idle terminal shall be idle.
bool Outbox::Impl::WantsWelcome() const {
  const Position resolved = FirstUnresolved(first_retained) - 1;
  if (resolved < first_retained || BackedUpThrough() >= resolved) return false;
  return NearlyFull();
}

// What would make room in the outbox's file, by what stands in the way of deleting events.
std::string Outbox::Impl::RoomRemedy() const {
  const Position unresolved = FirstUnresolved(first_retained);
  std::string remedy;
  if (unresolved > last_position) {
    remedy =
        "the centre has all of it, and has not said yet that it may be deleted here: repeat in a moment; "
        "if that does not help, see to the centre's backup";
  } else if (parked.Contains(unresolved)) {
    remedy =
        "its oldest event is parked, and nothing after that may be deleted: requeue or release it "
        "(tillwire status names it)";
  } else {
    remedy = "restore the connection to the centre, so that it drains (tillwire status)";
  }
  return remedy + "; or raise outbox.max_bytes";
}

Upkeep Outbox::Impl::Maintain(WallTime server_time) {
  if (trouble) return {};
  NoteAnchor(server_time);
  Upkeep upkeep;
  if (const Position through = PrunableThrough(server_time); through >= first_retained) {
    const Position step = std::min(through, first_retained + kPruneStep - 1);
    PruneEvents(step);
    upkeep.pruned = true;
    upkeep.more = step < through;
    MeasureRoom();
  }
  // Never a key whose event is still here: a repeat would then be another event under the same derived id.
  SQLite::Statement drop_keys(
      *database,
      "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE position < ? AND position <= "
      "(SELECT max(captured_through) FROM anchors WHERE server_time <= ?) LIMIT ?)");
  StatementRun keys(drop_keys);
  keys.Bind(first_retained);
  keys.Bind(ToMicros(server_time - options.idempotency_retention)).Bind(kPruneStep);
  if (static_cast<std::uint64_t>(keys.Execute()) == kPruneStep) upkeep.more = true;
  upkeep.nearly_full = NearlyFull();
  upkeep.wants_welcome = WantsWelcome();
  return upkeep;
}

Upkeep Outbox::Maintain(WallTime server_time) {
  return impl_->Watching([&] { return impl_->Maintain(server_time); });
}

OutboxStatus Outbox::Status() {
  Impl& impl = *impl_;
  OutboxStatus status;
  const std::uint64_t retained = impl.last_position + 1 - impl.first_retained;
  status.delivered = impl.delivered.Count();
  status.parked = impl.parked.Count();
  for (const auto& [epoch, losses] : impl.losses) {
    status.lost += losses.lost.Count() + losses.damaged;
    status.released += losses.released;
  }
  status.pending = impl.last_position == 0
                       ? 0
                       : retained - CountIn(impl.delivered, {impl.first_retained, impl.last_position}) -
                             status.parked - impl.tombstoned.Count();
  if (const Position oldest = impl.NextPending(0); oldest <= impl.last_position) {
    StatementRun run(impl.statements->event_header);
    if (run.Bind(oldest).Step()) status.oldest_pending = FromMicros(run.Int(4));
  }
  if (!impl.tombstoned.Empty()) {
    SQLite::Statement select(*impl.database,
                             "SELECT count(*) FROM exceptions WHERE kind = ? AND reason NOT IN (?, ?)");
    StatementRun run(select);
    run.Bind(static_cast<std::int64_t>(ExceptionKind::kTombstoned));
    run.BindText(kDamagedReason).BindText(kReleasedReason).Step();
    status.not_in_effect = run.Unsigned(0);
  }
  status.not_in_effect += impl.PrunedNotInEffect();
  const EpochRow& open = impl.OpenEpoch();
  status.epoch = open.epoch;
  status.epoch_ordinal = open.ordinal;
  status.last_sequence = impl.last_position - open.base;
  status.used_bytes = impl.statements->space.UsedBytes();
  status.max_bytes = impl.options.max_bytes;
  status.room = impl.room;
  status.trouble = impl.trouble;

  SQLite::Statement parked(
      *impl.database,
      "SELECT e.position, e.event_id, e.lane, x.reason, x.detail, x.at FROM exceptions x "
      "JOIN events e ON e.position = x.position WHERE x.kind = 1 ORDER BY x.position LIMIT ?");
  StatementRun parked_run(parked);
  parked_run.Bind(std::uint64_t{kStatusListLimit});
  while (parked_run.Step()) {
    status.parked_events.push_back({Uuid::FromBytes(parked_run.Blob(1)).value_or(Uuid{}),
                                    impl.IdOf(parked_run.Unsigned(0)), parked_run.Text(2), parked_run.Text(3),
                                    parked_run.Text(4), FromMicros(parked_run.Int(5))});
  }
  status.lost_ranges = impl.LostRanges(Impl::LossFilter::kNotReleased, kStatusListLimit);
  SQLite::Statement incidents(*impl.database, "SELECT at, text FROM incidents ORDER BY id DESC LIMIT ?");
  StatementRun incidents_run(incidents);
  incidents_run.Bind(std::uint64_t{kStatusListLimit});
  while (incidents_run.Step()) {
    status.incidents.push_back({FromMicros(incidents_run.Int(0)), incidents_run.Text(1)});
  }
  return status;
}

}  // namespace tillwire
