// Events of the outbox as callers see them.
#pragma once

#include <optional>

#include "agent/capture/explanation.h"
#include "storage/outbox.h"

namespace tillwire {

namespace v1 {
class Explanation;
class ListEventsRequest;
class OutboxEvent;
}  // namespace v1

void EncodeOutboxEvent(const EventView& event, v1::OutboxEvent& wire);
void EncodeExplanation(const Explanation& explanation, v1::Explanation& wire);

// kInvalidArgument names the field that is malformed.
Result<EventQuery> DecodeEventQuery(const v1::ListEventsRequest& wire);

}  // namespace tillwire
