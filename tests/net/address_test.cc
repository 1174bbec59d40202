// Addresses and names change while the till is cut off, or the names can't be looked up. Row 21 of the fault
// list.
#include <catch2/catch.hpp>
#include <thread>

#include "tests/net/network_rig.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr Weather kGone{.loss = 1};

TEST_CASE("Network: the till gets another address during the outage") {
  if (!HaveNetwork("till's address changed")) return;
  NetworkRig rig("till's address changed");
  rig.Begin();
  rig.Break([&rig] { rig.Line().SetBoth(kGone); });
  rig.Capture(100);
  rig.AwaitDetected("no connection to 10.77.0.2:7400");
  rig.AwaitCaptured();
  rig.Heal([&rig] {
    rig.Line().SetBoth({});
    rig.Till().Ip("addr del 10.77.0.1/24 dev till0\naddr add 10.77.0.9/24 dev till0\n");
  });
  rig.AwaitSending(5s);
  rig.Finish();
}

// The old connection is of an address that is gone; nothing tells the agent so but the new address.
TEST_CASE("Network: the till gets another address while it is connected") {
  if (!HaveNetwork("till's address changed, idle")) return;
  NetworkRig rig("till's address changed, idle");
  rig.Begin();
  rig.AwaitConnectedFor(5s);
  rig.Heal([&rig] { rig.Till().Ip("addr del 10.77.0.1/24 dev till0\naddr add 10.77.0.9/24 dev till0\n"); });
  rig.Capture(100);
  rig.AwaitSending(5s);
  rig.Finish();
}

TEST_CASE("Network: a short cut, after which the till's network card says that the line is back") {
  if (!HaveNetwork("cable out for a moment")) return;
  NetworkRig rig("cable out for a moment");
  rig.Begin();
  rig.AwaitConnectedFor(5s);
  rig.Provider().Ip("link set till1 down\n");
  rig.Capture(100);
  rig.AwaitCaptured();
  // The cut's length: what was sent is sent again at growing distances, but TCP has not given up yet.
  std::this_thread::sleep_for(6500ms);
  rig.Heal([&rig] { rig.Provider().Ip("link set till1 up\n"); });
  rig.AwaitSending(5s);
  rig.Finish();
}

TEST_CASE("Network: the centre moves to another address, and its name follows") {
  if (!HaveNetwork("centre's address changed")) return;
  NetworkRig rig("centre's address changed");
  rig.SetNames("10.77.0.2 centre.test");
  rig.Begin();
  rig.Break(
      [&rig] { rig.Side().Ip("addr del 10.77.0.2/24 dev centre0\naddr add 10.77.0.3/24 dev centre0\n"); });
  rig.Capture(100);
  rig.AwaitDetected("no connection to centre.test:7400");
  rig.AwaitCaptured();
  rig.Heal([&rig] { rig.SetNames("10.77.0.3 centre.test"); });
  rig.AwaitSending(30s);
  rig.Finish();
}

// Nobody answers where the till asks for names.
void TryLastGoodAddress(NetworkRig& rig, const std::string& server) {
  rig.Begin();
  rig.SetNames("", "nameserver 10.77.0.53");
  rig.Break([&rig] { rig.centre.Kill(); });
  rig.Capture(100);
  rig.AwaitDetected("no connection to " + server);
  rig.AwaitCaptured();
  rig.AwaitNamed("can't be looked up", 40s);
  rig.Heal([&rig] { rig.centre.Start(); });
  rig.AwaitSending(40s);
  rig.Finish();
}

TEST_CASE("Network: the name can't be looked up any more: the last address that was good is tried") {
  if (!HaveNetwork("name server gone")) return;
  NetworkRig rig("name server gone");
  rig.SetNames("10.77.0.2 centre.test");
  TryLastGoodAddress(rig, "centre.test:7400");
}

// Its certificate is for the name, and is held against the name.
TEST_CASE("Network: the same, encrypted") {
  if (!HaveNetwork("name server gone, TLS")) return;
  NetworkRig rig("name server gone, TLS");
  rig.SetNames("10.77.0.2 centre.test");
  rig.UseTls();
  TryLastGoodAddress(rig, "centre.test:7443");
}

TEST_CASE("Network: the name is said not to exist, and comes back") {
  if (!HaveNetwork("name unknown, and back")) return;
  NetworkRig rig("name unknown, and back");
  rig.SetNames("", "nameserver 127.0.0.1");  // where nobody listens: refused at once
  rig.centre.Start();
  rig.agent.Start();
  rig.Capture(20);
  rig.AwaitNamed("can't be looked up", 20s);
  rig.AwaitCaptured();
  rig.Heal([&rig] { rig.SetNames("10.77.0.2 centre.test"); });
  rig.AwaitSending(20s);
  rig.Finish();
}

}  // namespace
}  // namespace tillwire
