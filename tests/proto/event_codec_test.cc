#include "proto/event_codec.h"

#include <catch2/catch.hpp>

#include "tillwire/v1/capture.pb.h"
#include "tillwire/v1/event.pb.h"

namespace tillwire {
namespace {

CaptureRequest MakeRequest() {
  CaptureRequest request;
  request.idempotency_key = "pos-3-0815";
  request.operator_id = "117";
  request.approver_operator_id = "9";
  request.occur_time = FromMicros(1'780'000'000'000'001);
  request.business_day_date = "2026-05-04";
  request.transaction_sequence_number = "4711";
  request.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  request.source = EventSource::kCli;
  return request;
}

Event MakeCancellation() {
  OrderCancellation body;
  body.order_id = "100023";
  body.fulfillment_order_id = "F-1";
  body.external_order_ids = {{"storefront", "GB-1"}, {"marketplace", "M-9"}, {"erp", "77"}};
  body.scope = CancellationScope::kLines;
  body.lines = {{"1", "4711", "4006381333931", 2, "R-1"}, {"2", "4712", "", 1, ""}};
  body.initiator = CancellationInitiator::kCustomer;
  body.reason = CancellationReason::kOther;
  body.retailer_reason_code = "C7";
  body.note = "caf\xC3\xA9";
  body.prior_state = FulfillmentState::kReadyForPickup;
  body.release_policy = ReleasePolicy::kOnPutBack;
  body.staging_location_ids = {"A-07", "A-08"};
  Event event;
  event.event_id = "01980000-0000-7000-8000-000000000001";
  event.store_id = "0042";
  event.terminal_id = "till-3";
  event.captured = {FromMicros(1'780'000'000'123'456), BootTime(987'654'321), true};
  event.boot_id = "boot";
  event.request = MakeRequest();
  event.request.body = body;
  return event;
}

Event MakeBinClear() {
  StagingBinClear body;
  body.staging_location_id = "A-07";
  body.container_ids = {"tote-1"};
  body.order_id = "100023";
  body.fulfillment_order_id = "F-1";
  body.cancellation_event_id = "01980000-0000-7000-8000-000000000001";
  body.clear_reason = ClearReason::kAuditCorrection;
  body.lines = {{"1", "4711", "4006381333931", 2, 1, GoodsDisposition::kMissing, "SALES-FLOOR"}};
  body.bin_empty_confirmed = true;
  Event event = MakeCancellation();
  event.request.body = body;
  return event;
}

std::size_t LinesIn(const std::monostate&) {
  return 0;
}
template <typename Body>
std::size_t LinesIn(const Body& body) {
  return body.lines.size();
}

// An event's text, since the structs have no comparison: two events are equal if all fields print alike.
std::string Text(const std::string& bytes) {
  v1::StoreEvent wire;
  REQUIRE(wire.ParseFromString(bytes));
  return wire.DebugString();
}

TEST_CASE("An event comes back as it went, every field") {
  const Event event = GENERATE(MakeCancellation(), MakeBinClear());
  const std::string bytes = EncodeEvent(event);
  const auto decoded = DecodeEvent(bytes);
  REQUIRE(decoded.ok());
  CHECK(EncodeEvent(*decoded) == bytes);
  CHECK(decoded->event_id == event.event_id);
  CHECK(decoded->store_id == event.store_id);
  CHECK(decoded->terminal_id == event.terminal_id);
  CHECK(decoded->captured.wall == event.captured.wall);
  CHECK(decoded->captured.boot == event.captured.boot);
  CHECK(decoded->captured.synchronized);
  CHECK(decoded->request.occur_time == event.request.occur_time);
  CHECK(decoded->request.body.index() == event.request.body.index());
}

TEST_CASE("No field of the contract is left out") {
  for (const Event& event : {MakeCancellation(), MakeBinClear()}) {
    v1::StoreEvent wire;
    REQUIRE(wire.ParseFromString(EncodeEvent(event)));
    const auto all_set = [](const google::protobuf::Message& message) {
      std::vector<const google::protobuf::FieldDescriptor*> set;
      message.GetReflection()->ListFields(message, &set);
      return set.size();
    };
    CHECK(all_set(wire) ==
          static_cast<std::size_t>(wire.GetDescriptor()->field_count()) - 1);  // one of two bodies
    const auto& body = wire.has_order_cancellation()
                           ? static_cast<const google::protobuf::Message&>(wire.order_cancellation())
                           : wire.staging_bin_clear();
    CHECK(all_set(body) == static_cast<std::size_t>(body.GetDescriptor()->field_count()));
    const auto& line = wire.has_order_cancellation()
                           ? static_cast<const google::protobuf::Message&>(wire.order_cancellation().lines(0))
                           : wire.staging_bin_clear().lines(0);
    CHECK(all_set(line) == static_cast<std::size_t>(line.GetDescriptor()->field_count()));
  }
}

TEST_CASE("Encoding is the same every time, maps included") {
  const std::string first = EncodeEvent(MakeCancellation());
  for (int i = 0; i < 20; ++i) CHECK(EncodeEvent(MakeCancellation()) == first);
  const std::string text = Text(first);
  CHECK(text.find("\"erp\"") < text.find("\"marketplace\""));
  CHECK(text.find("\"marketplace\"") < text.find("\"storefront\""));
}

TEST_CASE("A number outside its enum survives, so that it can be named") {
  v1::CaptureEventRequest wire;
  EncodeCaptureRequest(MakeCancellation().request, wire);
  wire.mutable_order_cancellation()->set_reason(static_cast<v1::CancellationReason>(99));
  const auto request = DecodeCaptureRequest(wire);
  REQUIRE(request.ok());
  CHECK(static_cast<int>(std::get<OrderCancellation>(request->body).reason) == 99);
}

TEST_CASE("A capture request comes back as it went") {
  v1::CaptureEventRequest wire;
  EncodeCaptureRequest(MakeBinClear().request, wire);
  const auto request = DecodeCaptureRequest(wire);
  REQUIRE(request.ok());
  v1::CaptureEventRequest again;
  EncodeCaptureRequest(*request, again);
  CHECK(again.SerializeAsString() == wire.SerializeAsString());
}

TEST_CASE("An event's outline says what decides about it") {
  const Event event = GENERATE(MakeCancellation(), MakeBinClear());
  const auto outline = DecodeEventOutline(EncodeEvent(event));
  REQUIRE(outline.ok());
  CHECK(outline->event_id == event.event_id);
  CHECK(outline->store_id == event.store_id);
  CHECK(outline->terminal_id == event.terminal_id);
  CHECK(outline->has_body);
  CHECK(outline->lines == std::visit([](const auto& body) { return LinesIn(body); }, event.request.body));

  const auto bare = DecodeEventOutline(v1::StoreEvent().SerializeAsString());
  REQUIRE(bare.ok());
  CHECK_FALSE(bare->has_body);
}

TEST_CASE("Bytes that are no event are refused, with the field where it is known") {
  // By both, for the same reason.
  const auto refusal = [](const std::string& bytes) {
    const auto whole = DecodeEvent(bytes);
    const auto outline = DecodeEventOutline(bytes);
    REQUIRE_FALSE(whole.ok());
    REQUIRE_FALSE(outline.ok());
    CHECK(whole.error().message == outline.error().message);
    return whole.error().message;
  };
  CHECK(refusal("\xFF\xFF") == "the bytes are no StoreEvent");
  v1::StoreEvent wire;
  wire.mutable_order_cancellation()->set_note("caf\xE9");
  CHECK(refusal(wire.SerializePartialAsString()) == "order_cancellation.note is not valid UTF-8");

  v1::StoreEvent bad_time;
  bad_time.mutable_occur_time()->set_nanos(-1);
  CHECK_THAT(refusal(bad_time.SerializeAsString()), Catch::StartsWith("occur_time is outside"));
  v1::StoreEvent bad_capture_time;
  bad_capture_time.mutable_capture_time()->set_nanos(-1);
  CHECK_THAT(refusal(bad_capture_time.SerializeAsString()), Catch::StartsWith("capture_time is outside"));
}

TEST_CASE("The content hash covers the action, not how a repeat of it came") {
  v1::CaptureEventRequest wire;
  EncodeCaptureRequest(MakeCancellation().request, wire);
  const Hash hash = CaptureContentHash(wire);
  v1::CaptureEventRequest other_key = wire;
  other_key.set_idempotency_key("another");
  CHECK(CaptureContentHash(other_key) == hash);
  v1::CaptureEventRequest other_span = wire;
  other_span.set_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01");
  CHECK(CaptureContentHash(other_span) == hash);
  v1::CaptureEventRequest other_way = wire;
  other_way.set_source(v1::EVENT_SOURCE_SPOOL);
  CHECK(CaptureContentHash(other_way) == hash);
  v1::CaptureEventRequest other_file = wire;
  other_file.set_event_id("01980000-0000-7000-8000-000000000001");
  other_file.mutable_record_time()->set_seconds(1);
  CHECK(CaptureContentHash(other_file) == hash);
  v1::CaptureEventRequest other_operator = wire;
  other_operator.set_operator_id("118");
  CHECK(CaptureContentHash(other_operator) != hash);
  v1::CaptureEventRequest other_content = wire;
  other_content.mutable_order_cancellation()->mutable_lines(0)->set_quantity(3);
  CHECK(CaptureContentHash(other_content) != hash);
}

}  // namespace
}  // namespace tillwire
