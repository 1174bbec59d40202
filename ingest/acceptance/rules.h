// What the centre asks of a record by itself, without the ledger: an intact hash, bytes that are an event of
// that terminal, and the retailer's rules. A record that breaks a rule is parked, with the reason.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/uuid.h"
#include "core/write_back.h"
#include "ingest/ledger/ledger.h"

namespace tillwire {

struct AcceptanceRules {
  std::uint64_t max_lines = 500;
  std::vector<std::string> allowed_stores;  // empty: all
};

// What was found in one record.
struct Inspection {
  bool hash_matches = false;
  std::optional<Uuid> event_id;  // if the bytes are an event of this terminal
  // kUnspecified: nothing stands against it.
  ParkReason reason = ParkReason::kUnspecified;
  std::string detail;
};

// A batch with what was found in each of its records, in their order.
struct InspectedBatch {
  EventBatch batch;
  std::vector<Inspection> inspections;
};

// Costs some microseconds a record, so it is done on the stream's own thread, not on the one that commits.
// Pure.
InspectedBatch Inspect(EventBatch batch, const StreamIdentity& identity, const AcceptanceRules& rules);

}  // namespace tillwire
