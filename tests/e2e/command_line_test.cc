// tillwire, as a script meets it: exit codes and texts.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"

namespace tillwire {
namespace {

std::vector<std::string> CancelCommand(const std::string& order, const std::string& quantity = "1") {
  return {"cancel",
          "--operator-id",
          "117",
          "--order-id",
          order,
          "--scope",
          "lines",
          "--line",
          "sku=4711,quantity=" + quantity,
          "--initiator",
          "customer",
          "--reason",
          "customer-request",
          "--release-policy",
          "on-put-back",
          "--idempotency-key",
          "key-" + order};
}

TEST_CASE_METHOD(StoreRig, "A capture by flags is recorded and arrives") {
  Start();
  const CommandOutcome cancelled = agent.RunCli(CancelCommand("100023"));
  INFO(cancelled.errors);
  REQUIRE(cancelled.status.code == 0);
  CHECK_THAT(cancelled.output, Catch::StartsWith("recorded "));
  const CommandOutcome cleared = agent.RunCli(
      {"clear-bin", "--operator-id", "117", "--staging-location-id", "A-07", "--clear-reason",
       "order-cancelled", "--order-id", "100023", "--line",
       "sku=4711,expected-quantity=1,counted-quantity=1,disposition=sellable", "--bin-empty-confirmed"});
  INFO(cleared.errors);
  CHECK(cleared.status.code == 0);
  REQUIRE(agent.WaitUntilDrained());
  const std::vector<LedgerEntry> ledger = centre.Ledger();
  REQUIRE(ledger.size() == 2);
  CHECK(ledger[0].lane == ledger[1].lane);
}

TEST_CASE_METHOD(
    StoreRig,
    "While the agent is down and its spool is not known, the command says that nothing is recorded") {
  const CommandOutcome outcome = agent.RunCli(CancelCommand("100023"));
  CHECK(outcome.status.code == 3);
  CHECK_THAT(outcome.errors, Catch::Contains("not recorded"));
}

TEST_CASE_METHOD(StoreRig, "Bad input names the field and the remedy") {
  agent.Start();
  const CommandOutcome zero = agent.RunCli(CancelCommand("100023", "0"));
  CHECK(zero.status.code == 2);
  CHECK_THAT(zero.errors, Catch::Contains("quantity"));

  const CommandOutcome no_order =
      agent.RunCli({"cancel", "--operator-id", "117", "--scope", "whole-order", "--initiator", "customer",
                    "--reason", "fraud", "--release-policy", "none"});
  CHECK(no_order.status.code == 2);
  CHECK_THAT(no_order.errors, Catch::Contains("--order-id is required"));

  const CommandOutcome unknown_flag = agent.RunCli({"cancel", "--oder-id", "1"});
  CHECK(unknown_flag.status.code == 2);
  CHECK(agent.Status().outbox().pending() == 0);
}

TEST_CASE_METHOD(StoreRig, "A key that was used for other content is refused") {
  agent.Start();
  REQUIRE(agent.RunCli(CancelCommand("100023")).status.code == 0);
  const CommandOutcome repeat = agent.RunCli(CancelCommand("100023"));
  CHECK(repeat.status.code == 0);
  CHECK_THAT(repeat.output, Catch::Contains("already recorded"));
  const CommandOutcome other = agent.RunCli(CancelCommand("100023", "2"));
  CHECK(other.status.code == 1);
  CHECK_THAT(other.errors, Catch::Contains("key"));
}

TEST_CASE_METHOD(StoreRig, "An event that is not here can't be requeued") {
  agent.Start();
  CHECK(agent.RunCli({"requeue", "01980000-0000-7000-8000-000000000000"}).status.code == 1);
  CHECK(agent.RunCli({"requeue", "no-uuid"}).status.code == 2);
}

TEST_CASE_METHOD(StoreRig, "Status tells people and programs how the agent is") {
  Start();
  CaptureOrders(agent, "W-", 2);
  REQUIRE(agent.WaitUntilDrained());
  const CommandOutcome text = agent.RunCli({"status"});
  CHECK(text.status.code == 0);
  CHECK_THAT(text.output, Catch::Contains("connected to 127.0.0.1:" + std::to_string(link.Port())));
  const CommandOutcome json = agent.RunCli({"status", "--json"});
  REQUIRE(json.status.code == 0);
  const nlohmann::json status = nlohmann::json::parse(json.output);
  CHECK(status["terminal_id"] == "till-3");
  CHECK(status["connection"]["state"] == "CONNECTION_STATE_CONNECTED");
  CHECK(status["outbox"]["delivered"] == "2");
}

TEST_CASE_METHOD(StoreRig, "The centre's events can be listed from its command line") {
  Start();
  CaptureOrders(agent, "W-", 3);
  REQUIRE(agent.WaitUntilDrained());
  const CommandOutcome table = RunCommand(kIngestdProgram, {"events", "--server", centre.Address()});
  INFO(table.errors);
  CHECK(table.status.code == 0);
  CHECK_THAT(table.output, Catch::Contains("W-3"));
}

}  // namespace
}  // namespace tillwire
