#include "proto/utf8_check.h"

#include <catch2/catch.hpp>

#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

const std::string kBad = "caf\xE9";  // Latin-1

// Protobuf serializes what its parser would refuse, with a complaint on standard error.
std::optional<std::string> Find(const v1::CaptureEventRequest& request) {
  return FindInvalidUtf8(request.SerializePartialAsString(), *v1::CaptureEventRequest::descriptor());
}

TEST_CASE("The field that is not UTF-8 is named by its path") {
  v1::CaptureEventRequest request;
  request.set_operator_id("117");
  auto& body = *request.mutable_order_cancellation();
  body.set_order_id("100023");
  SECTION("none") {
    body.add_lines()->set_sku("caf\xC3\xA9");
    CHECK_FALSE(Find(request));
  }
  SECTION("at the top") {
    request.set_operator_id(kBad);
    CHECK(Find(request) == "operator_id");
  }
  SECTION("in a line") {
    for (int i = 0; i < 3; ++i) body.add_lines()->set_sku("4711");
    body.add_lines()->set_sku(kBad);
    CHECK(Find(request) == "order_cancellation.lines[3].sku");
  }
  SECTION("in a list of strings") {
    body.add_staging_location_ids("A-07");
    body.add_staging_location_ids(kBad);
    CHECK(Find(request) == "order_cancellation.staging_location_ids[1]");
  }
  SECTION("in a map's value") {
    (*body.mutable_external_order_ids())["storefront"] = kBad;
    CHECK(Find(request) == "order_cancellation.external_order_ids[\"storefront\"]");
  }
  SECTION("in the value of a key that had better not be repeated") {
    (*body.mutable_external_order_ids())[std::string(1000, 'x')] = kBad;
    CHECK(Find(request) == "order_cancellation.external_order_ids (a value)");
  }
  SECTION("in a map's key") {
    (*body.mutable_external_order_ids())[kBad] = "GB-1";
    CHECK(Find(request) == "order_cancellation.external_order_ids (a key)");
  }
}

TEST_CASE("Bytes that are no message name no field") {
  CHECK_FALSE(FindInvalidUtf8("\xFF\xFF\xFF", *v1::CaptureEventRequest::descriptor()));
  CHECK_FALSE(FindInvalidUtf8("", *v1::CaptureEventRequest::descriptor()));
}

}  // namespace
}  // namespace tillwire
