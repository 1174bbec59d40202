#include <catch2/catch.hpp>
#include <iostream>

#include "tests/crash/kill_run.h"

namespace tillwire {
namespace {

TEST_CASE("40 kills of the agent and 24 of the centre lose nothing that was acknowledged") {
  const KillReport report = RunKills({40, 24, 1});
  std::cout << report.Text();
  INFO(report.Text());
  CHECK(report.guarantee.Holds());
  CHECK(report.guarantee.holes == 0);
  CHECK(report.complaints.empty());
  CHECK(report.guarantee.acknowledged > 64);
  CHECK(report.LeastHit() >= 1);
}

}  // namespace
}  // namespace tillwire
