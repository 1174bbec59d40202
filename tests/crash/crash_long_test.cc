#include <catch2/catch.hpp>
#include <iostream>

#include "tests/crash/kill_run.h"

namespace tillwire {
namespace {

// In runs of their own: a log of captures that grew without end would slow the driver down.
constexpr std::uint64_t kRuns = 10;

TEST_CASE("2,000 kills of agent and centre, at least 20 in each phase, lose nothing that was acknowledged") {
  KillReport total;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    const KillReport report = RunKills({100, 100, seed});
    INFO("seed " << seed << "\n" << report.Text());
    CHECK(report.guarantee.Holds());
    CHECK(report.guarantee.holes == 0);
    CHECK(report.complaints.empty());
    total.Add(report);
  }
  std::cout << total.Text();
  INFO(total.Text());
  CHECK(total.LeastHit() >= 20);
}

}  // namespace
}  // namespace tillwire
