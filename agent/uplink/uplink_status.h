// Where the uplink stands, for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.h"
#include "storage/outbox.h"

namespace tillwire {

enum class UplinkState { kWaiting, kConnecting, kConnected, kPushedBack, kPaused };

// What kind of trouble ended a stream, or stood in its way. After each it is tried again.
enum class UplinkProblem {
  kUnreachable,    // no connection, or it broke
  kWrongServer,    // a gRPC server answers, but not the centre's
  kCaptivePortal,  // something answers that is no gRPC server
  kCertificate,    // the server's certificate can't be verified, or there is no agreement on TLS
  kClock,          // the same, and this terminal's clock is wrong
  kRefused,        // the centre does not want this terminal: tried again seldom
  kBroken,         // the server objects to what was sent, or sent nonsense
  kDisk,           // the outbox, or uplink.ca_file, can't be read or written
};

struct UplinkStatus {
  UplinkState state = UplinkState::kWaiting;
  std::string server;
  std::optional<WallTime> connected_since;
  std::string last_error;                // empty if nothing went wrong since the last Welcome
  std::optional<UplinkProblem> problem;  // what kind last_error is
  std::string remedy;
  std::optional<WallTime> last_error_time;
  std::optional<WallTime> next_attempt;
  std::uint32_t failed_attempts = 0;
  std::optional<UplinkPause> pause;  // while an operator holds the uplink back
};

// What the uplink is doing about one event.
struct UplinkActivity {
  bool in_flight = false;            // sent, not answered yet
  std::optional<WallTime> retry_at;  // the centre asked to send it again then
};

}  // namespace tillwire
