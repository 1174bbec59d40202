// Structured logs on standard error, one event a line; the service manager stores them. Payloads are never
// logged.
//
// Call sites write spdlog::info("uplink: connected server={} pending={}", ...): a part of the program, what
// happened, and key=value pairs, with quotes around a value that may have spaces. The pairs come last, so
// that log.format = "json" can make members of them.
#pragma once

#include <string>

#include "core/result.h"

namespace tillwire {

// Whether log.level is one of debug, info, warn, error; else kInvalidArgument.
Result<void> CheckLogLevel(const std::string& level);
// Whether log.format is text or json; else kInvalidArgument.
Result<void> CheckLogFormat(const std::string& format);

// Sets the process-wide logger. Refuses as the two checks do.
Result<void> SetUpLogging(const std::string& level, const std::string& format);

}  // namespace tillwire
