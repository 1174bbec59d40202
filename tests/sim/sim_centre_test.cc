// Two simulated replicas of the centre over one ledger: one has it open, the other takes over.
#include "tests/sim/sim_centre.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE("A replica is refused the ledger while another has it open, and takes over when that has ended") {
  SimWorld world(1, false);
  SimNetwork network(world);
  SimOracle oracle;
  SimLedger ledger;
  const auto replica = [&](const std::string& name) {
    return std::make_unique<SimCentre>(world, network, oracle, SimBug::kNone, BackedUp::kAccepted, ledger,
                                       name);
  };
  const auto run_for = [&](SimWorld::Duration time) {
    world.RunUntil(world.Now() + time, [] { return false; });
  };
  const auto first = replica("first");
  const auto second = replica("second");
  first->Start();
  second->Start();
  REQUIRE(first->Running());
  run_for(60s);
  CHECK_FALSE(second->Running());

  // It hangs with the ledger open: the owner lock still keeps the other out.
  first->Hang();
  run_for(4s);
  CHECK(first->Running());
  CHECK_FALSE(second->Running());

  first->Kill();
  CHECK_FALSE(first->Running());
  run_for(25s);
  CHECK(first->Running() != second->Running());
  CHECK(ledger.openings == 2);
  CHECK(oracle.Complaints().empty());
}

}  // namespace
}  // namespace tillwire
