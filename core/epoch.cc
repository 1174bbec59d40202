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

}  // namespace tillwire
