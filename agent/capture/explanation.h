// Why an event is where it is, and what would make it go: what `tillwire explain` says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/uplink/uplink_status.h"
#include "core/clock.h"
#include "core/uuid.h"
#include "storage/outbox.h"

namespace tillwire {

// The numbers are those of tillwire.v1.ExplanationReason, which says what each means.
enum class ExplanationReason {
  kUnspecified,
  kDelivered,
  kInFlight,
  kQueued,
  kLaneHeld,
  kParked,
  kReleased,
  kDamaged,
  kNotInEffect,
  kPaused,
  kPushedBack,
  kRetryLater,
  kConnecting,
  kNoNetwork,
  kWrongServer,
  kCaptivePortal,
  kCertificate,
  kClock,
  kRefused,
  kProtocol,
  kDisk,
};

struct Explanation {
  ExplanationReason reason = ExplanationReason::kUnspecified;
  std::string text;
  std::string remedy;            // empty where nothing needs to be done
  std::optional<Uuid> event_id;  // with kLaneHeld: the event that must go first
};

// What is known about an event and its surroundings at one moment.
struct Circumstances {
  EventView event;
  std::optional<EventView> holder;  // the event of event.held_by
  UplinkStatus uplink;
  UplinkActivity activity;
  std::uint64_t pending = 0;  // in the whole outbox
  OutboxRoom room;
  std::optional<Error> trouble;  // with the disk
  WallTime now;
};

// What stands in the event's way, what a person should look at first in front; at least one element.
std::vector<Explanation> Explain(const Circumstances& circumstances);

// What would make an event go that is parked for `reason` (as in ParkedEvent).
std::string ParkedRemedy(const std::string& reason, const Uuid& event_id);

}  // namespace tillwire
