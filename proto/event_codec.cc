#include "proto/event_codec.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "proto/time_codec.h"
#include "proto/utf8_check.h"
#include "tillwire/v1/capture.pb.h"
#include "tillwire/v1/event.pb.h"

namespace tillwire {
namespace {

#define TILLWIRE_SAME_NUMBER(ours, theirs) static_assert(static_cast<int>(ours) == static_cast<int>(theirs))
TILLWIRE_SAME_NUMBER(EventSource::kUnspecified, v1::EVENT_SOURCE_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(EventSource::kGrpc, v1::EVENT_SOURCE_GRPC);
TILLWIRE_SAME_NUMBER(EventSource::kHttp, v1::EVENT_SOURCE_HTTP);
TILLWIRE_SAME_NUMBER(EventSource::kCli, v1::EVENT_SOURCE_CLI);
TILLWIRE_SAME_NUMBER(EventSource::kSpool, v1::EVENT_SOURCE_SPOOL);
TILLWIRE_SAME_NUMBER(CancellationScope::kUnspecified, v1::CANCELLATION_SCOPE_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(CancellationScope::kWholeOrder, v1::CANCELLATION_SCOPE_WHOLE_ORDER);
TILLWIRE_SAME_NUMBER(CancellationScope::kLines, v1::CANCELLATION_SCOPE_LINES);
TILLWIRE_SAME_NUMBER(CancellationInitiator::kUnspecified, v1::CANCELLATION_INITIATOR_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(CancellationInitiator::kCustomer, v1::CANCELLATION_INITIATOR_CUSTOMER);
TILLWIRE_SAME_NUMBER(CancellationInitiator::kAssociate, v1::CANCELLATION_INITIATOR_ASSOCIATE);
TILLWIRE_SAME_NUMBER(CancellationInitiator::kSystem, v1::CANCELLATION_INITIATOR_SYSTEM);
TILLWIRE_SAME_NUMBER(CancellationReason::kUnspecified, v1::CANCELLATION_REASON_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(CancellationReason::kCustomerRequest, v1::CANCELLATION_REASON_CUSTOMER_REQUEST);
TILLWIRE_SAME_NUMBER(CancellationReason::kCustomerNoShow, v1::CANCELLATION_REASON_CUSTOMER_NO_SHOW);
TILLWIRE_SAME_NUMBER(CancellationReason::kCustomerRejected, v1::CANCELLATION_REASON_CUSTOMER_REJECTED);
TILLWIRE_SAME_NUMBER(CancellationReason::kHoldExpired, v1::CANCELLATION_REASON_HOLD_EXPIRED);
TILLWIRE_SAME_NUMBER(CancellationReason::kInventoryNotFound, v1::CANCELLATION_REASON_INVENTORY_NOT_FOUND);
TILLWIRE_SAME_NUMBER(CancellationReason::kDamaged, v1::CANCELLATION_REASON_DAMAGED);
TILLWIRE_SAME_NUMBER(CancellationReason::kPaymentDeclined, v1::CANCELLATION_REASON_PAYMENT_DECLINED);
TILLWIRE_SAME_NUMBER(CancellationReason::kFraud, v1::CANCELLATION_REASON_FRAUD);
TILLWIRE_SAME_NUMBER(CancellationReason::kStaffError, v1::CANCELLATION_REASON_STAFF_ERROR);
TILLWIRE_SAME_NUMBER(CancellationReason::kOther, v1::CANCELLATION_REASON_OTHER);
TILLWIRE_SAME_NUMBER(FulfillmentState::kUnspecified, v1::FULFILLMENT_STATE_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(FulfillmentState::kOpen, v1::FULFILLMENT_STATE_OPEN);
TILLWIRE_SAME_NUMBER(FulfillmentState::kPicking, v1::FULFILLMENT_STATE_PICKING);
TILLWIRE_SAME_NUMBER(FulfillmentState::kStaged, v1::FULFILLMENT_STATE_STAGED);
TILLWIRE_SAME_NUMBER(FulfillmentState::kReadyForPickup, v1::FULFILLMENT_STATE_READY_FOR_PICKUP);
TILLWIRE_SAME_NUMBER(ReleasePolicy::kUnspecified, v1::RELEASE_POLICY_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(ReleasePolicy::kOnCancel, v1::RELEASE_POLICY_ON_CANCEL);
TILLWIRE_SAME_NUMBER(ReleasePolicy::kOnPutBack, v1::RELEASE_POLICY_ON_PUT_BACK);
TILLWIRE_SAME_NUMBER(ReleasePolicy::kNone, v1::RELEASE_POLICY_NONE);
TILLWIRE_SAME_NUMBER(ClearReason::kUnspecified, v1::CLEAR_REASON_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(ClearReason::kOrderCancelled, v1::CLEAR_REASON_ORDER_CANCELLED);
TILLWIRE_SAME_NUMBER(ClearReason::kPickedUp, v1::CLEAR_REASON_PICKED_UP);
TILLWIRE_SAME_NUMBER(ClearReason::kHoldExpired, v1::CLEAR_REASON_HOLD_EXPIRED);
TILLWIRE_SAME_NUMBER(ClearReason::kRelocated, v1::CLEAR_REASON_RELOCATED);
TILLWIRE_SAME_NUMBER(ClearReason::kAuditCorrection, v1::CLEAR_REASON_AUDIT_CORRECTION);
TILLWIRE_SAME_NUMBER(GoodsDisposition::kUnspecified, v1::DISPOSITION_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(GoodsDisposition::kSellable, v1::DISPOSITION_SELLABLE);
TILLWIRE_SAME_NUMBER(GoodsDisposition::kDamaged, v1::DISPOSITION_DAMAGED);
TILLWIRE_SAME_NUMBER(GoodsDisposition::kNonSellable, v1::DISPOSITION_NON_SELLABLE);
TILLWIRE_SAME_NUMBER(GoodsDisposition::kQuarantine, v1::DISPOSITION_QUARANTINE);
TILLWIRE_SAME_NUMBER(GoodsDisposition::kMissing, v1::DISPOSITION_MISSING);
#undef TILLWIRE_SAME_NUMBER

std::string SerializeDeterministically(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream out(&bytes);
  google::protobuf::io::CodedOutputStream coded(&out);
  coded.SetSerializationDeterministic(true);  // maps in the order of their keys
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

void Encode(const OrderCancellation& body, v1::OrderCancellation& wire) {
  wire.set_order_id(body.order_id);
  wire.set_fulfillment_order_id(body.fulfillment_order_id);
  wire.mutable_external_order_ids()->insert(body.external_order_ids.begin(), body.external_order_ids.end());
  wire.set_scope(static_cast<v1::CancellationScope>(body.scope));
  for (const auto& line : body.lines) {
    auto& out = *wire.add_lines();
    out.set_line_id(line.line_id);
    out.set_sku(line.sku);
    out.set_gtin(line.gtin);
    out.set_quantity(line.quantity);
    out.set_reservation_id(line.reservation_id);
  }
  wire.set_initiator(static_cast<v1::CancellationInitiator>(body.initiator));
  wire.set_reason(static_cast<v1::CancellationReason>(body.reason));
  wire.set_retailer_reason_code(body.retailer_reason_code);
  wire.set_note(body.note);
  wire.set_prior_state(static_cast<v1::FulfillmentState>(body.prior_state));
  wire.set_release_policy(static_cast<v1::ReleasePolicy>(body.release_policy));
  for (const auto& id : body.staging_location_ids) wire.add_staging_location_ids(id);
}

OrderCancellation Decode(const v1::OrderCancellation& wire) {
  OrderCancellation body;
  body.order_id = wire.order_id();
  body.fulfillment_order_id = wire.fulfillment_order_id();
  body.external_order_ids = {wire.external_order_ids().begin(), wire.external_order_ids().end()};
  body.scope = static_cast<CancellationScope>(wire.scope());
  body.lines.reserve(static_cast<std::size_t>(wire.lines_size()));
  for (const auto& line : wire.lines()) {
    body.lines.push_back({line.line_id(), line.sku(), line.gtin(), line.quantity(), line.reservation_id()});
  }
  body.initiator = static_cast<CancellationInitiator>(wire.initiator());
  body.reason = static_cast<CancellationReason>(wire.reason());
  body.retailer_reason_code = wire.retailer_reason_code();
  body.note = wire.note();
  body.prior_state = static_cast<FulfillmentState>(wire.prior_state());
  body.release_policy = static_cast<ReleasePolicy>(wire.release_policy());
  body.staging_location_ids = {wire.staging_location_ids().begin(), wire.staging_location_ids().end()};
  return body;
}

void Encode(const StagingBinClear& body, v1::StagingBinClear& wire) {
  wire.set_staging_location_id(body.staging_location_id);
  for (const auto& id : body.container_ids) wire.add_container_ids(id);
  wire.set_order_id(body.order_id);
  wire.set_fulfillment_order_id(body.fulfillment_order_id);
  wire.set_cancellation_event_id(body.cancellation_event_id);
  wire.set_clear_reason(static_cast<v1::ClearReason>(body.clear_reason));
  for (const auto& line : body.lines) {
    auto& out = *wire.add_lines();
    out.set_line_id(line.line_id);
    out.set_sku(line.sku);
    out.set_gtin(line.gtin);
    out.set_expected_quantity(line.expected_quantity);
    out.set_counted_quantity(line.counted_quantity);
    out.set_disposition(static_cast<v1::Disposition>(line.disposition));
    out.set_destination_location_id(line.destination_location_id);
  }
  wire.set_bin_empty_confirmed(body.bin_empty_confirmed);
}

StagingBinClear Decode(const v1::StagingBinClear& wire) {
  StagingBinClear body;
  body.staging_location_id = wire.staging_location_id();
  body.container_ids = {wire.container_ids().begin(), wire.container_ids().end()};
  body.order_id = wire.order_id();
  body.fulfillment_order_id = wire.fulfillment_order_id();
  body.cancellation_event_id = wire.cancellation_event_id();
  body.clear_reason = static_cast<ClearReason>(wire.clear_reason());
  body.lines.reserve(static_cast<std::size_t>(wire.lines_size()));
  for (const auto& line : wire.lines()) {
    body.lines.push_back({line.line_id(), line.sku(), line.gtin(), line.expected_quantity(),
                          line.counted_quantity(), static_cast<GoodsDisposition>(line.disposition()),
                          line.destination_location_id()});
  }
  body.bin_empty_confirmed = wire.bin_empty_confirmed();
  return body;
}

// What StoreEvent and CaptureEventRequest have in common, by the same names.
template <typename Wire>
void EncodeSupplied(const CaptureRequest& request, Wire& wire) {
  wire.set_idempotency_key(request.idempotency_key);
  wire.set_operator_id(request.operator_id);
  wire.set_approver_operator_id(request.approver_operator_id);
  if (request.occur_time) EncodeTime(*request.occur_time, *wire.mutable_occur_time());
  wire.set_business_day_date(request.business_day_date);
  wire.set_transaction_sequence_number(request.transaction_sequence_number);
  wire.set_traceparent(request.traceparent);
  wire.set_source(static_cast<v1::EventSource>(request.source));
  if (const auto* cancellation = std::get_if<OrderCancellation>(&request.body)) {
    Encode(*cancellation, *wire.mutable_order_cancellation());
  } else if (const auto* clear = std::get_if<StagingBinClear>(&request.body)) {
    Encode(*clear, *wire.mutable_staging_bin_clear());
  }
}

Error BadTime(const char* field) {
  return {ErrorCode::kInvalidArgument, std::string(field) + " is outside the years 1 to 9999",
          "give a time as in RFC 3339"};
}

template <typename Wire>
Result<CaptureRequest> DecodeSupplied(const Wire& wire) {
  CaptureRequest request;
  request.idempotency_key = wire.idempotency_key();
  request.operator_id = wire.operator_id();
  request.approver_operator_id = wire.approver_operator_id();
  if (wire.has_occur_time()) {
    request.occur_time = DecodeTime(wire.occur_time());
    if (!request.occur_time) return BadTime("occur_time");
  }
  request.business_day_date = wire.business_day_date();
  request.transaction_sequence_number = wire.transaction_sequence_number();
  request.traceparent = wire.traceparent();
  request.source = static_cast<EventSource>(wire.source());
  if (wire.has_order_cancellation()) {
    request.body = Decode(wire.order_cancellation());
  } else if (wire.has_staging_bin_clear()) {
    request.body = Decode(wire.staging_bin_clear());
  }
  return request;
}

Result<void> ParseEvent(std::string_view bytes, v1::StoreEvent& wire) {
  if (bytes.size() <= std::numeric_limits<int>::max() &&
      wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return {};
  }
  if (const auto field = FindInvalidUtf8(bytes, *v1::StoreEvent::descriptor())) {
    return Error{ErrorCode::kInvalidArgument, *field + " is not valid UTF-8", {}};
  }
  return Error{ErrorCode::kInvalidArgument, "the bytes are no StoreEvent", {}};
}

}  // namespace

std::string EncodeEvent(const Event& event) {
  v1::StoreEvent wire;
  wire.set_event_id(event.event_id);
  wire.set_store_id(event.store_id);
  wire.set_terminal_id(event.terminal_id);
  EncodeTime(event.captured.wall, *wire.mutable_capture_time());
  auto& clock = *wire.mutable_clock();
  clock.set_boot_id(event.boot_id);
  clock.set_boot_offset_us(event.captured.boot.count());
  clock.set_synchronized(event.captured.synchronized);
  EncodeSupplied(event.request, wire);
  return SerializeDeterministically(wire);
}

Result<Event> DecodeEvent(std::string_view bytes) {
  v1::StoreEvent wire;
  if (auto parsed = ParseEvent(bytes, wire); !parsed) return parsed.error();
  auto supplied = DecodeSupplied(wire);
  if (!supplied) return supplied.error();
  Event event;
  event.request = std::move(supplied).value();
  event.event_id = wire.event_id();
  event.store_id = wire.store_id();
  event.terminal_id = wire.terminal_id();
  const auto captured = DecodeTime(wire.capture_time());
  if (!captured) return BadTime("capture_time");
  event.captured = {*captured, BootTime(wire.clock().boot_offset_us()), wire.clock().synchronized()};
  event.boot_id = wire.clock().boot_id();
  return event;
}

Result<EventOutline> DecodeEventOutline(std::string_view bytes) {
  // The parts of a usual event fit into this block, and go with it.
  alignas(std::max_align_t) std::array<char, 8192> block;
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  google::protobuf::Arena arena(options);
  auto& wire = *google::protobuf::Arena::CreateMessage<v1::StoreEvent>(&arena);
  if (auto parsed = ParseEvent(bytes, wire); !parsed) return parsed.error();
  if (wire.has_occur_time() && !DecodeTime(wire.occur_time())) return BadTime("occur_time");
  if (!DecodeTime(wire.capture_time())) return BadTime("capture_time");
  EventOutline outline{wire.event_id(), wire.store_id(), wire.terminal_id(), false, 0};
  if (wire.has_order_cancellation()) {
    outline.has_body = true;
    outline.lines = static_cast<std::size_t>(wire.order_cancellation().lines_size());
  } else if (wire.has_staging_bin_clear()) {
    outline.has_body = true;
    outline.lines = static_cast<std::size_t>(wire.staging_bin_clear().lines_size());
  }
  return outline;
}

Result<Hash> ActionHash(std::string_view event) {
  v1::StoreEvent action;
  if (auto parsed = ParseEvent(event, action); !parsed) return parsed.error();
  action.clear_capture_time();
  action.clear_clock();
  action.clear_traceparent();
  action.clear_source();
  return Sha256(SerializeDeterministically(action));
}

Result<CaptureRequest> DecodeCaptureRequest(const v1::CaptureEventRequest& wire) {
  auto request = DecodeSupplied(wire);
  if (!request) return request;
  request->event_id = wire.event_id();
  if (wire.has_record_time()) {
    request->record_time = DecodeTime(wire.record_time());
    if (!request->record_time) return BadTime("record_time");
  }
  return request;
}

void EncodeCaptureRequest(const CaptureRequest& request, v1::CaptureEventRequest& wire) {
  wire.Clear();
  EncodeSupplied(request, wire);
  wire.set_event_id(request.event_id);
  if (request.record_time) EncodeTime(*request.record_time, *wire.mutable_record_time());
}

Hash CaptureContentHash(const v1::CaptureEventRequest& wire) {
  v1::CaptureEventRequest content = wire;
  content.clear_idempotency_key();
  content.clear_traceparent();
  content.clear_source();
  content.clear_event_id();
  content.clear_record_time();
  return Sha256(SerializeDeterministically(content));
}

}  // namespace tillwire
