// Somebody else answers at the centre's address. Row 22 of the fault list.
#include <catch2/catch.hpp>

#include "tests/net/network_rig.h"
#include "tests/support/stand_in_server.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// It takes the centre's place for a while. The till must say what it meets, and never take it for a final
// answer.
void MeetPortal(NetworkRig& rig, const std::string& answer) {
  std::unique_ptr<CaptivePortal> portal;
  rig.Begin();
  rig.Break([&] {
    rig.centre.Kill();
    rig.Side().Run([&] { portal = std::make_unique<CaptivePortal>(answer, NetworkRig::kPort); });
  });
  rig.Capture(50);
  rig.AwaitNamed("not as a gRPC server does", 20s);
  rig.AwaitCaptured();
  CHECK(rig.ReasonOfLast() == v1::EXPLANATION_REASON_CAPTIVE_PORTAL);
  CHECK(rig.agent.Status().outbox().pending() == 50);
  portal.reset();
  rig.Heal([&rig] { rig.centre.Start(); });
  rig.AwaitSending(15s);
  rig.Finish();
}

TEST_CASE("Network: a captive portal redirects") {
  if (!HaveNetwork("captive portal, 302")) return;
  NetworkRig rig("captive portal, 302");
  MeetPortal(rig, CaptivePortal::kRedirects);
}

TEST_CASE("Network: a captive portal says that all is well") {
  if (!HaveNetwork("captive portal, 200")) return;
  NetworkRig rig("captive portal, 200");
  MeetPortal(rig, CaptivePortal::kWelcomes);
}

TEST_CASE("Network: a web server says that there is no such page") {
  if (!HaveNetwork("web server, 404")) return;
  NetworkRig rig("web server, 404");
  MeetPortal(rig, CaptivePortal::kKnowsNothing);
}

}  // namespace
}  // namespace tillwire
