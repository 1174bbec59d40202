#include "core/validation.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/card_number.h"
#include "core/limits.h"
#include "core/uuid.h"

namespace tillwire {
namespace {

bool IsDigit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool IsControl(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte < 0x20 || byte == 0x7F;
}

// Nothing but ASCII white space, which LaneOf() would trim away.
bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

// YYYY-MM-DD of a day that exists.
bool IsDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = -1;
    const auto part = text.substr(at, length);
    return std::all_of(part.begin(), part.end(), IsDigit) &&
                   std::from_chars(part.data(), part.data() + part.size(), value).ec == std::errc()
               ? value
               : -1;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  if (year < 0 || month < 0 || day < 0) return false;
  return std::chrono::year_month_day(std::chrono::year(year),
                                     std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day)))
      .ok();
}

// The numbers of an enum and the names for a hint. Numbers are contiguous from 0, which is "unspecified".
struct EnumRule {
  const char* type;
  int last;
  const char* names;
};

template <typename Enum>
constexpr EnumRule Rule(const char* type, Enum last, const char* names) {
  return {type, static_cast<int>(last), names};
}

constexpr EnumRule kScopes = Rule("CancellationScope", CancellationScope::kLines, "WHOLE_ORDER or LINES");
constexpr EnumRule kInitiators =
    Rule("CancellationInitiator", CancellationInitiator::kSystem, "CUSTOMER, ASSOCIATE or SYSTEM");
constexpr EnumRule kReasons =
    Rule("CancellationReason", CancellationReason::kOther,
         "CUSTOMER_REQUEST, CUSTOMER_NO_SHOW, CUSTOMER_REJECTED, HOLD_EXPIRED, INVENTORY_NOT_FOUND, DAMAGED, "
         "PAYMENT_DECLINED, FRAUD, STAFF_ERROR or OTHER");
constexpr EnumRule kStates = Rule("FulfillmentState", FulfillmentState::kReadyForPickup,
                                  "OPEN, PICKING, STAGED or READY_FOR_PICKUP, or leave it out");
constexpr EnumRule kPolicies = Rule("ReleasePolicy", ReleasePolicy::kNone, "ON_CANCEL, ON_PUT_BACK or NONE");
constexpr EnumRule kClearReasons =
    Rule("ClearReason", ClearReason::kAuditCorrection,
         "ORDER_CANCELLED, PICKED_UP, HOLD_EXPIRED, RELOCATED or AUDIT_CORRECTION");
constexpr EnumRule kDispositions =
    Rule("Disposition", GoodsDisposition::kMissing, "SELLABLE, DAMAGED, NON_SELLABLE, QUARANTINE or MISSING");

// Checks field by field and keeps the first fault. A path is put together only for a fault.
class Validator {
 public:
  void Check(const CaptureRequest& request) {
    Id("", "idempotency_key", request.idempotency_key);
    RequiredId("", "operator_id", request.operator_id, "name the associate who acted");
    Id("", "approver_operator_id", request.approver_operator_id);
    Id("", "transaction_sequence_number", request.transaction_sequence_number);
    const auto& date = request.business_day_date;
    if (!date.empty() && !IsDate(date)) Fail("", "business_day_date", "is no date", "give YYYY-MM-DD");
    if (!request.traceparent.empty() && !IsTraceparent(request.traceparent)) {
      Fail("", "traceparent", "is no W3C Trace Context header",
           "pass the caller's header as it is, or leave it out");
    }
    Source(request.source);
    if (const auto* cancellation = std::get_if<OrderCancellation>(&request.body)) {
      Check(*cancellation);
    } else if (const auto* clear = std::get_if<StagingBinClear>(&request.body)) {
      Check(*clear);
    } else {
      Fail("", "body", "is missing", "give order_cancellation or staging_bin_clear");
    }
  }

  void CheckDecision(const std::string& operator_id, const std::string& reason) {
    RequiredId("", "operator_id", operator_id, "name who decides so");
    if (IsBlank(reason)) Fail("", "reason", "is required", "say why, for those who look at it later");
    Size("", "reason", reason, kMaxReasonBytes);
    if (std::any_of(reason.begin(), reason.end(), IsControl)) {
      Fail("", "reason", "has a control character", "remove it");
    }
    NoCardNumber("", "reason", reason);
  }

  [[nodiscard]] Result<void> Outcome() const {
    if (error_) return *error_;
    return {};
  }

