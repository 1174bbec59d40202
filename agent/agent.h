// The agent as a whole: wires its parts together and runs until it is told to stop.
#pragma once

#include <functional>
#include <memory>

#include "agent/capture_store.h"
#include "agent/config.h"
#include "agent/phase_probe.h"

namespace tillwire {

// Where tests look in and interfere. All empty in production.
struct AgentSeams {
  PhaseProbe phase_probe;
  // Gives the store that capture is to use in place of the real one, which outlives it.
  std::function<std::unique_ptr<CaptureStore>(CaptureStore& real)> wrap_capture_store;
};

// Runs the agent on the calling thread until SIGTERM or SIGINT, then stops cleanly: refuses new captures,
// finishes those that it took, closes the outbox. Returns the process's exit code: 0 after a clean stop, 1 if
// it could not start; the reason has been logged.
int RunAgent(const AgentConfig& config, const AgentSeams& seams);

}  // namespace tillwire
