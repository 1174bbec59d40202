// The examples of docs/integrate, run as they are: programs in other languages that know Tillwire by its
// .proto files and by that folder's README alone.
#include <signal.h>

#include <catch2/catch.hpp>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path kExamples = TILLWIRE_EXAMPLES;
const std::filesystem::path kProtos = TILLWIRE_PROTOS;
// Debian's own, for which python3-grpcio is: another python3 may come first on PATH.
const char kPython[] = "/usr/bin/python3";
const char kPythonPlugin[] = "/usr/bin/grpc_python_plugin";

// One run of an example. It is killed with this.
class ExampleRun {
 public:
  ExampleRun(ProcessOptions options, const std::filesystem::path& files)
      : output_(files / "output"), errors_(files / "errors") {
    std::filesystem::create_directories(files);
    options.output = output_;
    options.errors = errors_;
    process_.emplace(Process::StartTethered(std::move(options)));
  }

  // Its exit code. Throws if it runs for longer than half a minute, or is killed.
  int Wait() {
    const std::optional<ExitStatus> status = process_->Wait(30s);
    if (!status || status->signal != 0) {
      throw std::runtime_error("an example did not end by itself; it said:\n" + Said());
    }
    return status->code;
  }
  [[nodiscard]] std::string Output() const { return ReadWholeFile(output_); }
  [[nodiscard]] std::string Errors() const { return ReadWholeFile(errors_); }
  [[nodiscard]] std::string Said() const { return Output() + Errors(); }
  // The last whole line of its output; empty if there is none.
  [[nodiscard]] std::string LastLine() const {
    std::istringstream lines(Output());
    std::string last;
    for (std::string line; std::getline(lines, line) && !lines.eof();) last = line;
    return last;
  }

 private:
  const std::filesystem::path output_;
  const std::filesystem::path errors_;
  std::optional<Process> process_;
};

class ExampleRig : public StoreRig {
 protected:
  // In "node" or "python": `script` is "capture" or "badge".
  ExampleRun Run(const std::string& language, const std::string& script,
                 std::vector<std::string> arguments = {}) {
    ProcessOptions options;
    options.directory = kExamples / language;
    options.environment = {{"TILLWIRE_SOCKET", agent.Socket().string()}};
    if (language == "node") {
      options.program = "node";
      arguments.insert(arguments.begin(), script + ".mjs");
    } else {
      options.program = kPython;
      options.environment.emplace_back("PYTHONPATH", PythonStubs().string());
      options.environment.emplace_back("PYTHONDONTWRITEBYTECODE", "1");
      arguments.insert(arguments.begin(), script + ".py");
    }
    options.arguments = std::move(arguments);
    return {std::move(options), agent.Settings().directory / ("run-" + std::to_string(++runs_))};
  }

 private:
  // Generated once, by the command that the README gives.
  std::filesystem::path PythonStubs() {
    const std::filesystem::path stubs = agent.Settings().directory / "generated";
    if (!std::filesystem::exists(stubs)) {
      std::filesystem::create_directories(stubs);
      const CommandOutcome outcome = RunCommand(
          "protoc", {"-I", kProtos.string(), std::string("--plugin=protoc-gen-grpc_python=") + kPythonPlugin,
                     "--python_out=" + stubs.string(), "--grpc_python_out=" + stubs.string(),
                     "tillwire/v1/capture.proto", "tillwire/v1/event.proto"});
      if (!outcome.status.Clean()) throw std::runtime_error("protoc failed: " + outcome.errors);
    }
    return stubs;
  }

  int runs_ = 0;
};

// The event id in "recorded ID ..."; empty if there is none.
std::string RecordedId(const std::string& output) {
  static const std::regex pattern("^recorded ([0-9a-f-]{36})");
  std::smatch match;
  return std::regex_search(output, match, pattern) ? match[1].str() : std::string();
}

TEST_CASE_METHOD(ExampleRig, "The examples' captures arrive once, and each answer is told apart") {
  const std::string language = GENERATE(as<std::string>{}, "node", "python");
  INFO(language);
  Start();
  std::vector<std::string> recorded;
  for (const char* number : {"1", "2", "3"}) {
    ExampleRun run = Run(language, "capture", {std::string("W-") + number, std::string("00048") + number});
    const int exit_code = run.Wait();
    INFO(run.Said());
    REQUIRE(exit_code == 0);
    recorded.push_back(RecordedId(run.Output()));
    REQUIRE_FALSE(recorded.back().empty());
  }

  ExampleRun repeat = Run(language, "capture", {"W-1", "000481"});
  CHECK(repeat.Wait() == 0);
  CHECK(repeat.Output() == "recorded " + recorded[0] + " (by an earlier attempt)\n");

  ExampleRun other_order = Run(language, "capture", {"W-9", "000481"});
  CHECK(other_order.Wait() == 1);
  CHECK_THAT(other_order.Said(), Catch::Contains("ALREADY_EXISTS: idempotency_key"));

  ExampleRun no_order = Run(language, "capture", {"", "000484"});
  CHECK(no_order.Wait() == 2);
  CHECK_THAT(no_order.Said(), Catch::Contains("INVALID_ARGUMENT: order_cancellation.order_id"));

  REQUIRE(agent.WaitUntilDrained());
  CHECK(EventIds(centre.Ledger()) == recorded);
}

