// A capture as an associate's script makes it: with the tillwire command.
#pragma once

#include <filesystem>

#include "core/result.h"
#include "tests/support/capture_client.h"

namespace tillwire {

// Hands the request over as JSON on standard input. An exit code that leaves the outcome open becomes
// kUnavailable (3: not recorded) or kUnknown (4); input at fault kInvalidArgument (2); else refused,
// kFailedPrecondition (1).
Result<CaptureReply> CaptureByCli(const std::filesystem::path& socket,
                                  const v1::CaptureEventRequest& request);

}  // namespace tillwire
