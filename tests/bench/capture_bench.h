// Captures through the real agent's socket, next to what the disk alone takes.
#pragma once

#include <cstddef>
#include <map>

#include "tests/bench/bench_options.h"
#include "tests/bench/samples.h"

namespace tillwire {

// One caller at a time; these took turns in slices, so that a slow moment of the disk hits all of them.
struct CaptureFigures {
  Samples growing;
  Samples prewritten;
  Samples refused;  // a call that the agent refuses at once: the way there and back, without the outbox
  Samples capture;
  double agent_cpu_us = 0;  // for each capture, user and system
  double synced_bytes = 0;  // what the agent wrote for each capture, by its write calls
};

struct CallersFigures {
  std::size_t callers = 0;
  double per_second = 0;
  Samples capture;
  double agent_cpu_us = 0;
};

// Throws std::runtime_error where the agent does not do as it should.
CaptureFigures MeasureCapture(const BenchOptions& options);
// By the number of concurrent callers, who take turns in slices.
std::map<std::size_t, CallersFigures> MeasureCallers(const BenchOptions& options);

}  // namespace tillwire
