// One process owns an outbox, and one owns a ledger; a program leaves alone what a newer one wrote.
#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>

#include "core/hash.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

void SetSchemaVersion(const std::filesystem::path& file, int version) {
  SQLite::Database database(file.string(), SQLite::OPEN_READWRITE);
  database.exec("PRAGMA user_version = " + std::to_string(version));
}

TEST_CASE_METHOD(StoreRig, "A second agent on one outbox ends, and names the first") {
  agent.Start();
  AgentProgram second(agent.Settings());
  const std::optional<ExitStatus> status = second.StartAndWait(10s);
  REQUIRE(status.has_value());
  CHECK(status->code == 1);
  CHECK_THAT(second.Log(), Catch::Contains("process " + std::to_string(agent.Pid())));
  CHECK(agent.Client().Capture(Cancellation("W-1")).ok());
}

TEST_CASE_METHOD(StoreRig, "A second centre on one ledger ends, and names the first") {
  Start();
  CentreProgram second(centre.Settings());
  const std::optional<ExitStatus> status = second.StartAndWait(10s);
  REQUIRE(status.has_value());
  CHECK(status->code == 1);
  CHECK_THAT(second.Log(), Catch::Contains("process " + std::to_string(centre.Pid())));
  CaptureOrders(agent, "W-", 1);
  CHECK(agent.WaitUntilDrained());
}

TEST_CASE_METHOD(StoreRig, "An outbox of a newer version is refused and not touched") {
  agent.Start();
  CaptureOrders(agent, "W-", 3);
  agent.Stop();
  const std::filesystem::path file = agent.OutboxDirectory() / "outbox.db";
  SetSchemaVersion(file, 999);
  const Hash before = Sha256(ReadWholeFile(file));

  const std::optional<ExitStatus> status = agent.StartAndWait(10s);
  REQUIRE(status.has_value());
  CHECK(status->code == 1);
  CHECK_THAT(agent.Log(), Catch::Contains("999"));
  CHECK(Sha256(ReadWholeFile(file)) == before);
}

TEST_CASE_METHOD(StoreRig, "A ledger of a newer version is refused and not touched") {
  StartCentre();
  centre.Stop();
  SetSchemaVersion(centre.LedgerFile(), 999);
  const Hash before = Sha256(ReadWholeFile(centre.LedgerFile()));

  const std::optional<ExitStatus> status = centre.StartAndWait(10s);
  REQUIRE(status.has_value());
  CHECK(status->code == 1);
  CHECK_THAT(centre.Log(), Catch::Contains("999"));
  CHECK(Sha256(ReadWholeFile(centre.LedgerFile())) == before);
}

TEST_CASE_METHOD(StoreRig, "Another terminal's outbox is refused") {
  agent.Start();
  CaptureOrders(agent, "W-", 1);
  agent.Stop();
  agent.Settings().terminal_id = "till-4";
  const std::optional<ExitStatus> status = agent.StartAndWait(10s);
  REQUIRE(status.has_value());
  CHECK(status->code == 1);
  CHECK_THAT(agent.Log(), Catch::Contains("till-3"));
}

}  // namespace
}  // namespace tillwire
