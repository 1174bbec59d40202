// The content of a spool file: a CaptureEventRequest as JSON.
#pragma once

#include <string_view>

#include "agent/capture/capture_intake.h"
#include "core/result.h"

namespace tillwire {

// kInvalidArgument says what is wrong with the content, with the field where it is known.
Result<SuppliedCapture> DecodeSpoolFile(std::string_view json);

}  // namespace tillwire
