// A backlog, sent from the real agent to the real centre, both of which sync.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/bench/bench_options.h"

namespace tillwire {

struct DrainFigures {
  std::size_t events = 0;
  double event_bytes = 0;     // of an event, on average
  double agent_seconds = 0;   // from when the agent is connected until nothing is pending
  double centre_seconds = 0;  // from the first commit to the last, as the ledger's times say
  double agent_cpu_us = 0;    // for each event, user and system
  double centre_cpu_us = 0;   // likewise

  [[nodiscard]] double AgentRate() const { return static_cast<double>(events) / agent_seconds; }
  [[nodiscard]] double CentreRate() const { return static_cast<double>(events) / centre_seconds; }
};

// Throws std::runtime_error where one of the two does not do as it should.
std::vector<DrainFigures> MeasureDrains(const BenchOptions& options);

struct IdleFigures {
  double agent_cpu_ms = 0;  // in a minute, connected
  double centre_cpu_ms = 0;
  double agent_memory_kib = 0;  // RssAnon
  double centre_memory_kib = 0;
};

IdleFigures MeasureIdle(const BenchOptions& options);

}  // namespace tillwire
