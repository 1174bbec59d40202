#include "agent/status_line.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

UplinkStatus Uplink(UplinkState state, const std::string& error = "") {
  UplinkStatus uplink;
  uplink.state = state;
  uplink.server = "host:7400";
  uplink.last_error = error;
  return uplink;
}

TEST_CASE("One line says how the agent stands") {
  OutboxStatus outbox;
  outbox.pending = 3;
  outbox.parked = 1;
  CHECK(StatusLine(Uplink(UplinkState::kConnected), outbox) == "connected to host:7400; 3 pending, 1 parked");
  CHECK(StatusLine(Uplink(UplinkState::kWaiting, "connection refused"), outbox) ==
        "not connected to host:7400 (connection refused); 3 pending, 1 parked");
  CHECK(StatusLine(Uplink(UplinkState::kConnecting), outbox) ==
        "not connected to host:7400; 3 pending, 1 parked");
  CHECK(StatusLine(Uplink(UplinkState::kPaused), outbox) ==
        "held back by an operator from host:7400; 3 pending, 1 parked");
  outbox.lost = 2;
  CHECK(StatusLine(Uplink(UplinkState::kPushedBack), outbox) ==
        "asked to wait by host:7400; 3 pending, 1 parked, 2 lost");
  CHECK(StatusLine(Uplink(UplinkState::kConnected),
                   Error{ErrorCode::kUnavailable, "the disk failed", "check it"}) ==
        "connected to host:7400; the outbox can't be used: the disk failed; check it");
}

}  // namespace
}  // namespace tillwire
