#include "core/epoch.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("An epoch is written as 16 digits") {
  CHECK(EpochName(0) == "0000000000000000");
  CHECK(EpochName(0x88a2d917967948ff) == "88a2d917967948ff");
}

TEST_CASE("Sequences are one or several") {
  CHECK(SequencesText(5, 5) == "sequence 5");
  CHECK(SequencesText(5, 7) == "sequences 5 to 7");
}

}  // namespace
}  // namespace tillwire