 private:
  void Check(const OrderCancellation& body) {
    const std::string at = "order_cancellation.";
    Id(at, "order_id", body.order_id);
    Id(at, "fulfillment_order_id", body.fulfillment_order_id);
    if (IsBlank(body.order_id) && IsBlank(body.fulfillment_order_id)) {
      Fail(at, "order_id", "is required where there is no fulfillment_order_id",
           "name the order that was cancelled");
    }
    ExternalIds(at, body);
    KnownEnum(at, "scope", static_cast<int>(body.scope), kScopes, true);
    if (body.scope == CancellationScope::kLines && body.lines.empty()) {
      Fail(at, "lines", "is empty, but scope is LINES", "give the cancelled lines, or scope WHOLE_ORDER");
    }
    ListSize(at, "lines", body.lines.size(), kMaxLines);
    for (std::size_t i = 0; i < body.lines.size() && !error_; ++i) {
      Check(at + "lines[" + std::to_string(i) + "].", body.lines[i]);
    }
    KnownEnum(at, "initiator", static_cast<int>(body.initiator), kInitiators, true);
    KnownEnum(at, "reason", static_cast<int>(body.reason), kReasons, true);
    Id(at, "retailer_reason_code", body.retailer_reason_code);
    NoCardNumber(at, "retailer_reason_code", body.retailer_reason_code);
    Size(at, "note", body.note, kMaxNoteBytes);
    NoCardNumber(at, "note", body.note);
    KnownEnum(at, "prior_state", static_cast<int>(body.prior_state), kStates, false);
    KnownEnum(at, "release_policy", static_cast<int>(body.release_policy), kPolicies, true);
    Ids(at, "staging_location_ids", body.staging_location_ids);
  }

  void Check(const std::string& at, const CancelledLine& line) {
    Article(at, line);
    if (line.quantity < 1) {
      Fail(at, "quantity", "is " + std::to_string(line.quantity), "give a quantity of at least 1");
    }
    Id(at, "reservation_id", line.reservation_id);
  }

  void Check(const StagingBinClear& body) {
    const std::string at = "staging_bin_clear.";
    RequiredId(at, "staging_location_id", body.staging_location_id, "name the bin that was cleared");
    Ids(at, "container_ids", body.container_ids);
    Id(at, "order_id", body.order_id);
    Id(at, "fulfillment_order_id", body.fulfillment_order_id);
    if (!body.cancellation_event_id.empty() && !Uuid::Parse(body.cancellation_event_id)) {
      Fail(at, "cancellation_event_id", "is no UUID",
           "give the event_id that the cancellation's capture returned");
    }
    KnownEnum(at, "clear_reason", static_cast<int>(body.clear_reason), kClearReasons, true);
    ListSize(at, "lines", body.lines.size(), kMaxLines);
    for (std::size_t i = 0; i < body.lines.size() && !error_; ++i) {
      Check(at + "lines[" + std::to_string(i) + "].", body.lines[i]);
    }
  }

  void Check(const std::string& at, const ClearedLine& line) {
    Article(at, line);
    Counted(at, "expected_quantity", line.expected_quantity);
    Counted(at, "counted_quantity", line.counted_quantity);
    if (line.expected_quantity == 0 && line.counted_quantity == 0) {
      Fail(at, "counted_quantity", "is 0, and so is expected_quantity", "give at least 1 in one of them");
    }
    KnownEnum(at, "disposition", static_cast<int>(line.disposition), kDispositions, true);
    Id(at, "destination_location_id", line.destination_location_id);
  }

  template <typename Line>
  void Article(const std::string& at, const Line& line) {
    Id(at, "line_id", line.line_id);
    Id(at, "sku", line.sku);
    Id(at, "gtin", line.gtin);
    if (IsBlank(line.line_id) && IsBlank(line.sku) && IsBlank(line.gtin)) {
      Fail(at, "line_id", "is missing, and so are sku and gtin", "give at least one of them");
    }
    const bool right = line.gtin.empty() || (line.gtin.size() >= 8 && line.gtin.size() <= 14 &&
                                             std::all_of(line.gtin.begin(), line.gtin.end(), IsDigit));
    if (!right) Fail(at, "gtin", "is \"" + line.gtin + "\"", "give 8 to 14 digits");
  }

  void Counted(const std::string& at, const char* field, std::int32_t quantity) {
    if (quantity < 0) Fail(at, field, "is " + std::to_string(quantity), "give a quantity of at least 0");
  }

