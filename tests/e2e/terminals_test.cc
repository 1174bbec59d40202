// The real programs: what the centre says of terminals that are well, silent, copied, or have lost their
// outbox.
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Flags = std::set<std::string>;

constexpr auto kPatience = 60s;

class TerminalsFixture : public StoreRig {
 public:
  TerminalsFixture() {
    centre.Settings().max_lines = 2;
    centre.Settings().stream_lines = {"digest_interval = \"200ms\""};
    centre.Settings().terminals_lines = {"silent_after = \"2s\"", "gap_after = \"200ms\"",
                                         "duplicate_after = \"3s\""};
  }

  AgentProgram Till(const std::string& terminal, const std::string& folder = {}) {
    AgentSettings settings = MakeAgentSettings(folder.empty() ? terminal : folder);
    settings.terminal_id = terminal;
    return AgentProgram(settings);
  }

  CommandOutcome Ingestd(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--server", centre.Address()});
    return RunCommand(kIngestdProgram, arguments);
  }

  // By terminal, as the command tells them; notes what it ever said of the healthy one.
  std::map<std::string, Json> Terminals() {
    const CommandOutcome outcome = Ingestd({"terminals", "--json"});
    INFO(outcome.errors);
    CHECK(outcome.status.code == 0);
    std::map<std::string, Json> terminals;
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);) {
      Json terminal = Json::parse(line);
      const std::string name = terminal["terminal_id"];
      terminals[name] = std::move(terminal);
    }
    for (const std::string& flag : FlagsOf(terminals["healthy"])) said_of_healthy.insert(flag);
    return terminals;
  }

  static Flags FlagsOf(const Json& terminal) {
    Flags flags;
    if (!terminal.contains("flags")) return flags;
    for (const auto& raised : terminal["flags"]) {
      flags.insert(raised["flag"].get<std::string>().substr(std::string("TERMINAL_FLAG_").size()));
    }
    return flags;
  }

  bool WaitForFlags(const std::string& terminal, const Flags& flags) {
    return WaitUntil(kPatience, [&] { return FlagsOf(Terminals()[terminal]) == flags; });
  }

  // What the terminal's last digest counts over its epochs.
  static std::uint64_t Count(const Json& terminal, const std::string& what) {
    std::uint64_t count = 0;
    if (!terminal.contains("epochs")) return count;
    for (const auto& epoch : terminal["epochs"]) count += std::stoull(epoch["digest"].value(what, "0"));
    return count;
  }

  Flags said_of_healthy;
};

TEST_CASE_METHOD(TerminalsFixture,
                 "Each terminal has the flags that it deserves, and the healthy one has none") {
  StartCentre();
  AgentProgram healthy = Till("healthy");
  AgentProgram quiet = Till("quiet");
  AgentProgram copied = Till("copied");
  AgentProgram deleted = Till("deleted");
  for (AgentProgram* till : {&healthy, &quiet, &copied, &deleted}) {
    till->Start();
    REQUIRE(till->WaitUntilConnected());
    CaptureOrders(*till, "A-", 5);
    REQUIRE(till->WaitUntilDrained());
  }

  // Silent: switched off.
  quiet.Stop();
  CHECK(WaitForFlags("quiet", {"SILENT"}));

  // Duplicate: an image of the terminal lives on beside it.
  copied.Stop();
  AgentProgram copy = Till("copied", "copy");
  std::filesystem::copy(copied.OutboxDirectory(), copy.OutboxDirectory(),
                        std::filesystem::copy_options::recursive);
  copied.Start();
  copy.Start();
  CHECK(WaitForFlags("copied", {"DUPLICATE"}));

  // Its outbox is deleted while an event is parked and another one waits behind it.
  REQUIRE(deleted.Client().Capture(Cancellation("P-1", /*lines=*/3)).ok());
  REQUIRE(deleted.Client().Capture(Cancellation("P-1", /*lines=*/1, "again")).ok());
  REQUIRE(WaitUntil(kPatience, [&] {
    const Json terminal = Terminals()["deleted"];
    return Count(terminal, "parked") == 1 && Count(terminal, "pending") == 1;
  }));
  CHECK(FlagsOf(Terminals()["deleted"]).empty());
  deleted.Stop();
  std::filesystem::remove_all(deleted.OutboxDirectory());
  deleted.Start();
  CHECK(WaitForFlags("deleted", {"GAP", "NEW_EPOCH"}));

  CaptureOrders(healthy, "B-", 20);
  REQUIRE(healthy.WaitUntilDrained());
  CHECK(WaitUntil(kPatience, [&] { return Count(Terminals()["healthy"], "delivered") == 25; }));

  const CommandOutcome table = Ingestd({"terminals"});
  WARN(table.output);
  CHECK_THAT(table.output, Catch::Contains("STORE") && Catch::Contains("4 terminals"));
  CHECK(table.output.find("deleted") < table.output.find("copied"));
  CHECK(table.output.find("copied") < table.output.find("quiet"));
  CHECK(table.output.find("quiet") < table.output.find("healthy"));
  const CommandOutcome detail = Ingestd({"terminals", "deleted", "--store", "0042"});
  WARN(detail.output);
  CHECK_THAT(detail.output, Catch::Contains("the terminal no longer has 2 events of epoch") &&
                                Catch::Contains("sequence 7") && Catch::Contains("its outbox is new") &&
                                Catch::Contains("what to do"));
  const CommandOutcome gaps = Ingestd({"terminals", "--flag", "gap"});
  CHECK_THAT(gaps.output, Catch::Contains("deleted") && Catch::Contains("1 terminal\n"));

  // What is known survives the centre, however it ends.
  link.Cut();
  centre.Stop();
  centre.Start();
  CHECK(FlagsOf(Terminals()["deleted"]) == Flags{"GAP", "NEW_EPOCH"});
  link.SetCentre(centre.Port());
  link.Heal();
  CHECK(WaitUntil(kPatience, [&] {
    const Json terminal = Terminals()["healthy"];
    return terminal.value("connected_instances", 0) == 1;
  }));
  said_of_healthy.erase("SILENT");  // while the link was cut
  CHECK(said_of_healthy == Flags{});
}

TEST_CASE_METHOD(TerminalsFixture, "Bad input and unknown terminals are told by the exit code") {
  CHECK(RunCommand(kIngestdProgram, {"terminals", "--server", "127.0.0.1:1"}).status.code == 3);
  StartCentre();
  const CommandOutcome flag = Ingestd({"terminals", "--flag", "gaps"});
  CHECK(flag.status.code == 2);
  CHECK_THAT(flag.errors, Catch::Contains("--flag") && Catch::Contains("bad-files"));
  const CommandOutcome nobody = Ingestd({"terminals", "till-9"});
  CHECK(nobody.status.code == 1);
  CHECK_THAT(nobody.errors, Catch::Contains("no terminal till-9"));
  CHECK(Ingestd({"terminals"}).output == "0 terminals\n");
}

}  // namespace
}  // namespace tillwire
