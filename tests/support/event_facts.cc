#include "tests/support/event_facts.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "tillwire/v1/capture.pb.h"
#include "tillwire/v1/event.pb.h"

namespace tillwire {
namespace {

std::string SerializeInFixedOrder(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

WallTime ToWallTime(const google::protobuf::Timestamp& timestamp) {
  return FromMicros(timestamp.seconds() * 1'000'000 + timestamp.nanos() / 1'000);
}

// The other way round than the agent: from the event to the request that it records.
v1::CaptureEventRequest RequestOf(const v1::StoreEvent& event) {
  v1::CaptureEventRequest request;
  request.set_idempotency_key(event.idempotency_key());
  request.set_operator_id(event.operator_id());
  request.set_approver_operator_id(event.approver_operator_id());
  *request.mutable_occur_time() = event.occur_time();
  request.set_business_day_date(event.business_day_date());
  request.set_transaction_sequence_number(event.transaction_sequence_number());
  request.set_traceparent(event.traceparent());
  request.set_source(event.source());
  if (event.has_order_cancellation()) {
    *request.mutable_order_cancellation() = event.order_cancellation();
  } else if (event.has_staging_bin_clear()) {
    *request.mutable_staging_bin_clear() = event.staging_bin_clear();
  }
  return request;
}

}  // namespace

Hash RequestDigest(const v1::CaptureEventRequest& request) {
  v1::CaptureEventRequest normal = request;
  if (normal.source() == v1::EVENT_SOURCE_UNSPECIFIED) {
    normal.set_source(v1::EVENT_SOURCE_GRPC);
  }
  return Sha256(SerializeInFixedOrder(normal));
}

std::string MakeEvent(const v1::CaptureEventRequest& request, const std::string& event_id,
                      WallTime capture_time) {
  v1::StoreEvent event;
  event.set_event_id(event_id);
  event.set_store_id("0042");
  event.set_terminal_id("till-3");
  event.set_operator_id(request.operator_id());
  event.set_approver_operator_id(request.approver_operator_id());
  event.mutable_capture_time()->set_seconds(ToMicros(capture_time) / 1'000'000);
  event.mutable_capture_time()->set_nanos(static_cast<int>(ToMicros(capture_time) % 1'000'000) * 1'000);
  *event.mutable_occur_time() = request.has_occur_time() ? request.occur_time() : event.capture_time();
  event.set_business_day_date(request.business_day_date());
  event.set_transaction_sequence_number(request.transaction_sequence_number());
  event.set_idempotency_key(request.idempotency_key());
  event.set_traceparent(request.traceparent());
  event.set_source(request.source() == v1::EVENT_SOURCE_UNSPECIFIED ? v1::EVENT_SOURCE_GRPC
                                                                    : request.source());
  if (request.has_order_cancellation()) {
    *event.mutable_order_cancellation() = request.order_cancellation();
  } else if (request.has_staging_bin_clear()) {
    *event.mutable_staging_bin_clear() = request.staging_bin_clear();
  }
  return event.SerializeAsString();
}

std::optional<EventFacts> ReadEventFacts(std::string_view event) {
  v1::StoreEvent decoded;
  if (!decoded.ParseFromArray(event.data(), static_cast<int>(event.size()))) {
    return std::nullopt;
  }
  EventFacts facts;
  facts.event_id = decoded.event_id();
  facts.idempotency_key = decoded.idempotency_key();
  facts.capture_time = ToWallTime(decoded.capture_time());
  v1::CaptureEventRequest request = RequestOf(decoded);
  facts.request_digest = RequestDigest(request);
  if (ToWallTime(decoded.occur_time()) == facts.capture_time) {
    request.clear_occur_time();
    facts.request_digest_without_time = RequestDigest(request);
  }
  return facts;
}

}  // namespace tillwire