  void ExternalIds(const std::string& at, const OrderCancellation& body) {
    constexpr const char* kField = "external_order_ids";
    ListSize(at, kField, body.external_order_ids.size(), kMaxListEntries);
    for (const auto& [system, id] : body.external_order_ids) {
      if (error_) return;
      if (IsBlank(system)) Fail(at, kField, "has an empty key", "name the system of the id");
      Id(at, "external_order_ids key", system);
      const std::string field = std::string(kField) + "[\"" + system + "\"]";
      Id(at, field.c_str(), id);
      NoCardNumber(at, field.c_str(), id);
    }
  }

  // Over the socket a caller may say that it is the command line; the other ways in are the agent's to set.
  void Source(EventSource source) {
    switch (source) {
      case EventSource::kUnspecified:
      case EventSource::kGrpc:
      case EventSource::kCli:
        return;
      case EventSource::kHttp:
      case EventSource::kSpool:
        return Fail("", "source", "is the agent's to set to that value", "leave it out");
    }
    Fail("", "source", "is " + std::to_string(static_cast<int>(source)) + ", which is no EventSource",
         "leave it out");
  }

  void RequiredId(const std::string& at, const char* field, const std::string& id, const char* remedy) {
    if (IsBlank(id)) Fail(at, field, "is required", remedy);
    Id(at, field, id);
  }

  void Id(const std::string& at, const char* field, const std::string& id) {
    Size(at, field, id, kMaxIdBytes);
    if (std::any_of(id.begin(), id.end(), IsControl)) {
      Fail(at, field, "has a control character", "remove it");
    }
  }

  void Ids(const std::string& at, const char* field, const std::vector<std::string>& ids) {
    ListSize(at, field, ids.size(), kMaxListEntries);
    for (std::size_t i = 0; i < ids.size() && !error_; ++i) {
      const std::string element = std::string(field) + "[" + std::to_string(i) + "]";
      RequiredId(at, element.c_str(), ids[i], "give an id, or leave the element out");
    }
  }

  void Size(const std::string& at, const char* field, const std::string& text, std::size_t most) {
    if (text.size() > most) {
      Fail(at, field, "has " + std::to_string(text.size()) + " bytes",
           "give at most " + std::to_string(most));
    }
  }

  void ListSize(const std::string& at, const char* field, std::size_t size, std::size_t most) {
    if (size > most) {
      Fail(at, field, "has " + std::to_string(size) + " elements", "give at most " + std::to_string(most));
    }
  }

  void KnownEnum(const std::string& at, const char* field, int number, const EnumRule& rule, bool required) {
    const std::string remedy = std::string("give ") + rule.names;
    if (number == 0 && required) Fail(at, field, "is required", remedy);
    if (number < 0 || number > rule.last) {
      Fail(at, field, "is " + std::to_string(number) + ", which is no " + rule.type, remedy);
    }
  }

  void NoCardNumber(const std::string& at, const char* field, const std::string& text) {
    if (HoldsCardNumber(text)) {
      Fail(at, field, "holds what looks like a payment card number",
           "remove it: card data is never accepted");
    }
  }

  void Fail(const std::string& at, const char* field, const std::string& what, const std::string& remedy) {
    if (!error_) error_ = Error{ErrorCode::kInvalidArgument, at + field + " " + what, remedy};
  }

  std::optional<Error> error_;
};

}  // namespace

bool IsTraceparent(std::string_view text) {
  constexpr std::size_t kLength = 55;
  if (text.size() < kLength) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    const bool dash = i == 2 || i == 35 || i == 52;
    const bool hex = IsDigit(text[i]) || (text[i] >= 'a' && text[i] <= 'f');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  const auto version = text.substr(0, 2);
  const bool all_zero = text.substr(3, 32).find_first_not_of('0') == std::string_view::npos ||
                        text.substr(36, 16).find_first_not_of('0') == std::string_view::npos;
  if (version == "ff" || all_zero) return false;
  return text.size() == kLength || (version != "00" && text[kLength] == '-');
}

Result<void> ValidateCapture(const CaptureRequest& request) {
  Validator validator;
  validator.Check(request);
  return validator.Outcome();
}

Result<void> ValidateDecision(const std::string& operator_id, const std::string& reason) {
  Validator validator;
  validator.CheckDecision(operator_id, reason);
  return validator.Outcome();
}

Result<void> CheckEventSize(std::size_t bytes) {
  if (bytes <= kMaxEventBytes) return {};
  return Error{ErrorCode::kInvalidArgument, "the event has " + std::to_string(bytes) + " bytes",
               "an event may have " + std::to_string(kMaxEventBytes) +
                   "; leave out what the centre does not need, or split it by lines"};
}

}  // namespace tillwire
