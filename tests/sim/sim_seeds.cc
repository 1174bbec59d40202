#include "tests/sim/sim_seeds.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <iostream>

#include "tests/sim/sim_run.h"

namespace tillwire {

void CheckSeeds(std::uint64_t first, std::uint64_t count) {
  SimTally tally;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SimOptions options;
    options.seed = seed;
    const SimReport report = Simulate(options);
    tally.Add(report);
    if (report.complaints.empty()) continue;
    FAIL_CHECK(report.Text() << "replay: tillwire-sim --seed " << seed << " --trace");
  }
  std::cout << tally.Text() << '\n';
}

}  // namespace tillwire
