#include "core/figures.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>

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

std::string BytesInWords(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  const bool whole = value == static_cast<double>(static_cast<std::uint64_t>(value));
  const int length =
      std::snprintf(text.data(), text.size(), whole ? "%.0f %s" : "%.1f %s", value, kUnits.at(unit));
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace tillwire
