// Events, between our own words (core/event.h) and the wire's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/hash.h"
#include "core/result.h"

namespace tillwire {

namespace v1 {
class CaptureEventRequest;
}  // namespace v1

// The StoreEvent's bytes. Equal events give equal bytes; still, nobody encodes an event twice: what capture
// stored is what travels.
std::string EncodeEvent(const Event& event);

// kInvalidArgument if the bytes are no StoreEvent; the message names the field where that is known. An enum
// number that this version does not know is kept as that number.
Result<Event> DecodeEvent(std::string_view bytes);

// What decides whether an event may take effect.
struct EventOutline {
  std::string event_id;
  std::string store_id;
  std::string terminal_id;
  bool has_body = false;  // one that this version knows
  std::size_t lines = 0;
};

// Refuses the same bytes as DecodeEvent, and takes half its time.
Result<EventOutline> DecodeEventOutline(std::string_view bytes);

// SHA-256 of what a caller supplied of a stored event: all but what the agent stamps on it (capture_time,
// clock), and what may differ in a repeat (traceparent, source). Two events of one id are the same action
// where this agrees. kInvalidArgument as DecodeEvent.
Result<Hash> ActionHash(std::string_view event);

// What a caller of CaptureService supplied. kInvalidArgument if occur_time is outside the years 1 to 9999.
Result<CaptureRequest> DecodeCaptureRequest(const v1::CaptureEventRequest& wire);
// Replaces what `wire` held.
void EncodeCaptureRequest(const CaptureRequest& request, v1::CaptureEventRequest& wire);

// SHA-256 of the action that the caller supplied: whether a repeated key came with the same content. The key
// itself, traceparent, source, event_id and record_time are left out: who repeats an action may do so in a
// new trace span, or over another local way.
Hash CaptureContentHash(const v1::CaptureEventRequest& wire);

}  // namespace tillwire
