// Kills the agent again and again while associates capture, and counts afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/phase_file.h"
#include "tests/support/guarantee_check.h"

namespace tillwire {

struct KillReport {
  std::size_t kills = 0;                               // each with at least one capture in flight
  std::array<std::uint64_t, kPhaseCount> histogram{};  // by the phase in which the agent died
  std::size_t unanswered = 0;                          // attempts that a kill left without an answer
  std::uint64_t duplicates = 0;                        // absorbed at the centre
  GuaranteeReport guarantee;
  std::vector<std::string> complaints;  // of the driver

  [[nodiscard]] std::string Text() const;
};

// The real programs, connected. Aims at each phase in turn, so that all are hit.
KillReport RunKills(std::size_t kills, std::uint64_t seed);

}  // namespace tillwire
