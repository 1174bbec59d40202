#include "core/epoch.h"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace tillwire {

std::string EpochName(std::uint64_t epoch) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, epoch);
  return text.data();
}

std::string SequencesText(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "sequence " + std::to_string(first);
  return "sequences " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace tillwire
