// tillwire watch in a real terminal, on the real agent.
#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/pseudo_terminal.h"

namespace tillwire {
namespace {

constexpr const char* kEnter = "\x1B[?1049h";
constexpr const char* kLeave = "\x1B[?25h\x1B[?1049l";

class WatchRig : public StoreRig {
 protected:
  [[nodiscard]] std::vector<std::string> Arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"watch", "--socket", agent.Socket().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_CASE_METHOD(WatchRig,
                 "watch shows the agent live, through its end and its return, and gives the terminal back") {
  centre.Settings().max_lines = 3;
  Start();
  REQUIRE(agent.Client().Capture(Cancellation("EARLY", 1)).ok());
  REQUIRE(agent.WaitUntilDrained());
  PseudoTerminal terminal(kTillwireProgram, Arguments());
  REQUIRE(terminal.WaitFor(kEnter));
  CHECK(terminal.WaitFor("CONNECTED to "));
  CHECK(terminal.WaitFor("order EARLY"));

  REQUIRE(agent.Client().Capture(Cancellation("LONG", 5)).ok());
  CHECK(terminal.WaitFor("PARKED"));
  CHECK(terminal.WaitFor("TOO_MANY_LINES"));
  CHECK(terminal.WaitFor("raise acceptance.max_lines"));

  agent.Stop();
  CHECK(terminal.WaitFor("DOWN for "));
  CHECK(terminal.WaitFor("trying again each second"));
  agent.Start();
  CHECK(terminal.WaitFor("CONNECTED to "));

  terminal.Resize(60, 12);
  CHECK(terminal.WaitFor("q quits"));
  terminal.Type("q");
  const auto ended = terminal.Finish();
  INFO(terminal.Output());
  REQUIRE(ended);
  CHECK(ended->Clean());
  CHECK_THAT(terminal.Output(), Catch::Contains(kLeave));
  CHECK(terminal.IsCooked());
}

TEST_CASE_METHOD(WatchRig, "A signal ends watch as well, and gives the terminal back") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  PseudoTerminal terminal(kTillwireProgram, Arguments());
  REQUIRE(terminal.WaitFor("DOWN for "));
  terminal.Signal(signal);
  const auto ended = terminal.Finish();
  INFO(terminal.Output());
  REQUIRE(ended);
  CHECK(ended->Clean());
  CHECK_THAT(terminal.Output(), Catch::EndsWith(kLeave));
  CHECK(terminal.IsCooked());
}

TEST_CASE_METHOD(WatchRig, "Plain, watch prints a line for each change") {
  Start();
  PseudoTerminal terminal(kTillwireProgram, Arguments({"--plain"}));
  REQUIRE(terminal.WaitFor("connected to "));
  REQUIRE(agent.Client().Capture(Cancellation("W-1", 1)).ok());
  CHECK(terminal.WaitFor("cancellation, order W-1: delivered"));
  terminal.Signal(SIGTERM);
  CHECK(terminal.Finish());
  CHECK_THAT(terminal.Output(), !Catch::Contains("\x1B"));
}

TEST_CASE_METHOD(WatchRig, "In JSON, watch prints an object for each change") {
  Start();
  PseudoTerminal terminal(kTillwireProgram, Arguments({"--json"}));
  REQUIRE(terminal.WaitFor("\n"));
  const auto first = nlohmann::json::parse(terminal.Output().substr(0, terminal.Output().find('\n')));
  CHECK(first["status"]["terminal_id"] == "till-3");
  terminal.Signal(SIGINT);
  CHECK(terminal.Finish());
}

}  // namespace
}  // namespace tillwire
