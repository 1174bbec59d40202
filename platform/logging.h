// Structured logs on standard error, one event a line; the service manager stores them. Payloads are never
// logged.
//
// Call sites write spdlog::info("uplink: connected server={} pending={}", ...): a part of the program, what
// happened, and key=value pairs.
#pragma once

#include <string>

#include "core/result.h"

namespace tillwire {

// Whether log.level is one of debug, info, warn, error; else kInvalidArgument.
Result<void> CheckLogLevel(const std::string& level);

// Sets the process-wide logger. Refuses a level as CheckLogLevel() does.
Result<void> SetUpLogging(const std::string& level);

}  // namespace tillwire
