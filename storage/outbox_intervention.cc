// What people may do: send a parked event again, give it up, hold the uplink back.
#include <charconv>
#include <utility>

#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

constexpr char kPauseOperator[] = "pause_operator";
constexpr char kPauseReason[] = "pause_reason";
constexpr char kPauseSince[] = "pause_since";
constexpr char kPauseUntil[] = "pause_until";

std::optional<WallTime> ParseMicros(const std::string& text) {
  std::int64_t micros = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), micros);
  if (error != std::errc() || end != text.data() + text.size() || micros < 0) return std::nullopt;
  return FromMicros(micros);
}

Error NotParked(const EventView& event) {
  Error error{ErrorCode::kFailedPrecondition, "event " + event.event_id.ToString(), {}};
  switch (event.state) {
    case EventState::kDamaged:
      error.message += " is damaged on this disk";
      error.hint = "capture the action again; a damaged event is never sent";
      break;
    case EventState::kReleased:
      error.message += " was released: " + event.detail;
      error.hint = "capture the action again if it is needed after all; a released event is never sent";
      break;
    case EventState::kDelivered:
    case EventState::kNotInEffect:
      error.message += " is at the centre already";
      error.hint = "there is nothing to do";
      break;
    case EventState::kPending:
    case EventState::kParked:
      error.message += " is pending, not parked";
      error.hint =
          "it is sent as soon as its lane and the connection allow: tillwire explain says what it waits for";
      break;
  }
  return error;
}

}  // namespace

Result<Outbox::Requeued> Outbox::Requeue(const Uuid& event_id) {
  impl_->RequireWritable();
  const auto event = Find(event_id);
  if (!event) return event.error();
  if (event->state != EventState::kParked) return NotParked(*event);
  impl_->DropExceptions({event->position, event->position}, false);
  return Requeued{event->position, event->reason};
}

std::vector<Position> Outbox::RequeueAll(const std::string& reason) {
  impl_->RequireWritable();
  SQLite::Statement select(
      *impl_->database,
      "SELECT position FROM exceptions WHERE kind = ? AND reason = ? ORDER BY position LIMIT ?");
  std::vector<Position> positions;
  {
    StatementRun run(select);
    run.Bind(static_cast<std::int64_t>(ExceptionKind::kParked))
        .BindText(reason)
        .Bind(std::uint64_t{kRequeuePage});
    while (run.Step()) positions.push_back(run.Unsigned(0));
  }
  for (const Position position : positions) impl_->DropExceptions({position, position}, false);
  return positions;
}

Result<Outbox::Requeued> Outbox::Release(const Uuid& event_id, const std::string& cause) {
  Impl& impl = *impl_;
  impl.RequireWritable();
  const auto event = Find(event_id);
  if (!event) return event.error();
  if (event->state != EventState::kParked) return NotParked(*event);
  if (const auto awaited = impl.AwaitedPredecessor(impl.PredecessorOf(event->position))) {
    const auto first = Views({*awaited});
    return Error{ErrorCode::kFailedPrecondition,
                 "event " + event_id.ToString() + " stands behind " +
                     (first.empty() ? "another" : first.front().event_id.ToString()) + " in its lane",
                 "deal with that one first: requeue it, or release it"};
  }
  std::optional<EventRow> row;
  {
    StatementRun run(impl.statements->read_event);
    if (run.Bind(event->position).Step()) row = impl.ReadRow(run);
  }
  impl.GiveUp(event->position, row.value().record, TombstoneKind::kReleased, cause);
  return Requeued{event->position, event->reason};
}

void Outbox::SetPause(const std::optional<UplinkPause>& pause) {
  impl_->WriteMeta(kPauseUntil, pause ? std::to_string(ToMicros(pause->until)) : "");
  if (!pause) return;
  impl_->WriteMeta(kPauseOperator, pause->operator_id);
  impl_->WriteMeta(kPauseReason, pause->reason);
  impl_->WriteMeta(kPauseSince, std::to_string(ToMicros(pause->since)));
}

std::optional<UplinkPause> Outbox::Pause() {
  const std::string text = impl_->ReadMeta(kPauseUntil);
  if (text.empty()) return std::nullopt;
  UplinkPause pause;
  pause.operator_id = impl_->ReadMeta(kPauseOperator);
  pause.reason = impl_->ReadMeta(kPauseReason);
  const auto since = ParseMicros(impl_->ReadMeta(kPauseSince));
  const auto until = ParseMicros(text);
  // Of a pause that can't be read nobody knows the end, and a queue must not stand still for ever.
  if (!since || !until || *until < *since || *until - *since > kMaxPause) return std::nullopt;
  pause.since = *since;
  pause.until = *until;
  return pause;
}

}  // namespace tillwire