TEST_CASE_METHOD(ExampleRig, "The examples repeat with the same key until the agent answers") {
  const std::string language = GENERATE(as<std::string>{}, "node", "python");
  INFO(language);
  Start();
  kill(agent.Pid(), SIGSTOP);
  ExampleRun run = Run(language, "capture", {"W-1", "000481"});
  const bool repeats =
      WaitUntil(30s, [&] { return run.Errors().find("no answer yet") != std::string::npos; });
  kill(agent.Pid(), SIGCONT);
  INFO(run.Said());
  REQUIRE(repeats);
  CHECK(run.Wait() == 0);
  CHECK_THAT(run.Errors(), Catch::Contains("DEADLINE_EXCEEDED"));
  REQUIRE(agent.WaitUntilDrained());
  CHECK(EventIds(centre.Ledger()) == std::vector<std::string>{RecordedId(run.Output())});
}

TEST_CASE_METHOD(
    ExampleRig, "Without an agent the examples say that the outcome is unknown, and a later repeat is fine") {
  const std::string language = GENERATE(as<std::string>{}, "node", "python");
  INFO(language);
  ExampleRun early = Run(language, "capture", {"W-1", "000481", "0.5"});
  CHECK(early.Wait() == 4);
  CHECK_THAT(early.Output(), Catch::StartsWith("unknown whether it is recorded, UNAVAILABLE"));

  Start();
  ExampleRun later = Run(language, "capture", {"W-1", "000481"});
  CHECK(later.Wait() == 0);
  REQUIRE(agent.WaitUntilDrained());
  CHECK(EventIds(centre.Ledger()) == std::vector<std::string>{RecordedId(later.Output())});
}

TEST_CASE_METHOD(ExampleRig,
                 "What lies in the spool and is repeated by an example with the same key is one event") {
  const std::string language = GENERATE(as<std::string>{}, "node", "python");
  INFO(language);
  Start();
  REQUIRE(agent.Stop().Clean());
  // The example's request, as docs/spool-format.md has it.
  WriteWholeFile(agent.OutboxDirectory() / "spool" / "new" / "00001780000000123456-pos-000481-cancel.json",
                 R"({
    "idempotency_key": "pos-000481-cancel",
    "operator_id": "117",
    "transaction_sequence_number": "000481",
    "order_cancellation": {
      "order_id": "W-1",
      "scope": "WHOLE_ORDER",
      "initiator": "CUSTOMER",
      "reason": "CUSTOMER_REQUEST",
      "release_policy": "ON_PUT_BACK"
    }
  })");
  agent.Start();
  ExampleRun repeat = Run(language, "capture", {"W-1", "000481"});
  CHECK(repeat.Wait() == 0);
  INFO(repeat.Said());
  CHECK_THAT(repeat.Output(), Catch::EndsWith("(by an earlier attempt)\n"));
  REQUIRE(agent.WaitUntilDrained());
  CHECK(EventIds(centre.Ledger()) == std::vector<std::string>{RecordedId(repeat.Output())});
}

TEST_CASE_METHOD(ExampleRig,
                 "The examples' badge shows what waits and for how long, across a restart of the agent") {
  const std::string language = GENERATE(as<std::string>{}, "node", "python");
  INFO(language);
  Start();
  ExampleRun badge = Run(language, "badge");
  const auto shows = [&badge](const std::string& pattern) {
    const bool shown =
        WaitUntil(30s, [&] { return std::regex_match(badge.LastLine(), std::regex(pattern)); });
    UNSCOPED_INFO("the badge said:\n" << badge.Said());
    return shown;
  };
  REQUIRE(shows("0 pending"));

  centre.Kill();
  const std::vector<std::string> event_ids = CaptureOrders(agent, "W-", 3);
  REQUIRE(shows("3 pending, oldest [0-9]+ s"));
  agent.Kill();
  REQUIRE(shows("no word from the agent: .*"));
  agent.Start();
  REQUIRE(shows("3 pending, oldest [1-9][0-9]* (s|min)"));

  StartCentre();
  REQUIRE(shows("0 pending"));
  CHECK(EventIds(centre.Ledger()) == event_ids);
}

}  // namespace
}  // namespace tillwire
