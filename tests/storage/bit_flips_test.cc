// 2,000 flips: bit_flips_long_test.
#include "tests/storage/bit_flips.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("200 bits turned over in an outbox's files lose nothing that is not named") {
  FlipBits(200);
}

}  // namespace
}  // namespace tillwire
