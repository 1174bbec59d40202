#include "tests/e2e/requests.h"

#include <stdexcept>

#include "tests/e2e/agent_program.h"
#include "tests/support/event_facts.h"

namespace tillwire {

v1::CaptureEventRequest Cancellation(const std::string& order, int lines, const std::string& tag) {
  v1::CaptureEventRequest request;
  request.set_idempotency_key(order + "-" + tag);
  request.set_operator_id("A1042");
  v1::OrderCancellation& body = *request.mutable_order_cancellation();
  body.set_order_id(order);
  body.set_scope(v1::CANCELLATION_SCOPE_WHOLE_ORDER);
  body.set_initiator(v1::CANCELLATION_INITIATOR_CUSTOMER);
  body.set_reason(v1::CANCELLATION_REASON_CUSTOMER_REQUEST);
  body.set_release_policy(v1::RELEASE_POLICY_ON_PUT_BACK);
  for (int line = 1; line <= lines; ++line) {
    v1::CancelledLine& cancelled = *body.add_lines();
    cancelled.set_line_id(std::to_string(line));
    cancelled.set_sku("30012345");
    cancelled.set_quantity(1);
  }
  return request;
}

v1::CaptureEventRequest ClearAfter(const std::string& cancellation_event_id, const std::string& bin) {
  v1::CaptureEventRequest request;
  request.set_idempotency_key(cancellation_event_id + "-clear-" + bin);
  request.set_operator_id("A1042");
  v1::StagingBinClear& body = *request.mutable_staging_bin_clear();
  body.set_staging_location_id(bin);
  body.set_cancellation_event_id(cancellation_event_id);
  body.set_clear_reason(v1::CLEAR_REASON_ORDER_CANCELLED);
  v1::ClearedLine& line = *body.add_lines();
  line.set_sku("30012345");
  line.set_expected_quantity(1);
  line.set_counted_quantity(1);
  line.set_disposition(v1::DISPOSITION_SELLABLE);
  body.set_bin_empty_confirmed(true);
  return request;
}

std::vector<std::string> CaptureOrders(AgentProgram& agent, const std::string& prefix, int count) {
  std::vector<std::string> event_ids;
  for (int number = 1; number <= count; ++number) {
    const Result<CaptureReply> reply = agent.Client().Capture(Cancellation(prefix + std::to_string(number)));
    if (!reply) {
      throw std::runtime_error("order " + prefix + std::to_string(number) +
                               " was not captured: " + reply.error().Text());
    }
    event_ids.push_back(reply->event_id);
  }
  return event_ids;
}

std::vector<std::string> EventIds(const std::vector<LedgerEntry>& ledger) {
  std::vector<std::string> event_ids;
  for (const LedgerEntry& entry : ledger) {
    if (entry.kind == LedgerEntryKind::kAccepted) {
      const std::optional<EventFacts> facts = ReadEventFacts(entry.event);
      event_ids.push_back(facts ? facts->event_id : "(no event)");
    }
  }
  return event_ids;
}

}  // namespace tillwire
