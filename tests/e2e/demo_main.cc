// scripts/demo: a store's day of captures through cut links and killed processes, and what came of it.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <random>
#include <string>

#include "tests/e2e/demo_report.h"
#include "tests/e2e/demo_scenario.h"
#include "tests/e2e/programs.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

void PrintWaysToLookAround(DemoScenario& scenario) {
  const std::string socket = scenario.Agent().Socket().string();
  const std::string server = scenario.Centre().Address();
  std::printf(
      "\nBoth programs are still up. In another terminal:\n"
      "  %s status --socket %s\n"
      "  %s events --server %s --follow\n"
      "  %s cancel --socket %s --operator-id 117 --order-id 100023 --scope whole-order \\\n"
      "    --initiator customer --reason customer-request --release-policy on-put-back\n"
      "Configuration, logs and data: %s and %s\n"
      "Enter or Ctrl-C ends them.\n",
      kTillwireProgram, socket.c_str(), kIngestdProgram, server.c_str(), kTillwireProgram, socket.c_str(),
      scenario.Agent().Settings().directory.c_str(), scenario.Centre().Settings().directory.c_str());
}

// Until a line, the end of input, or Ctrl-C; then the programs are stopped as usual.
void WaitForEnter() {
  struct sigaction interrupt{};
  interrupt.sa_handler = [](int) {};
  sigaction(SIGINT, &interrupt, nullptr);
  std::string line;
  std::getline(std::cin, line);
}

int Main(int argc, char** argv) {
  CLI::App app("A store's day with everything going wrong that can, and the count afterwards");
  DemoOptions options;
  options.seed = std::random_device{}() % 1'000'000;
  bool keep = false;
  std::string sabotage;
  app.add_option("--seed", options.seed, "Repeats the day of an earlier run");
  app.add_option("--captures", options.captures, "How many captures the day has (2000)")
      ->check(CLI::Range(100, 100'000));
  app.add_flag("--keep", keep, "Leaves both programs running afterwards, to look around");
  app.add_option("--sabotage", sabotage,
                 "drop-capture: the agent loses one capture, and the check must find it")
      ->check(CLI::IsMember({"drop-capture"}));
  CLI11_PARSE(app, argc, argv);

  options.lose_capture = sabotage == "drop-capture";
  const TempDirectory directory;
  options.directory = directory.Path();
  std::printf("A store's day of %zu captures, seed %llu (repeat it with --seed %llu)\n\n", options.captures,
              static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(options.seed));
  std::fflush(stdout);
  DemoScenario scenario(options);
  const DemoOutcome outcome = scenario.Run();
  PrintReport(outcome);
  if (keep) {
    PrintWaysToLookAround(scenario);
    WaitForEnter();
  } else {
    std::printf("To look around in what is left of the day: scripts/demo --keep\n");
  }
  return outcome.Passed() ? 0 : 1;
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  try {
    return tillwire::Main(argc, argv);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "\nthe demo could not be finished: %s\n", fault.what());
    return 1;
  }
}
