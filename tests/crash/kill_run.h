// Kills agent and centre again and again while associates capture, and counts afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/phase_file.h"
#include "tests/support/guarantee_check.h"

namespace tillwire {

// By the enums' order: AgentPhase, CentrePhase.
inline constexpr std::array<const char*, 5> kAgentPhaseNames = {"before commit", "in commit", "before reply",
                                                                "sending", "marking"};
inline constexpr std::array<const char*, 4> kCentrePhaseNames = {"before Welcome", "before commit",
                                                                 "in commit", "before answer"};

struct KillPlan {
  std::size_t agent_kills = 0;   // at least; each with a capture in flight
  std::size_t centre_kills = 0;  // at least; each while captures go on
  std::uint64_t seed = 1;
};

struct KillReport {
  // By the phase in which the program died.
  std::array<std::uint64_t, kAgentPhaseNames.size()> agent{};
  std::array<std::uint64_t, kCentrePhaseNames.size()> centre{};
  std::size_t unanswered = 0;    // attempts that a kill left without an answer
  std::uint64_t duplicates = 0;  // absorbed at the centre
  GuaranteeReport guarantee;
  std::vector<std::string> complaints;  // of the driver

  [[nodiscard]] std::string Text() const;
  // Of both programs, the phase that was hit least.
  [[nodiscard]] std::uint64_t LeastHit() const;
  // Adds up what several runs counted.
  void Add(const KillReport& other);
};

// The real programs, connected. Aims at each phase in turn, so that all are hit.
KillReport RunKills(const KillPlan& plan);

}  // namespace tillwire
