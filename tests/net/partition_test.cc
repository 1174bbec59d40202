// The line fails: packets vanish, in both directions or in one, and nobody is told. Rows 19 and 20 of the
// fault list.
#include <catch2/catch.hpp>

#include "tests/net/network_rig.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using Direction = PacketRelay::Direction;

constexpr Weather kGone{.loss = 1};

// The break is found although nothing is sent, captures go on, and everything arrives afterwards.
void CutWhileIdle(NetworkRig& rig, const std::function<void()>& fault) {
  rig.Begin();
  rig.Break(fault);
  rig.AwaitDetected("no connection to 10.77.0.2:7400");
  rig.AwaitForgottenByCentre();
  rig.Capture(200);
  rig.AwaitCaptured();
  CHECK(rig.ReasonOfLast() == v1::EXPLANATION_REASON_NO_NETWORK);
  rig.Heal([&rig] { rig.Line().SetBoth({}); });
  rig.AwaitSending(30s);
  rig.Capture(50);
  rig.Finish();
}

TEST_CASE("Network: packets vanish in both directions while nothing is sent") {
  if (!HaveNetwork("blackhole, idle")) return;
  NetworkRig rig("blackhole, idle");
  CutWhileIdle(rig, [&rig] { rig.Line().SetBoth(kGone); });
}

TEST_CASE("Network: packets to the centre vanish") {
  if (!HaveNetwork("one way: till to centre cut")) return;
  NetworkRig rig("one way: till to centre cut");
  CutWhileIdle(rig, [&rig] { rig.Line().Set(Direction::kUp, kGone); });
}

TEST_CASE("Network: packets from the centre vanish") {
  if (!HaveNetwork("one way: centre to till cut")) return;
  NetworkRig rig("one way: centre to till cut");
  CutWhileIdle(rig, [&rig] { rig.Line().Set(Direction::kDown, kGone); });
}

TEST_CASE("Network: packets vanish in both directions while captures go on") {
  if (!HaveNetwork("blackhole, sending")) return;
  NetworkRig rig("blackhole, sending");
  rig.Begin();
  rig.Break([&rig] { rig.Line().SetBoth(kGone); });
  rig.Capture(500);
  rig.AwaitDetected("no connection to 10.77.0.2:7400");
  rig.AwaitCaptured();
  rig.AwaitForgottenByCentre();
  rig.Heal([&rig] { rig.Line().SetBoth({}); });
  rig.AwaitSending(30s);
  rig.Finish();
}

// Packets vanish before there was a connection.
TEST_CASE("Network: connecting where packets vanish") {
  if (!HaveNetwork("blackhole from the start")) return;
  NetworkRig rig("blackhole from the start");
  rig.centre.Start();
  rig.Line().SetBoth(kGone);
  rig.agent.Start();
  rig.Break([] {});
  rig.Capture(50);
  rig.AwaitDetected("no connection to 10.77.0.2:7400");
  rig.AwaitCaptured();
  CHECK(rig.ReasonOfLast() == v1::EXPLANATION_REASON_NO_NETWORK);
  rig.Heal([&rig] { rig.Line().SetBoth({}); });
  rig.AwaitSending(30s);
  rig.Finish();
}

TEST_CASE("Network: the till's cable is pulled, and put back") {
  if (!HaveNetwork("cable pulled, and back")) return;
  NetworkRig rig("cable pulled, and back");
  rig.Begin();
  rig.Break([&rig] { rig.Provider().Ip("link set till1 down\n"); });
  rig.Capture(200);
  rig.AwaitDetected("no connection to 10.77.0.2:7400");
  rig.AwaitCaptured();
  rig.Heal([&rig] { rig.Provider().Ip("link set till1 up\n"); });
  rig.AwaitSending(5s);
  rig.Capture(50);
  rig.Finish();
}

}  // namespace
}  // namespace tillwire
