// The content of a spool file: a CaptureEventRequest as JSON.
#pragma once

#include <string_view>

#include "core/event.h"
#include "core/hash.h"
#include "core/result.h"

namespace tillwire {

struct SpooledCapture {
  CaptureRequest request;
  Hash content;  // CaptureContentHash() of it
};

// kInvalidArgument says what is wrong with the content, with the field where it is known.
Result<SpooledCapture> DecodeSpoolFile(std::string_view json);

}  // namespace tillwire
