#include "core/nearest_name.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

const std::vector<std::string> kKeys = {"uplink.server", "uplink.insecure", "outbox.directory"};

TEST_CASE("A slip of the finger finds the name that was meant") {
  CHECK(NearestName("uplink.sever", kKeys) == "uplink.server");
  CHECK(NearestName("uplink.serverr", kKeys) == "uplink.server");
  CHECK(NearestName("uplink.serber", kKeys) == "uplink.server");
  CHECK(NearestName("outbox.dir", kKeys).empty());
}

TEST_CASE("The nearest of several is given") {
  CHECK(NearestName("uplink.insever", kKeys) == "uplink.server");
}

TEST_CASE("Nothing is suggested where nothing is near") {
  CHECK(NearestName("colour", kKeys).empty());
  CHECK(NearestName("", kKeys).empty());
  CHECK(NearestName("x", {}).empty());
}

}  // namespace
}  // namespace tillwire
