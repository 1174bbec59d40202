// Waiting for what another process or thread will bring about.
#pragma once

#include <chrono>
#include <thread>

namespace tillwire {

// Asks until the condition holds or the time is up; says whether it holds.
template <typename Condition>
bool WaitUntil(std::chrono::milliseconds timeout, Condition condition,
               std::chrono::milliseconds interval = std::chrono::milliseconds(5)) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return condition();
    }
    std::this_thread::sleep_for(interval);
  }
  return true;
}

}  // namespace tillwire
