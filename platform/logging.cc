#include "platform/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "platform/log_format.h"

namespace tillwire {
namespace {

std::string_view View(const spdlog::string_view_t& text) {
  return {text.data(), text.size()};
}

void Append(const std::string& text, spdlog::memory_buf_t& out) {
  out.append(text.data(), text.data() + text.size());
}

// The payload of a text line.
class PlainText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    Append(PlainLogText(View(message.payload)), out);
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PlainText>();
  }
};

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const auto time = std::chrono::time_point_cast<std::chrono::microseconds>(message.time);
    Append(JsonLogText(time, View(level), View(message.payload)) + "\n", out);
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

std::unique_ptr<spdlog::formatter> MakeFormatter(const std::string& format) {
  if (format == "json") return std::make_unique<JsonFormatter>();
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<PlainText>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %*");
  return formatter;
}

}  // namespace

Result<void> CheckLogLevel(const std::string& level) {
  constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
  if (std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end()) return {};
  return Error{ErrorCode::kInvalidArgument, "log.level is \"" + level + "\"",
               "give debug, info, warn or error"};
}

Result<void> CheckLogFormat(const std::string& format) {
  if (format == "text" || format == "json") return {};
  return Error{ErrorCode::kInvalidArgument, "log.format is \"" + format + "\"", "give text or json"};
}

Result<void> SetUpLogging(const std::string& level, const std::string& format) {
  if (auto checked = CheckLogLevel(level); !checked) return checked;
  if (auto checked = CheckLogFormat(format); !checked) return checked;
  auto logger =
      std::make_shared<spdlog::logger>("tillwire", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(MakeFormatter(format));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace tillwire
