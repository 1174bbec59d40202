// The bytes of a CaptureEventRequest, as they come over the socket.
#pragma once

#include <string>

#include "agent/capture/capture_intake.h"
#include "core/result.h"

namespace tillwire {

// `traceparent` stands for the request's own where that is empty. kInvalidArgument says what is wrong with
// the bytes, with the field where it is known.
Result<SuppliedCapture> DecodeCaptureBytes(const std::string& bytes, const std::string& traceparent);

}  // namespace tillwire
