#include <catch2/catch.hpp>
#include <iostream>

#include "tests/crash/kill_run.h"

namespace tillwire {
namespace {

TEST_CASE("40 kills of the agent lose nothing that was acknowledged") {
  const KillReport report = RunKills(40, 1);
  std::cout << report.Text();
  INFO(report.Text());
  CHECK(report.guarantee.Holds());
  CHECK(report.guarantee.holes == 0);
  CHECK(report.complaints.empty());
  CHECK(report.guarantee.acknowledged > 40);
  for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
    INFO(kPhaseNames[phase]);
    CHECK(report.histogram[phase] >= 1);
  }
}

}  // namespace
}  // namespace tillwire
