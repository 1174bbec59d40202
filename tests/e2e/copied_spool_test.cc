// What a copied or restored outbox does with files that waited in its spool, and with keys that it does not
// know.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/spool_name.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tillwire/v1/event.pb.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::int64_t kOccurSeconds = 1'777'896'120;  // 2026-05-04T12:02:00Z
constexpr char kOccurTime[] = "2026-05-04T14:02:00+02:00";

class CopiedSpoolRig : public StoreRig {
 public:
  static fs::path SpoolOf(const AgentProgram& program) { return program.OutboxDirectory() / "spool"; }

  // The id of a cancellation that the command left in the spool.
  std::string ByCommand(const std::string& order, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {
        "cancel",  "--operator-id",        "117",         "--order-id", order,
        "--scope", "whole-order",          "--initiator", "customer",   "--reason",
        "fraud",   "--release-policy",     "none",        "--output",   "json",
        "--spool", SpoolOf(agent).string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandOutcome outcome = agent.RunCli(arguments);
    INFO(outcome.errors);
    REQUIRE(outcome.status.code == 0);
    const auto answer = json::parse(outcome.output);
    CHECK(answer["outcome"] == "spooled");
    return answer["event_id"];
  }

  // As other software does.
  void Drop(std::uint64_t counter, const std::string& key, const std::string& order,
            const std::string& occur_time) const {
    json request = {{"operator_id", "117"},
                    {"order_cancellation",
                     {{"order_id", order},
                      {"scope", "WHOLE_ORDER"},
                      {"initiator", "CUSTOMER"},
                      {"reason", "FRAUD"},
                      {"release_policy", "NONE"}}}};
    if (!occur_time.empty()) request["occur_time"] = occur_time;
    std::ofstream(SpoolOf(agent) / "new" / MakeSpoolName(counter, key)) << request.dump();
  }

  void CopyOutbox(const fs::path& from, const fs::path& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }

  static bool TakeSpool(AgentProgram& program) {
    return program.WaitForStatus(60s, [](const auto& status) { return status.spool().waiting() == 0; }) &&
           program.WaitUntilDrained(60s);
  }

  // How often each order was cancelled, and under which id last.
  std::map<std::string, int> Effects() {
    std::map<std::string, int> effects;
    for (const LedgerEntry& entry : centre.Ledger()) {
      v1::StoreEvent event;
      REQUIRE(event.ParseFromString(entry.event));
      ++effects[event.order_cancellation().order_id()];
      ids[event.order_cancellation().order_id()] = event.event_id();
    }
    return effects;
  }

  static v1::CaptureEventRequest AtTime(v1::CaptureEventRequest request) {
    request.mutable_occur_time()->set_seconds(kOccurSeconds);
    return request;
  }

  std::map<std::string, std::string> ids;
};

TEST_CASE_METHOD(CopiedSpoolRig, "Files that wait when the outbox is copied take effect once") {
  Start();
  agent.Stop();
  std::map<std::string, std::string> told;
  told["C-1"] = ByCommand("C-1");
  told["C-2"] = ByCommand("C-2", {"--idempotency-key", "key-2"});
  told["C-3"] = ByCommand("C-3", {"--idempotency-key", "key-3", "--occur-time", kOccurTime});
  Drop(90'000'000'000'000'001, "key-4", "D-4", kOccurTime);
  Drop(90'000'000'000'000'002, "key-5", "D-5", "");
  AgentSettings settings = MakeAgentSettings("clone");
  settings.machine_id = "00000000000000000000000000000002";
  AgentProgram clone(settings);
  CopyOutbox(agent.OutboxDirectory(), clone.OutboxDirectory());

  // Both copies have taken their files before one of them is heard.
  link.Cut();
  agent.Start();
  clone.Start();
  for (auto* program : {&agent, &clone}) {
    REQUIRE(program->WaitForStatus(60s, [](const auto& status) { return status.spool().waiting() == 0; }));
    CHECK(program->Status().spool().bad() == 0);
    CHECK(program->Status().outbox().pending() == 5);
    // And the orders go on.
    REQUIRE(program->Client().Capture(Cancellation("C-3", 1, "again")).ok());
  }
  link.Heal();
  REQUIRE(TakeSpool(agent));
  REQUIRE(TakeSpool(clone));

  // A dropped file that names no time is two actions, as docs/spool-format.md says.
  CHECK(Effects() == std::map<std::string, int>{{"C-1", 1}, {"C-2", 1}, {"C-3", 3}, {"D-4", 1}, {"D-5", 2}});
  CHECK(ids["C-1"] == told["C-1"]);
  CHECK(ids["C-2"] == told["C-2"]);
  CHECK(centre.Counts().parked == 0);
  CHECK(centre.Counts().conflicts == 0);
  CHECK(centre.Counts().duplicates == 4);
}

TEST_CASE_METHOD(CopiedSpoolRig,
                 "A key that an outbox forgot by being put back names its action by the time") {
  Start();
  const fs::path backup = agent.Settings().directory / "backup";
  agent.Stop();
  CopyOutbox(agent.OutboxDirectory(), backup);
  agent.Start();
  const auto timed = AtTime(Cancellation("T-1"));
  const auto untimed = Cancellation("U-1");
  const auto first = agent.Client().Capture(timed);
  REQUIRE(first.ok());
  REQUIRE(agent.Client().Capture(untimed).ok());
  REQUIRE(agent.WaitUntilDrained());
  agent.Stop();
  CopyOutbox(backup, agent.OutboxDirectory());
  agent.Start();

  const auto repeat = agent.Client().Capture(timed);
  REQUIRE(repeat.ok());
  CHECK_FALSE(repeat->repeated);  // it can't know
  CHECK(repeat->event_id == first->event_id);
  REQUIRE(agent.Client().Capture(untimed).ok());
  REQUIRE(agent.Client().Capture(Cancellation("T-1", 1, "again")).ok());
  REQUIRE(agent.WaitUntilDrained());
  CHECK(Effects() == std::map<std::string, int>{{"T-1", 2}, {"U-1", 2}});
  CHECK(agent.Status().outbox().parked() == 0);
}

TEST_CASE_METHOD(CopiedSpoolRig, "Other content under the same key and time is parked for a person") {
  Start();
  const fs::path backup = agent.Settings().directory / "backup";
  agent.Stop();
  CopyOutbox(agent.OutboxDirectory(), backup);
  agent.Start();
  REQUIRE(agent.Client().Capture(AtTime(Cancellation("T-1"))).ok());
  REQUIRE(agent.WaitUntilDrained());
  agent.Stop();
  CopyOutbox(backup, agent.OutboxDirectory());
  agent.Start();
  auto other = AtTime(Cancellation("T-1"));
  other.mutable_order_cancellation()->set_note("not the same");
  REQUIRE(agent.Client().Capture(other).ok());
  REQUIRE(agent.WaitForStatus(30s, [](const auto& status) { return status.outbox().parked() == 1; }));
  CHECK(agent.Status().parked_events(0).reason() == "EVENT_ID_REUSED");
  CHECK(Effects() == std::map<std::string, int>{{"T-1", 1}});
}

}  // namespace
}  // namespace tillwire
