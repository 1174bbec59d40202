// A backlog without the hours that it took to come about.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/e2e/agent_program.h"

namespace tillwire {

struct Backlog {
  std::uint64_t seed = 1;
  std::size_t events = 0;
};

// Writes straight into the outbox of an agent that does not run, as that many captures would have. Returns
// how many bytes an event has on average. Throws std::runtime_error.
double FillOutbox(AgentProgram& agent, const Backlog& backlog);

}  // namespace tillwire
