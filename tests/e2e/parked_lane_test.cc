// An event that the centre refuses for now holds its own lane, and nothing else.
#include <catch2/catch.hpp>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE_METHOD(StoreRig,
                 "An event with too many lines is parked until the rule is raised and a person requeues it") {
  centre.Settings().max_lines = 3;
  Start();
  const Result<CaptureReply> long_order = agent.Client().Capture(Cancellation("LONG", 5));
  REQUIRE(long_order.ok());
  const Result<CaptureReply> first_clear =
      agent.Client().Capture(ClearAfter(long_order->event_id, "STG-A-01"));
  const Result<CaptureReply> second_clear =
      agent.Client().Capture(ClearAfter(long_order->event_id, "STG-A-02"));
  REQUIRE(first_clear.ok());
  REQUIRE(second_clear.ok());
  const std::vector<std::string> others = CaptureOrders(agent, "W-", 5);

  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) {
    return status.outbox().parked() == 1 && status.outbox().delivered() == 5;
  }));
  CHECK(agent.Status().outbox().pending() == 2);
  CHECK(EventIds(centre.Ledger()) == others);
  const v1::GetAgentStatusResponse status = agent.Status();
  REQUIRE(status.parked_events_size() == 1);
  CHECK(status.parked_events(0).event_id() == long_order->event_id);
  CHECK(status.parked_events(0).reason() == "TOO_MANY_LINES");
  CHECK_THAT(status.parked_events(0).detail(), Catch::Contains("5"));
  CHECK_FALSE(status.parked_events(0).remedy().empty());

  centre.Stop();
  centre.Settings().max_lines = 500;
  StartCentre();
  REQUIRE(agent.WaitUntilConnected());
  const CommandOutcome requeued = agent.RunCli({"requeue", long_order->event_id});
  INFO(requeued.errors);
  REQUIRE(requeued.status.code == 0);
  CHECK_THAT(requeued.output, Catch::Contains("TOO_MANY_LINES"));

  REQUIRE(agent.WaitForStatus(10s, [](const auto& now) { return now.outbox().delivered() == 8; }));
  std::vector<std::string> expected = others;
  expected.insert(expected.end(), {long_order->event_id, first_clear->event_id, second_clear->event_id});
  CHECK(EventIds(centre.Ledger()) == expected);
  CHECK(agent.Status().outbox().parked() == 0);
  CHECK(centre.Counts().parked == 0);
}

TEST_CASE_METHOD(StoreRig, "Requeued too early, an event is parked again, and nothing is lost") {
  centre.Settings().max_lines = 3;
  Start();
  const Result<CaptureReply> long_order = agent.Client().Capture(Cancellation("LONG", 5));
  REQUIRE(long_order.ok());
  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) { return status.outbox().parked() == 1; }));
  REQUIRE(agent.Client().Requeue(long_order->event_id).ok());
  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) {
    return status.outbox().parked() == 1 && status.outbox().pending() == 0;
  }));
  CHECK(agent.Client().Requeue(long_order->event_id).ok());
}

TEST_CASE_METHOD(StoreRig,
                 "A store that is not on the centre's list has its events parked, each with the reason") {
  centre.Settings().allowed_stores = {"0099"};
  Start();
  const std::vector<std::string> event_ids = CaptureOrders(agent, "W-", 2);
  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) { return status.outbox().parked() == 2; }));
  CHECK(agent.Status().parked_events(0).reason() == "STORE_NOT_ALLOWED");
  CHECK(centre.Ledger().empty());
}

}  // namespace
}  // namespace tillwire
