#include "platform/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tillwire {

Result<void> CheckLogLevel(const std::string& level) {
  constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
  if (std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end()) return {};
  return Error{ErrorCode::kInvalidArgument, "log.level is \"" + level + "\"",
               "give debug, info, warn or error"};
}

Result<void> SetUpLogging(const std::string& level) {
  if (auto checked = CheckLogLevel(level); !checked) return checked;
  auto logger =
      std::make_shared<spdlog::logger>("tillwire", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace tillwire
