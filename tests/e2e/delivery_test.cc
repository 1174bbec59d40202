// The way of an event from the till to the centre, through good weather and bad.
#include <catch2/catch.hpp>

#include "tests/e2e/capture_by_cli.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/store_driver.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/event_facts.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE_METHOD(StoreRig, "A capture over the socket and one by the command line arrive") {
  Start();
  v1::CaptureEventRequest by_socket = Cancellation("W-1");
  const Result<CaptureReply> first = agent.Client().Capture(by_socket);
  REQUIRE(first.ok());
  CHECK_FALSE(first->repeated);
  CHECK(first->id.sequence == 1);

  v1::CaptureEventRequest by_cli = ClearAfter(first->event_id, "STG-A-01");
  by_cli.set_source(v1::EVENT_SOURCE_CLI);
  const Result<CaptureReply> second = CaptureByCli(agent.Socket(), by_cli);
  REQUIRE(second.ok());

  REQUIRE(agent.WaitUntilDrained());
  const std::vector<LedgerEntry> ledger = centre.Ledger();
  REQUIRE(EventIds(ledger) == std::vector<std::string>{first->event_id, second->event_id});
  const GuaranteeReport report =
      CheckGuarantee({{first->event_id, by_socket.idempotency_key(), "W-1", RequestDigest(by_socket)},
                      {second->event_id, by_cli.idempotency_key(), "W-1", RequestDigest(by_cli)}},
                     ledger);
  INFO(report.Findings());
  CHECK(report.Holds());
  CHECK(ledger[0].lane == ledger[1].lane);
  CHECK(ledger[0].store_id == "0042");
  CHECK(ledger[0].terminal_id == "till-3");

  const v1::GetAgentStatusResponse status = agent.Status();
  CHECK(status.outbox().delivered() == 2);
  CHECK(status.outbox().pending() == 0);
  CHECK(status.connection().state() == v1::CONNECTION_STATE_CONNECTED);
}

TEST_CASE_METHOD(StoreRig, "A repeat with the same key returns the first capture, across a restart too") {
  Start();
  const Result<CaptureReply> first = agent.Client().Capture(Cancellation("W-1"));
  REQUIRE(first.ok());
  const Result<CaptureReply> again = agent.Client().Capture(Cancellation("W-1"));
  REQUIRE(again.ok());
  CHECK(again->repeated);
  CHECK(again->event_id == first->event_id);

  agent.Kill();
  agent.Start();
  const Result<CaptureReply> after_restart = agent.Client().Capture(Cancellation("W-1"));
  REQUIRE(after_restart.ok());
  CHECK(after_restart->event_id == first->event_id);
  REQUIRE(agent.WaitUntilDrained());
  CHECK(EventIds(centre.Ledger()).size() == 1);
}

TEST_CASE_METHOD(StoreRig,
                 "While the centre is down captures pile up, and when it returns all arrive once, in order") {
  Start();
  const std::vector<std::string> before = CaptureOrders(agent, "B-", 5);
  REQUIRE(agent.WaitUntilDrained());
  centre.Kill();

  StoreDayOptions day;
  day.captures = 300;
  StoreDriver driver({agent.Socket()}, PlanStoreDay(day));
  driver.Start();
  REQUIRE(WaitUntil(30s, [&] { return driver.Done(); }));
  driver.Finish();
  REQUIRE(
      agent.WaitForStatus(10s, [](const auto& status) { return !status.connection().last_error().empty(); }));
  const v1::GetAgentStatusResponse status = agent.Status();
  CHECK(status.outbox().pending() == 300);
  CHECK(status.outbox().has_oldest_pending_time());
  CHECK_FALSE(status.connection().remedy().empty());

  StartCentre();
  REQUIRE(agent.WaitUntilDrained());
  std::vector<LedgerEntry> ledger = centre.Ledger();
  REQUIRE(ledger.size() == 305);
  ledger.erase(ledger.begin(), ledger.begin() + 5);
  const GuaranteeReport report = CheckGuarantee(driver.Log(), ledger);
  INFO(report.Findings());
  CHECK(report.Holds());
  CHECK(report.acknowledged == 300);
  CHECK(driver.Complaints().empty());
}

TEST_CASE_METHOD(StoreRig, "Without a centre from the start, captures are taken all the same") {
  agent.Start();
  const std::vector<std::string> event_ids = CaptureOrders(agent, "W-", 3);
  CHECK(agent.Status().outbox().pending() == 3);
  StartCentre();
  REQUIRE(agent.WaitUntilDrained());
  CHECK(EventIds(centre.Ledger()) == event_ids);
}

TEST_CASE_METHOD(StoreRig, "An acknowledgement that got lost makes no second event") {
  Start();
  link.DropAcknowledgements();
  const std::vector<std::string> event_ids = CaptureOrders(agent, "W-", 3);
  REQUIRE(WaitUntil(10s, [&] { return centre.Counts().accepted >= 1; }));
  CHECK(agent.Status().outbox().pending() == 3);
  link.Cut();
  link.Heal();
  REQUIRE(agent.WaitUntilDrained());
  CHECK(EventIds(centre.Ledger()) == event_ids);
}

TEST_CASE_METHOD(StoreRig,
                 "What a killed agent had sent arrives after its successor sent it again, and is absorbed") {
  Start();
  REQUIRE(agent.WaitUntilConnected());
  link.HoldUpstream();
  const std::vector<std::string> event_ids = CaptureOrders(agent, "W-", 20);
  REQUIRE(WaitUntil(10s, [&] { return link.HeldUpstreamBytes() > 0; }));
  agent.Kill();
  agent.Start();
  REQUIRE(agent.WaitUntilDrained());
  CHECK(centre.Counts().duplicates == 0);

  link.ReleaseUpstream();
  REQUIRE(WaitUntil(10s, [&] { return centre.Counts().duplicates >= 1; }));
  CHECK(EventIds(centre.Ledger()) == event_ids);
}

TEST_CASE_METHOD(StoreRig, "Both programs stop cleanly on SIGTERM, and go on where they were") {
  Start();
  const std::vector<std::string> first = CaptureOrders(agent, "A-", 2);
  REQUIRE(agent.WaitUntilDrained());
  CHECK(centre.Stop().Clean());
  const std::vector<std::string> second = CaptureOrders(agent, "B-", 2);
  CHECK(agent.Stop().Clean());
  CHECK_FALSE(std::filesystem::exists(agent.Socket()));

  agent.Start();
  CHECK(agent.Status().outbox().pending() == 2);
  StartCentre();
  REQUIRE(agent.WaitUntilDrained());
  std::vector<std::string> all = first;
  all.insert(all.end(), second.begin(), second.end());
  CHECK(EventIds(centre.Ledger()) == all);
}

}  // namespace
}  // namespace tillwire
