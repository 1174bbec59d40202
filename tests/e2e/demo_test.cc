// The demo's verdict must depend on what happened: a small day passes, and the same day with one capture lost
// does not.
#include <catch2/catch.hpp>

#include "tests/support/process.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

CommandOutcome RunDemo(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"--seed", "7", "--captures", "400"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunCommand(TILLWIRE_DEMO_PROGRAM, arguments, {}, 150s);
}

TEST_CASE("A small day through every disturbance keeps the guarantee") {
  const CommandOutcome outcome = RunDemo({});
  INFO(outcome.output << outcome.errors);
  CHECK(outcome.status.code == 0);
  CHECK_THAT(outcome.output, Catch::Contains("passed"));
}

TEST_CASE("An agent that drops one capture is found out") {
  const CommandOutcome outcome = RunDemo({"--sabotage", "drop-capture"});
  INFO(outcome.output << outcome.errors);
  CHECK(outcome.status.code == 1);
  CHECK_THAT(outcome.output, Catch::Contains("lost: event"));
  CHECK_THAT(outcome.output, Catch::Contains("FAILED"));
}

}  // namespace
}  // namespace tillwire
