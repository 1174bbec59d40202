// Figures as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tillwire {

// "12 s", "12 min", "3 h 5 min", "4 days"; a negative span counts as 0.
std::string SpanInWords(std::chrono::seconds span);

// "1 event", "3 events".
std::string Counted(std::uint64_t count, const std::string& noun);

// "512 B", "1.2 MiB", "2 GiB".
std::string BytesInWords(std::uint64_t bytes);

}  // namespace tillwire
