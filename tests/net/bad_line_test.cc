// The line works, but badly: everything arrives all the same. Row 19 of the fault list.
#include <catch2/catch.hpp>

#include "tests/net/network_rig.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t k2gBitsPerSecond = 50'000;

TEST_CASE("Network: three packets in ten are lost") {
  if (!HaveNetwork("30% loss")) return;
  NetworkRig rig("30% loss");
  rig.Begin();
  rig.Heal([&rig] { rig.Line().SetBoth({.loss = 0.3}); });
  rig.Capture(300);
  rig.AwaitSending(40s);
  rig.Finish(120s);
}

TEST_CASE("Network: each packet takes two seconds") {
  if (!HaveNetwork("2 s delay")) return;
  NetworkRig rig("2 s delay");
  rig.Begin();
  rig.Heal([&rig] { rig.Line().SetBoth({.delay = 2s}); });
  rig.Capture(600);
  rig.AwaitSending(10s);
  rig.Finish();
}

TEST_CASE("Network: connecting over a line on which each packet takes two seconds") {
  if (!HaveNetwork("2 s delay from the start")) return;
  NetworkRig rig("2 s delay from the start");
  rig.Line().SetBoth({.delay = 2s});
  rig.Begin();
  rig.Finish();
}

// A backlog that takes minutes on such a line: it must go forward, not time out and begin anew.
TEST_CASE("Network: a backlog on a line of 50 kbit/s") {
  if (!HaveNetwork("50 kbit/s, backlog")) return;
  NetworkRig rig("50 kbit/s, backlog");
  rig.Begin();
  rig.Break([&rig] { rig.Provider().Ip("link set till1 down\n"); });
  rig.Capture(600);
  rig.AwaitCaptured();
  rig.AwaitDetected("no connection to 10.77.0.2:7400");
  rig.Heal([&rig] {
    rig.Line().SetBoth({.bits_per_second = k2gBitsPerSecond});
    rig.Provider().Ip("link set till1 up\n");
  });
  rig.AwaitSending(20s);
  rig.Finish(170s);
}

}  // namespace
}  // namespace tillwire
