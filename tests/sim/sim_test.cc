// Seeds of the simulator (500, under sanitizers 100), and its teeth. tillwire-sim --seed N --trace replays
// one.
#include <catch2/catch.hpp>
#include <iostream>
#include <string>

#include "tests/sim/sim_run.h"
#include "tests/sim/sim_seeds.h"

namespace tillwire {
namespace {

TEST_CASE("Whatever goes wrong in 500 runs, nothing acknowledged is lost, doubled, altered or out of order") {
  CheckSeeds(1, TILLWIRE_SIMULATED_SEEDS);
}

TEST_CASE("A seed replays the same run") {
  SimOptions options;
  options.seed = 42;
  const SimReport first = Simulate(options);
  const SimReport second = Simulate(options);
  CHECK(first.steps == second.steps);
  CHECK(first.trace_digest == second.trace_digest);
  CHECK(first.acknowledged == second.acknowledged);
  options.seed = 43;
  CHECK(Simulate(options).trace_digest != first.trace_digest);
}

TEST_CASE("Each bug that is planted is found") {
  constexpr std::uint64_t kSeeds = 1000;
  for (const SimBugName& planted : SimBugs()) {
    SimOptions options;
    options.bug = planted.bug;
    SimReport report;
    for (options.seed = 1; options.seed <= kSeeds && report.complaints.empty(); ++options.seed) {
      report = Simulate(options);
    }
    INFO(planted.name << ": " << planted.what);
    CHECK_FALSE(report.complaints.empty());
    if (report.complaints.empty()) continue;
    std::cout << planted.name << ": found at seed " << options.seed - 1 << ": " << report.complaints.front()
              << '\n';
  }
}

}  // namespace
}  // namespace tillwire
