// Every change of a day, where disk_faults_test takes a share of them.
#include <catch2/catch.hpp>

#include "tests/storage/power_cuts.h"

namespace tillwire {
namespace {

TEST_CASE("Power may fail before every change of a day, and again before every change of the recovery") {
  CutEverywhere(1);
}

}  // namespace
}  // namespace tillwire
