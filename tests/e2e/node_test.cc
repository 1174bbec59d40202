// Programs that know nothing of Tillwire but its .proto files: one captures, one stands in for the centre.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const std::filesystem::path kFolder = TILLWIRE_NODE_TESTS;

std::vector<json> JsonLines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.front() == '{') {
      lines.push_back(json::parse(line));
    }
  }
  return lines;
}

// node centre.mjs, while it runs.
class NodeCentre {
 public:
  explicit NodeCentre(const std::filesystem::path& directory)
      : output_(directory / "node-output"), errors_(directory / "node-errors") {
    ProcessOptions options;
    options.program = "node";
    options.arguments = {"centre.mjs"};
    options.directory = kFolder;
    options.output = output_;
    options.errors = errors_;
    process_.emplace(Process::StartTethered(options));
    const bool listening = WaitUntil(20s, [this] { return Port() != 0 || !process_->Running(); });
    if (!listening || Port() == 0) {
      throw std::runtime_error("centre.mjs did not come up; run npm ci in its folder. It said:\n" +
                               ReadWholeFile(errors_));
    }
  }

  [[nodiscard]] std::uint16_t Port() const {
    const std::string text = ReadWholeFile(output_);
    const std::string word = "listening ";
    return text.rfind(word, 0) == 0 && text.find('\n') != std::string::npos
               ? static_cast<std::uint16_t>(std::stoi(text.substr(word.size())))
               : std::uint16_t{0};
  }
  [[nodiscard]] std::vector<json> Records() const { return JsonLines(ReadWholeFile(output_)); }

 private:
  const std::filesystem::path output_;
  const std::filesystem::path errors_;
  std::optional<Process> process_;
};

TEST_CASE_METHOD(StoreRig, "A client that has the .proto files alone captures over the socket") {
  Start();
  const CommandOutcome outcome = RunCommand(
      "node", {"capture.mjs", "--socket", agent.Socket().string(), "--orders", "10"}, {}, 30s, kFolder);
  INFO(outcome.errors);
  REQUIRE(outcome.status.code == 0);
  std::vector<std::string> captured;
  json repeat;
  json other_content;
  json bad_quantity;
  json status;
  for (const json& line : JsonLines(outcome.output)) {
    const std::string what = line["what"];
    if (what == "cancellation" || what == "clear") {
      REQUIRE(line["code"] == "OK");
      captured.push_back(line["event_id"]);
    } else {
      (what == "repeat"                    ? repeat
       : what == "same key, other content" ? other_content
       : what == "status"                  ? status
                                           : bad_quantity) = line;
    }
  }
  REQUIRE(captured.size() == 20);
  CHECK(repeat["repeated"] == true);
  CHECK(repeat["event_id"] == captured[0]);
  CHECK(other_content["code"] == "ALREADY_EXISTS");
  CHECK(bad_quantity["code"] == "INVALID_ARGUMENT");
  CHECK_THAT(bad_quantity["message"].get<std::string>(), Catch::Contains("quantity"));
  CHECK(status["terminal_id"] == "till-3");

  REQUIRE(agent.WaitUntilDrained());
  const std::vector<std::string> arrived = EventIds(centre.Ledger());
  CHECK(std::multiset<std::string>(arrived.begin(), arrived.end()) ==
        std::multiset<std::string>(captured.begin(), captured.end()));
}

TEST_CASE_METHOD(StoreRig,
                 "A centre that has the .proto files alone gets every event and can check each hash") {
  agent.Start();
  std::vector<std::string> event_ids = CaptureOrders(agent, "W-", 30);
  const Result<CaptureReply> clear = agent.Client().Capture(ClearAfter(event_ids[0], "STG-A-01"));
  REQUIRE(clear.ok());
  event_ids.push_back(clear->event_id);

  const NodeCentre node(agent.Settings().directory);
  link.SetCentre(node.Port());
  REQUIRE(agent.WaitUntilDrained());
  const std::vector<json> records = node.Records();
  REQUIRE(records.size() == event_ids.size());
  for (std::size_t place = 0; place < records.size(); ++place) {
    INFO(records[place].dump());
    CHECK(records[place]["event"]["event_id"] == event_ids[place]);
    CHECK(records[place]["checks"] == json{{"hash", true}, {"link", true}, {"lane", true}});
  }
  CHECK(records.back()["lane"] == records.front()["lane"]);
  CHECK(agent.Status().outbox().delivered() == event_ids.size());
}

}  // namespace
}  // namespace tillwire
