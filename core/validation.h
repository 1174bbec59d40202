// Whether a capture may be stored: the contract's rules (proto/tillwire/v1/event.proto, capture.proto; the
// limits in core/limits.h), checked before anything is written, so that the centre never has to refuse what
// the till accepted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/result.h"

namespace tillwire {

// The first rule that the request breaks: kInvalidArgument with the field's path and the remedy, as
// "order_cancellation.lines[2].quantity is 0; give a quantity of at least 1". Text is taken to be UTF-8. What
// stands in free text is never repeated in the error.
Result<void> ValidateCapture(const CaptureRequest& request);

// What a person gives along with a decision about the queue: who decides, and why, in at most
// kMaxReasonBytes.
Result<void> ValidateDecision(const std::string& operator_id, const std::string& reason);

// Whether the serialized event keeps to kMaxEventBytes.
Result<void> CheckEventSize(std::size_t bytes);

// W3C Trace Context, section 3.2: version-traceid-parentid-flags in lower-case hex; later versions may append
// to it.
bool IsTraceparent(std::string_view text);

}  // namespace tillwire
