// What a test needs to know of an event's bytes, read with the contract alone: none of the product's codecs
// takes part, so that a fault in them can't hide itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/hash.h"

namespace tillwire {

namespace v1 {
class CaptureEventRequest;
}  // namespace v1

// SHA-256 over all that a caller supplied, in a fixed order of fields and map keys. A source that was left
// out counts as GRPC, which is what the agent makes of it.
Hash RequestDigest(const v1::CaptureEventRequest& request);

// An event that a terminal could have made of the request.
std::string MakeEvent(const v1::CaptureEventRequest& request, const std::string& event_id,
                      WallTime capture_time);

struct EventFacts {
  std::string event_id;
  std::string idempotency_key;
  WallTime capture_time;
  Hash request_digest;  // of the request that the event says it came from
  // Likewise, had that request left out occur_time; only where the agent would then have written the same
  // event.
  std::optional<Hash> request_digest_without_time;

  // Whether the event records that request, and nothing else.
  [[nodiscard]] bool Records(const Hash& digest) const {
    return digest == request_digest || digest == request_digest_without_time;
  }
};

// Nothing if the bytes are no StoreEvent.
std::optional<EventFacts> ReadEventFacts(std::string_view event);

}  // namespace tillwire
