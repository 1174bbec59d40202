// What a run measures with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace tillwire {

struct BenchOptions {
  std::filesystem::path directory;  // on the disk to measure
  std::uint64_t seed = 1;
  std::size_t captures = 4'000;                    // one caller at a time, and as many appends of each kind
  std::chrono::milliseconds callers_slice{1'500};  // of each number of callers, in each round
  std::size_t rounds = 4;                          // of slices, in which the measured things take turns
  std::size_t drain_events = 200'000;
  std::size_t drains = 3;
  std::chrono::seconds idle{0};  // how long the idle programs are watched; 0: not
};

}  // namespace tillwire
