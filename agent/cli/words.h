// Figures as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/clock.h"

namespace tillwire {

// "12 s", "12 min", "3 h 5 min", "4 days"; a negative span counts as 0.
std::string SpanInWords(std::chrono::seconds span);

// "14:02:11" if it is the same local day as `now`, else "2026-05-04 14:02:11".
std::string TimeInWords(WallTime time, WallTime now);

// "512 B", "1.2 MiB", "2 GiB".
std::string BytesInWords(std::uint64_t bytes);

}  // namespace tillwire
