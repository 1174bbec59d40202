// What every command of tillwire needs to reach the agent.
#pragma once

#include <chrono>
#include <string>

namespace tillwire {

inline constexpr const char* kDefaultSocket = "/run/tillwire/capture.sock";
inline constexpr const char* kDefaultSpool = "/var/lib/tillwire/spool";

struct ConnectionOptions {
  std::string socket = kDefaultSocket;
  std::string spool;  // as given
  double timeout_seconds = 10;

  // The spool of the agent behind the socket. Empty where nobody said which that is: the default spool is the
  // default agent's, and what was meant for another agent must not go there.
  [[nodiscard]] std::string Spool() const {
    return !spool.empty() || socket != kDefaultSocket ? spool : kDefaultSpool;
  }

  [[nodiscard]] std::chrono::milliseconds Timeout() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
  }
};

}  // namespace tillwire
