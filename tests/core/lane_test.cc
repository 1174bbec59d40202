#include "core/lane.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

std::string LaneOfCancellation(const std::string& order, const std::string& fulfillment_order) {
  OrderCancellation cancellation;
  cancellation.order_id = order;
  cancellation.fulfillment_order_id = fulfillment_order;
  return LaneOf(cancellation);
}

std::string LaneOfClear(const std::string& order, const std::string& fulfillment_order,
                        const std::string& bin) {
  StagingBinClear clear;
  clear.order_id = order;
  clear.fulfillment_order_id = fulfillment_order;
  clear.staging_location_id = bin;
  return LaneOf(clear);
}

TEST_CASE("The order names the lane, else the fulfillment order, else the bin") {
  CHECK(LaneOfCancellation("W-1", "F-1") == "order:W-1");
  CHECK(LaneOfCancellation("", "F-1") == "fulfillment:F-1");
  CHECK(LaneOfClear("W-1", "F-1", "B-1") == "order:W-1");
  CHECK(LaneOfClear("", "F-1", "B-1") == "fulfillment:F-1");
  CHECK(LaneOfClear("", "", "B-1") == "bin:B-1");
}

TEST_CASE("White space around an id does not make another lane, but case, zeros and inner spaces do") {
  CHECK(LaneOfCancellation(" \t0042\r\n", "") == "order:0042");
  CHECK(LaneOfCancellation("42", "") == "order:42");
  CHECK(LaneOfCancellation("w-1", "") == "order:w-1");
  CHECK(LaneOfCancellation("a b", "") == "order:a b");
  CHECK(LaneOfCancellation("  ", "F-1") == "fulfillment:F-1");
}

TEST_CASE("The same number as order and as bin are two lanes") {
  CHECK(LaneOfClear("7", "", "9") != LaneOfClear("", "", "7"));
}

TEST_CASE("An event that names nothing has the empty lane") {
  CHECK(LaneOf(std::monostate{}).empty());
  CHECK(LaneOfCancellation("", " ").empty());
  CHECK(LaneOfClear("", "", "").empty());
}

}  // namespace
}  // namespace tillwire
