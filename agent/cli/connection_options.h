// What every command of tillwire needs to reach the agent.
#pragma once

#include <chrono>
#include <string>

namespace tillwire {

struct ConnectionOptions {
  std::string socket = "/run/tillwire/capture.sock";
  double timeout_seconds = 10;

  [[nodiscard]] std::chrono::milliseconds Timeout() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
  }
};

}  // namespace tillwire
