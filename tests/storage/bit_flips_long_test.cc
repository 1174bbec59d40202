// As bit_flips_test, ten times as many.
#include <catch2/catch.hpp>

#include "tests/storage/bit_flips.h"

namespace tillwire {
namespace {

TEST_CASE("2,000 bits turned over in an outbox's files lose nothing that is not named") {
  FlipBits(2000);
}

}  // namespace
}  // namespace tillwire
