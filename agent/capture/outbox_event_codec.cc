#include "agent/capture/outbox_event_codec.h"

#include <string>

#include "core/limits.h"
#include "proto/time_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

v1::OutboxEventState Encode(EventState state) {
  switch (state) {
    case EventState::kPending:
      return v1::OUTBOX_EVENT_STATE_PENDING;
    case EventState::kDelivered:
      return v1::OUTBOX_EVENT_STATE_DELIVERED;
    case EventState::kParked:
      return v1::OUTBOX_EVENT_STATE_PARKED;
    case EventState::kReleased:
      return v1::OUTBOX_EVENT_STATE_RELEASED;
    case EventState::kDamaged:
      return v1::OUTBOX_EVENT_STATE_DAMAGED;
    case EventState::kNotInEffect:
      return v1::OUTBOX_EVENT_STATE_NOT_IN_EFFECT;
  }
  return v1::OUTBOX_EVENT_STATE_UNSPECIFIED;
}

std::optional<EventState> Decode(int state) {
  for (const auto candidate : {EventState::kPending, EventState::kDelivered, EventState::kParked,
                               EventState::kReleased, EventState::kDamaged, EventState::kNotInEffect}) {
    if (Encode(candidate) == state) return candidate;
  }
  return std::nullopt;
}

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

}  // namespace

void EncodeOutboxEvent(const EventView& event, v1::OutboxEvent& wire) {
  wire.set_event_id(event.event_id.ToString());
  wire.set_position(event.position);
  wire.set_epoch(event.id.epoch);
  wire.set_sequence(event.id.sequence);
  wire.set_lane(event.lane);
  wire.set_state(Encode(event.state));
  EncodeTime(event.captured_at, *wire.mutable_capture_time());
  wire.set_reason(event.reason);
  wire.set_detail(event.detail);
  if (event.state == EventState::kParked) wire.set_remedy(ParkedRemedy(event.reason, event.event_id));
  if (event.since) EncodeTime(*event.since, *wire.mutable_state_time());
  if (event.held_by_id) wire.set_held_by_event_id(event.held_by_id->ToString());
  if (event.state != EventState::kDamaged) wire.mutable_event()->ParseFromString(event.event);
}

void EncodeExplanation(const Explanation& explanation, v1::Explanation& wire) {
  wire.set_reason(static_cast<v1::ExplanationReason>(explanation.reason));
  wire.set_text(explanation.text);
  wire.set_remedy(explanation.remedy);
  if (explanation.event_id) wire.set_event_id(explanation.event_id->ToString());
}

Result<EventQuery> DecodeEventQuery(const v1::ListEventsRequest& wire) {
  EventQuery query;
  for (int i = 0; i < wire.states_size(); ++i) {
    const auto state = Decode(wire.states(i));
    if (!state) {
      return Invalid("states[" + std::to_string(i) + "] is " + std::to_string(wire.states(i)) +
                         ", which is no OutboxEventState",
                     "give PENDING, DELIVERED, PARKED, RELEASED, DAMAGED or NOT_IN_EFFECT");
    }
    query.states.push_back(*state);
  }
  query.lane = wire.lane();
  if (query.lane.size() > kMaxLaneBytes) {
    return Invalid("lane has " + std::to_string(query.lane.size()) + " bytes",
                   "give it as \"order:ID\", \"fulfillment:ID\" or \"bin:ID\"");
  }
  if (wire.has_since_time()) {
    query.since = DecodeTime(wire.since_time());
    if (!query.since) return Invalid("since_time is outside the years 1 to 9999", "give a time within them");
  }
  query.after = wire.after_position();
  if (query.after >= kMaxSequence) return Invalid("after_position is too large", "give one of this outbox");
  query.newest_first = wire.newest_first();
  if (!wire.event_id_beginning().empty()) {
    query.ids = UuidsThatBegin(wire.event_id_beginning());
    if (!query.ids) {
      return Invalid("event_id_beginning is the beginning of no UUID, or has fewer than 8 digits",
                     "give the id as far as tillwire events shows it");
    }
  }
  return query;
}

}  // namespace tillwire
