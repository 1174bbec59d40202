// What can be shown of a network that fails without hosts and packets: a relay of bytes over loopback. It
// runs on any machine, also where the other tests of this folder can't.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <iostream>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using Direction = ChaosProxy::Direction;

double SecondsSince(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

class LoopbackRig : protected StoreRig {
 protected:
  // The kernel at the relay confirms what is sent, so it is for the agent's probes to find the silence.
  void FallSilent(const std::string& scenario, Direction direction) {
    Start();
    std::vector<std::string> captured = CaptureOrders(agent, "B-", 10);
    REQUIRE(agent.WaitUntilDrained());
    link.Silence(direction);
    const auto broken = Steady::now();
    for (std::string& each : CaptureOrders(agent, "D-", 50)) captured.push_back(std::move(each));
    const bool detected = agent.WaitForStatus(
        42s, [](const auto& status) { return !status.connection().last_error().empty(); });
    const double detected_after = SecondsSince(broken);
    const std::string named = agent.Status().connection().last_error();
    INFO("the agent logged:\n" << agent.Log());
    REQUIRE(detected);
    CHECK_THAT(named, Catch::Contains("no connection to 127.0.0.1:") || Catch::Contains("has not answered"));
    CHECK(agent.Status().outbox().pending() == 50);
    link.EndSilence();
    const auto healed = Steady::now();
    REQUIRE(agent.WaitUntilDrained(30s));
    const double healed_after = SecondsSince(healed);
    CHECK(EventIds(centre.Ledger()) == captured);
    std::cout << fmt::format(
        "net: {:<34} detected {:>5.1f} s  all delivered {:>5.1f} s after healing; said \"{}\"\n", scenario,
        detected_after, healed_after, named);
  }
};

TEST_CASE_METHOD(LoopbackRig, "Loopback: both directions fall silent") {
  FallSilent("loopback: both ways silent", Direction::kBoth);
}

TEST_CASE_METHOD(LoopbackRig, "Loopback: nothing reaches the centre") {
  FallSilent("loopback: till to centre silent", Direction::kUpstream);
}

TEST_CASE_METHOD(LoopbackRig, "Loopback: nothing comes from the centre") {
  FallSilent("loopback: centre to till silent", Direction::kDownstream);
}

TEST_CASE_METHOD(LoopbackRig, "Loopback: each piece of data takes two seconds") {
  link.SetLatency(2s);
  Start();
  const std::vector<std::string> captured = CaptureOrders(agent, "L-", 50);
  REQUIRE(agent.WaitUntilDrained(40s));
  CHECK(EventIds(centre.Ledger()) == captured);
}

}  // namespace
}  // namespace tillwire
