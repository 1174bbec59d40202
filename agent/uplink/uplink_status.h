// Where the uplink stands, for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.h"

namespace tillwire {

enum class UplinkState { kWaiting, kConnecting, kConnected, kPushedBack };

struct UplinkStatus {
  UplinkState state = UplinkState::kWaiting;
  std::string server;
  std::optional<WallTime> connected_since;
  std::string last_error;  // empty if nothing went wrong since the last Welcome
  std::string remedy;
  std::optional<WallTime> last_error_time;
  std::optional<WallTime> next_attempt;
  std::uint32_t failed_attempts = 0;
};

}  // namespace tillwire
