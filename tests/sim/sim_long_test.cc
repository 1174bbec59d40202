// As many seeds as an hour allows.
#include <catch2/catch.hpp>

#include "tests/sim/sim_seeds.h"

namespace tillwire {
namespace {

TEST_CASE(
    "Whatever goes wrong in 10,000 runs, nothing acknowledged is lost, doubled, altered or out of order") {
  CheckSeeds(1, 10'000);
}

}  // namespace
}  // namespace tillwire
