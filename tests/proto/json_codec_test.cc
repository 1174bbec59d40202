#include "proto/json_codec.h"

#include <catch2/catch.hpp>

#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

std::string Problem(const std::string& json) {
  v1::CaptureEventRequest request;
  const auto parsed = ParseJson(json, request);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().code == ErrorCode::kInvalidArgument);
  return parsed.error().Text();
}

TEST_CASE("A message written as JSON reads back the same") {
  v1::CaptureEventRequest request;
  request.set_operator_id("117");
  request.mutable_occur_time()->set_seconds(1'780'000'000);
  auto& body = *request.mutable_order_cancellation();
  body.set_order_id("100023");
  (*body.mutable_external_order_ids())["storefront"] = "GB-1";
  body.set_reason(v1::CANCELLATION_REASON_FRAUD);
  body.add_lines()->set_quantity(2);
  const auto layout = GENERATE(JsonLayout::kOneLine, JsonLayout::kIndented);
  const std::string json = ToJson(request, layout);
  CHECK_THAT(json, Catch::Contains("\"order_cancellation\""));
  CHECK((json.find('\n') == std::string::npos) == (layout == JsonLayout::kOneLine));
  v1::CaptureEventRequest read;
  REQUIRE(ParseJson(json, read).ok());
  CHECK(read.SerializeAsString() == request.SerializeAsString());
}

TEST_CASE("Defaults are written too") {
  CHECK_THAT(ToJson(v1::OutboxStatus(), JsonLayout::kOneLine), Catch::Contains("\"pending\":\"0\""));
}

TEST_CASE("Enum values may be written in short, in either case") {
  const auto* written = GENERATE("CANCELLATION_REASON_CUSTOMER_REQUEST", "CUSTOMER_REQUEST",
                                 "customer-request", "customer_request", "Customer-Request");
  v1::CaptureEventRequest request;
  const auto parsed =
      ParseJson(std::string(R"({"order_cancellation":{"reason":")") + written + "\"}}", request);
  REQUIRE(parsed.ok());
  CHECK(request.order_cancellation().reason() == v1::CANCELLATION_REASON_CUSTOMER_REQUEST);
}

TEST_CASE("Enum values in short stand in repeated messages too, and numbers for themselves") {
  v1::CaptureEventRequest request;
  REQUIRE(
      ParseJson(R"({"stagingBinClear":{"clear_reason":2,"lines":[{"disposition":"non-sellable"}]}})", request)
          .ok());
  CHECK(request.staging_bin_clear().clear_reason() == v1::CLEAR_REASON_PICKED_UP);
  CHECK(request.staging_bin_clear().lines(0).disposition() == v1::DISPOSITION_NON_SELLABLE);
}

TEST_CASE("What no message of ours can hold is refused, however deep or large") {
  CHECK_THAT(Problem(R"({"operator_id":)" + std::string(500'000, '[')),
             Catch::StartsWith("the input nests too deep"));
  CHECK_THAT(Problem(R"({"operator_id":1e999})"),
             Catch::StartsWith("the input has a number that is too large"));
  v1::CaptureEventRequest request;
  CHECK(ParseJson(R"({"operator_id":"[[[[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})", request).ok());
}

TEST_CASE("What is wrong is named with its path and the remedy") {
  CHECK(Problem(R"({"order_cancelation":{}})") ==
        "order_cancelation is no field of CaptureEventRequest; did you mean order_cancellation?");
  CHECK(Problem(R"({"order_cancellation":{"lines":[{},{"skuu":"1"}]}})") ==
        "order_cancellation.lines[1].skuu is no field of CancelledLine; did you mean sku?");
  CHECK(Problem(R"({"order_cancellation":{"scope":"some"}})") ==
        "order_cancellation.scope is \"some\"; use one of WHOLE_ORDER, LINES");
  CHECK(Problem(R"({"occur_time":"yesterday"})") ==
        "occur_time is \"yesterday\", which is no time; write it as \"2026-05-04T14:02:00+02:00\"");
  CHECK(Problem(R"({"order_cancellation":{"lines":{}}})") ==
        "order_cancellation.lines is no JSON array; write [ ... ]");
  CHECK_THAT(Problem(R"({"order_cancellation":7})"),
             Catch::StartsWith("order_cancellation is no JSON object"));
  CHECK_THAT(Problem("[]"), Catch::StartsWith("the document is no JSON object"));
  CHECK_THAT(Problem("{\"operator_id\": "), Catch::StartsWith("the input is no valid JSON at byte 17"));
  CHECK_THAT(Problem("{\"operator_id\": \"caf\xE9\"}"),
             Catch::StartsWith("the input is no valid JSON at byte"));
  CHECK_THAT(Problem(R"({"order_cancellation":{"lines":[{"quantity":"2x"}]}})"), Catch::Contains("quantity"));
  CHECK_THAT(Problem(R"({"operator_id":{}})"), Catch::Contains("operator_id"));
}

TEST_CASE("Both bodies at once are refused") {
  CHECK_THAT(Problem(R"({"order_cancellation":{},"staging_bin_clear":{}})"), Catch::Contains("body"));
}

}  // namespace
}  // namespace tillwire
