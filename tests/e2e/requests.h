// Captures by hand, for tests that need to know just what they sent.
#pragma once

#include <string>
#include <vector>

#include "tests/support/capture_client.h"
#include "tests/support/ledger_entry.h"

namespace tillwire {

class AgentProgram;

// The cancellation of a whole order. Its key is made of the order and `tag`.
v1::CaptureEventRequest Cancellation(const std::string& order, int lines = 1,
                                     const std::string& tag = "cancel");

// The clearing of a bin after that cancellation; names no order itself.
v1::CaptureEventRequest ClearAfter(const std::string& cancellation_event_id, const std::string& bin);

// Captures cancellations of orders PREFIX1 to PREFIXn, one after the other; each must be stored. Their event
// ids.
std::vector<std::string> CaptureOrders(AgentProgram& agent, const std::string& prefix, int count);

// The event ids of what is in effect, in the order of commit.
std::vector<std::string> EventIds(const std::vector<LedgerEntry>& ledger);

}  // namespace tillwire
