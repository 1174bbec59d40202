#include <catch2/catch.hpp>
#include <iostream>

#include "tests/crash/kill_run.h"

namespace tillwire {
namespace {

TEST_CASE("200 kills of the agent, at least 10 in each phase, lose nothing that was acknowledged") {
  const KillReport report = RunKills(200, 2);
  std::cout << report.Text();
  INFO(report.Text());
  CHECK(report.guarantee.Holds());
  CHECK(report.guarantee.holes == 0);
  CHECK(report.complaints.empty());
  for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
    INFO(kPhaseNames[phase]);
    CHECK(report.histogram[phase] >= 10);
  }
}

}  // namespace
}  // namespace tillwire
