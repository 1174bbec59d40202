// A StoreEvent in our own words. The meaning of each field is in proto/tillwire/v1/event.proto; the enums
// have the same numbers. A number outside an enum survives decoding, so that validation can name it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/clock.h"

namespace tillwire {

enum class EventSource { kUnspecified, kGrpc, kHttp, kCli, kSpool };
enum class CancellationScope { kUnspecified, kWholeOrder, kLines };
enum class CancellationInitiator { kUnspecified, kCustomer, kAssociate, kSystem };
enum class CancellationReason {
  kUnspecified,
  kCustomerRequest,
  kCustomerNoShow,
  kCustomerRejected,
  kHoldExpired,
  kInventoryNotFound,
  kDamaged,
  kPaymentDeclined,
  kFraud,
  kStaffError,
  kOther,
};
enum class FulfillmentState { kUnspecified, kOpen, kPicking, kStaged, kReadyForPickup };
enum class ReleasePolicy { kUnspecified, kOnCancel, kOnPutBack, kNone };
enum class ClearReason {
  kUnspecified,
  kOrderCancelled,
  kPickedUp,
  kHoldExpired,
  kRelocated,
  kAuditCorrection
};
enum class GoodsDisposition { kUnspecified, kSellable, kDamaged, kNonSellable, kQuarantine, kMissing };

struct CancelledLine {
  std::string line_id;
  std::string sku;
  std::string gtin;
  std::int32_t quantity = 0;
  std::string reservation_id;
};

struct OrderCancellation {
  std::string order_id;
  std::string fulfillment_order_id;
  std::map<std::string, std::string> external_order_ids;
  CancellationScope scope = CancellationScope::kUnspecified;
  std::vector<CancelledLine> lines;
  CancellationInitiator initiator = CancellationInitiator::kUnspecified;
  CancellationReason reason = CancellationReason::kUnspecified;
  std::string retailer_reason_code;
  std::string note;
  FulfillmentState prior_state = FulfillmentState::kUnspecified;
  ReleasePolicy release_policy = ReleasePolicy::kUnspecified;
  std::vector<std::string> staging_location_ids;
};

struct ClearedLine {
  std::string line_id;
  std::string sku;
  std::string gtin;
  std::int32_t expected_quantity = 0;
  std::int32_t counted_quantity = 0;
  GoodsDisposition disposition = GoodsDisposition::kUnspecified;
  std::string destination_location_id;
};

struct StagingBinClear {
  std::string staging_location_id;
  std::vector<std::string> container_ids;
  std::string order_id;
  std::string fulfillment_order_id;
  std::string cancellation_event_id;
  ClearReason clear_reason = ClearReason::kUnspecified;
  std::vector<ClearedLine> lines;
  bool bin_empty_confirmed = false;
};

using EventBody = std::variant<std::monostate, OrderCancellation, StagingBinClear>;

// What the caller of a capture supplies.
struct CaptureRequest {
  std::string idempotency_key;
  std::string operator_id;
  std::string approver_operator_id;
  std::optional<WallTime> occur_time;
  std::string business_day_date;
  std::string transaction_sequence_number;
  std::string traceparent;
  EventSource source = EventSource::kUnspecified;
  std::string event_id;                 // in a spool file only
  std::optional<WallTime> record_time;  // likewise
  EventBody body;
};

// What the agent adds.
struct Event {
  std::string event_id;
  std::string store_id;
  std::string terminal_id;
  ClockSample captured;
  std::string boot_id;
  CaptureRequest request;
};

}  // namespace tillwire
