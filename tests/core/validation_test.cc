#include "core/validation.h"

#include <catch2/catch.hpp>
#include <functional>

#include "core/limits.h"

namespace tillwire {
namespace {

const std::string kLongId(kMaxIdBytes + 1, 'x');

CaptureRequest Cancellation() {
  OrderCancellation body;
  body.order_id = "100023";
  body.scope = CancellationScope::kLines;
  body.lines = {{"1", "4711", "4006381333931", 2, ""}, {"", "4712", "", 1, ""}, {"3", "", "", 1, ""}};
  body.initiator = CancellationInitiator::kCustomer;
  body.reason = CancellationReason::kCustomerRequest;
  body.release_policy = ReleasePolicy::kOnPutBack;
  CaptureRequest request;
  request.operator_id = "117";
  request.body = body;
  return request;
}

CaptureRequest BinClear() {
  StagingBinClear body;
  body.staging_location_id = "A-07";
  body.clear_reason = ClearReason::kOrderCancelled;
  body.lines = {{"1", "4711", "", 2, 2, GoodsDisposition::kSellable, ""}};
  CaptureRequest request;
  request.operator_id = "117";
  request.body = body;
  return request;
}

OrderCancellation& CancellationIn(CaptureRequest& request) {
  return std::get<OrderCancellation>(request.body);
}
StagingBinClear& ClearIn(CaptureRequest& request) {
  return std::get<StagingBinClear>(request.body);
}

using Change = std::function<void(CaptureRequest&)>;

struct Case {
  const char* what;
  Change change;
  std::string expected;  // the error's text; empty if the request stays good
};

Change OnCancellation(const std::function<void(OrderCancellation&)>& change) {
  return [change](CaptureRequest& request) { change(CancellationIn(request)); };
}

Change OnClear(const std::function<void(StagingBinClear&)>& change) {
  return [change](CaptureRequest& request) { change(ClearIn(request)); };
}

void Check(const CaptureRequest& good, const std::vector<Case>& cases) {
  REQUIRE(ValidateCapture(good).ok());
  for (const auto& [what, change, expected] : cases) {
    INFO(what);
    CaptureRequest request = good;
    change(request);
    const auto valid = ValidateCapture(request);
    CHECK((valid ? "" : valid.error().Text()) == expected);
    if (!valid) CHECK(valid.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("The rules of every capture") {
  Check(Cancellation(),
        {
            {"no operator", [](auto& r) { r.operator_id = " "; },
             "operator_id is required; name the associate who acted"},
            {"long operator", [](auto& r) { r.operator_id = kLongId; },
             "operator_id has 129 bytes; give at most 128"},
            {"control character", [](auto& r) { r.operator_id = "1\n7"; },
             "operator_id has a control character; remove it"},
            {"approver", [](auto& r) { r.approver_operator_id = "\x7F"; },
             "approver_operator_id has a control character; remove it"},
            {"longest key", [](auto& r) { r.idempotency_key = std::string(kMaxIdBytes, 'k'); }, ""},
            {"long key", [](auto& r) { r.idempotency_key = kLongId; },
             "idempotency_key has 129 bytes; give at most 128"},
            {"transaction", [](auto& r) { r.transaction_sequence_number = kLongId; },
             "transaction_sequence_number has 129 bytes; give at most 128"},
            {"no body", [](auto& r) { r.body = {}; },
             "body is missing; give order_cancellation or staging_bin_clear"},
            {"the command line", [](auto& r) { r.source = EventSource::kCli; }, ""},
            {"over gRPC", [](auto& r) { r.source = EventSource::kGrpc; }, ""},
            {"spool", [](auto& r) { r.source = EventSource::kSpool; },
             "source is the agent's to set to that value; leave it out"},
            {"unknown source", [](auto& r) { r.source = static_cast<EventSource>(9); },
             "source is 9, which is no EventSource; leave it out"},
        });
}

TEST_CASE("A business day is a day that exists") {
  const auto valid = [](const std::string& date) {
    CaptureRequest request = Cancellation();
    request.business_day_date = date;
    return ValidateCapture(request);
  };
  for (const char* good : {"", "2026-05-04", "2028-02-29"}) CHECK(valid(good).ok());
  for (const char* bad :
       {"2026-02-29", "2026-13-01", "2026-00-10", "2026-5-4", "04.05.2026", "2026-05-04T00", "-026-05-04"}) {
    INFO(bad);
    REQUIRE_FALSE(valid(bad).ok());
    CHECK(valid(bad).error().Text() == "business_day_date is no date; give YYYY-MM-DD");
  }
}

TEST_CASE("A traceparent is W3C's") {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "00f067aa0ba902b7";
  const auto valid = [](const std::string& header) {
    CaptureRequest request = Cancellation();
    request.traceparent = header;
    return ValidateCapture(request).ok();
  };
  CHECK(valid("00-" + trace + "-" + parent + "-01"));
  CHECK(valid("01-" + trace + "-" + parent + "-01-later"));
  CHECK_FALSE(valid("00-" + trace + "-" + parent + "-01-later"));
  CHECK_FALSE(valid("01-" + trace + "-" + parent + "-01x"));
  CHECK_FALSE(valid("ff-" + trace + "-" + parent + "-01"));
  CHECK_FALSE(valid("00-" + std::string(32, '0') + "-" + parent + "-01"));
  CHECK_FALSE(valid("00-" + trace + "-" + std::string(16, '0') + "-01"));
  CHECK_FALSE(valid("00-4BF92F3577B34DA6A3CE929D0E0E4736-" + parent + "-01"));
  CHECK_FALSE(valid("00-" + trace));
}

TEST_CASE("The rules of a cancellation") {
  const std::string at = "order_cancellation.";
  Check(Cancellation(),
        {
            {"no order", OnCancellation([](auto& b) { b.order_id = " "; }),
             at + "order_id is required where there is no fulfillment_order_id; name the order that was "
                  "cancelled"},
            {"a fulfillment order will do", OnCancellation([](auto& b) {
               b.order_id.clear();
               b.fulfillment_order_id = "F-1";
             }),
             ""},
            {"no scope", OnCancellation([](auto& b) { b.scope = {}; }),
             at + "scope is required; give WHOLE_ORDER or LINES"},
            {"unknown scope", OnCancellation([](auto& b) { b.scope = static_cast<CancellationScope>(3); }),
             at + "scope is 3, which is no CancellationScope; give WHOLE_ORDER or LINES"},
            {"lines without lines", OnCancellation([](auto& b) { b.lines.clear(); }),
             at + "lines is empty, but scope is LINES; give the cancelled lines, or scope WHOLE_ORDER"},
            {"whole order without lines", OnCancellation([](auto& b) {
               b.scope = CancellationScope::kWholeOrder;
               b.lines.clear();
             }),
             ""},
            {"no initiator", OnCancellation([](auto& b) { b.initiator = {}; }),
             at + "initiator is required; give CUSTOMER, ASSOCIATE or SYSTEM"},
            {"unknown initiator",
             OnCancellation([](auto& b) { b.initiator = static_cast<CancellationInitiator>(-1); }),
             at + "initiator is -1, which is no CancellationInitiator; give CUSTOMER, ASSOCIATE or SYSTEM"},
            {"no reason", OnCancellation([](auto& b) { b.reason = {}; }),
             at + "reason is required; give CUSTOMER_REQUEST, CUSTOMER_NO_SHOW, CUSTOMER_REJECTED, "
                  "HOLD_EXPIRED, "
                  "INVENTORY_NOT_FOUND, DAMAGED, PAYMENT_DECLINED, FRAUD, STAFF_ERROR or OTHER"},
            {"no release policy", OnCancellation([](auto& b) { b.release_policy = {}; }),
             at + "release_policy is required; give ON_CANCEL, ON_PUT_BACK or NONE"},
            {"unknown release policy",
             OnCancellation([](auto& b) { b.release_policy = static_cast<ReleasePolicy>(4); }),
             at + "release_policy is 4, which is no ReleasePolicy; give ON_CANCEL, ON_PUT_BACK or NONE"},
            {"unknown prior state",
             OnCancellation([](auto& b) { b.prior_state = static_cast<FulfillmentState>(5); }),
             at + "prior_state is 5, which is no FulfillmentState; give OPEN, PICKING, STAGED or "
                  "READY_FOR_PICKUP, or "
                  "leave it out"},
            {"longest note", OnCancellation([](auto& b) { b.note = std::string(kMaxNoteBytes, 'n'); }), ""},
            {"long note", OnCancellation([](auto& b) { b.note = std::string(kMaxNoteBytes + 1, 'n'); }),
             at + "note has 1025 bytes; give at most 1024"},
            {"lines of a note", OnCancellation([](auto& b) { b.note = "first\nsecond"; }), ""},
            {"many bins",
             OnCancellation([](auto& b) { b.staging_location_ids.assign(kMaxListEntries + 1, "A"); }),
             at + "staging_location_ids has 101 elements; give at most 100"},
            {"an empty bin", OnCancellation([](auto& b) { b.staging_location_ids = {"A", ""}; }),
             at + "staging_location_ids[1] is required; give an id, or leave the element out"},
            {"an unnamed system", OnCancellation([](auto& b) { b.external_order_ids[""] = "x"; }),
             at + "external_order_ids has an empty key; name the system of the id"},
            {"a long external id", OnCancellation([](auto& b) { b.external_order_ids["shop"] = kLongId; }),
             at + "external_order_ids[\"shop\"] has 129 bytes; give at most 128"},
            {"many external ids", OnCancellation([](auto& b) {
               for (std::size_t i = 0; i <= kMaxListEntries; ++i)
                 b.external_order_ids[std::to_string(i)] = "x";
             }),
             at + "external_order_ids has 101 elements; give at most 100"},
        });
}

TEST_CASE("The rules of a cancelled line") {
  const std::string at = "order_cancellation.lines[2].";
  Check(Cancellation(),
        {
            {"no units", OnCancellation([](auto& b) { b.lines[2].quantity = 0; }),
             at + "quantity is 0; give a quantity of at least 1"},
            {"negative units", OnCancellation([](auto& b) { b.lines[2].quantity = -3; }),
             at + "quantity is -3; give a quantity of at least 1"},
            {"no article", OnCancellation([](auto& b) { b.lines[2].line_id.clear(); }),
             at + "line_id is missing, and so are sku and gtin; give at least one of them"},
            {"short gtin", OnCancellation([](auto& b) { b.lines[2].gtin = "1234567"; }),
             at + "gtin is \"1234567\"; give 8 to 14 digits"},
            {"long gtin", OnCancellation([](auto& b) { b.lines[2].gtin = "123456789012345"; }),
             at + "gtin is \"123456789012345\"; give 8 to 14 digits"},
            {"a gtin of letters", OnCancellation([](auto& b) { b.lines[2].gtin = "12345678a"; }),
             at + "gtin is \"12345678a\"; give 8 to 14 digits"},
            {"long sku", OnCancellation([](auto& b) { b.lines[2].sku = kLongId; }),
             at + "sku has 129 bytes; give at most 128"},
            {"long reservation", OnCancellation([](auto& b) { b.lines[2].reservation_id = kLongId; }),
             at + "reservation_id has 129 bytes; give at most 128"},
            {"most lines", OnCancellation([](auto& b) { b.lines.resize(kMaxLines, b.lines[0]); }), ""},
            {"too many lines", OnCancellation([](auto& b) { b.lines.resize(kMaxLines + 1, b.lines[0]); }),
             "order_cancellation.lines has 501 elements; give at most 500"},
        });
}

TEST_CASE("The rules of a bin clear") {
  const std::string at = "staging_bin_clear.";
  Check(
      BinClear(),
      {
          {"no bin", OnClear([](auto& b) { b.staging_location_id.clear(); }),
           at + "staging_location_id is required; name the bin that was cleared"},
          {"no reason", OnClear([](auto& b) { b.clear_reason = {}; }),
           at + "clear_reason is required; give ORDER_CANCELLED, PICKED_UP, HOLD_EXPIRED, RELOCATED or "
                "AUDIT_CORRECTION"},
          {"unknown reason", OnClear([](auto& b) { b.clear_reason = static_cast<ClearReason>(6); }),
           at + "clear_reason is 6, which is no ClearReason; give ORDER_CANCELLED, PICKED_UP, HOLD_EXPIRED, "
                "RELOCATED or AUDIT_CORRECTION"},
          {"a cancellation",
           OnClear([](auto& b) { b.cancellation_event_id = "01980000-0000-7000-8000-000000000001"; }), ""},
          {"no UUID", OnClear([](auto& b) { b.cancellation_event_id = "17"; }),
           at + "cancellation_event_id is no UUID; give the event_id that the cancellation's capture "
                "returned"},
          {"many containers", OnClear([](auto& b) { b.container_ids.assign(kMaxListEntries + 1, "T"); }),
           at + "container_ids has 101 elements; give at most 100"},
          {"no lines", OnClear([](auto& b) { b.lines.clear(); }), ""},
          {"too many lines", OnClear([](auto& b) { b.lines.resize(kMaxLines + 1, b.lines[0]); }),
           at + "lines has 501 elements; give at most 500"},
          {"nothing counted, something expected", OnClear([](auto& b) { b.lines[0].counted_quantity = 0; }),
           ""},
          {"nothing at all", OnClear([](auto& b) {
             b.lines[0].counted_quantity = 0;
             b.lines[0].expected_quantity = 0;
           }),
           at +
               "lines[0].counted_quantity is 0, and so is expected_quantity; give at least 1 in one of them"},
          {"negative", OnClear([](auto& b) { b.lines[0].expected_quantity = -1; }),
           at + "lines[0].expected_quantity is -1; give a quantity of at least 0"},
          {"no disposition", OnClear([](auto& b) { b.lines[0].disposition = {}; }),
           at + "lines[0].disposition is required; give SELLABLE, DAMAGED, NON_SELLABLE, QUARANTINE or "
                "MISSING"},
          {"unknown disposition",
           OnClear([](auto& b) { b.lines[0].disposition = static_cast<GoodsDisposition>(6); }),
           at + "lines[0].disposition is 6, which is no Disposition; give SELLABLE, DAMAGED, NON_SELLABLE, "
                "QUARANTINE "
                "or MISSING"},
      });
}

TEST_CASE("A card number is refused in free text, and never repeated") {
  const std::string card = "4111 1111 1111 1111";
  const std::string remedy =
      " holds what looks like a payment card number; remove it: card data is never accepted";
  Check(Cancellation(),
        {
            {"note", OnCancellation([&](auto& b) { b.note = "paid by " + card; }),
             "order_cancellation.note" + remedy},
            {"code", OnCancellation([&](auto& b) { b.retailer_reason_code = card; }),
             "order_cancellation.retailer_reason_code" + remedy},
            {"external id", OnCancellation([&](auto& b) { b.external_order_ids["shop"] = card; }),
             "order_cancellation.external_order_ids[\"shop\"]" + remedy},
        });
}

TEST_CASE("An identifier may look like a card number") {
  CaptureRequest request = Cancellation();
  CancellationIn(request).order_id = "4111111111111111";
  CancellationIn(request).lines[0].gtin = "4222222222222";
  CancellationIn(request).lines[0].sku = "4111111111111111";
  CHECK(ValidateCapture(request).ok());
}

}  // namespace
}  // namespace tillwire
