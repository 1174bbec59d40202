#include "core/figures.h"

#include <algorithm>

namespace tillwire {

std::string SpanInWords(std::chrono::seconds span) {
  const auto seconds = std::max<std::int64_t>(span.count(), 0);
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  if (minutes == 0) return std::to_string(seconds) + " s";
  if (hours == 0) return std::to_string(minutes) + " min";
  if (hours < 48) {
    return std::to_string(hours) + " h" +
           (minutes % 60 == 0 ? "" : " " + std::to_string(minutes % 60) + " min");
  }
  return std::to_string(hours / 24) + " days";
}

std::string Counted(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace tillwire
