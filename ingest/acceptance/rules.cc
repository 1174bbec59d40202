#include "ingest/acceptance/rules.h"

#include <algorithm>
#include <utility>

#include "core/limits.h"
#include "proto/event_codec.h"

namespace tillwire {
namespace {

class Inspector {
 public:
  Inspector(const StreamIdentity& identity, const AcceptanceRules& rules)
      : identity_(identity), rules_(rules) {}

  Inspection Look(const Record& record) const {
    Inspection found;
    found.hash_matches = record.HashMatches();
    if (!found.hash_matches) {
      Object(found, ParkReason::kHashMismatch, "the record's hash is not that of the bytes that arrived");
      return found;
    }
    if (record.event.size() > kMaxEventBytes) {
      Object(found, ParkReason::kInvalidEvent,
             "the event has " + std::to_string(record.event.size()) + " bytes, the limit is " +
                 std::to_string(kMaxEventBytes));
      return found;
    }
    if (record.lane.size() > kMaxLaneBytes) {
      Object(found, ParkReason::kInvalidEvent,
             "the lane's name has " + std::to_string(record.lane.size()) + " bytes, the limit is " +
                 std::to_string(kMaxLaneBytes));
      return found;
    }
    const auto event = DecodeEventOutline(record.event);
    if (!event) {
      Object(found, ParkReason::kInvalidEvent, "the bytes are no StoreEvent: " + event.error().message);
      return found;
    }
    CheckEvent(*event, found);
    return found;
  }

 private:
  static void Object(Inspection& found, ParkReason reason, std::string detail) {
    found.reason = reason;
    found.detail = std::move(detail);
  }

  void CheckEvent(const EventOutline& event, Inspection& found) const {
    if (event.store_id != identity_.store_id || event.terminal_id != identity_.terminal_id) {
      return Object(found, ParkReason::kInvalidEvent,
                    "the event names another store or terminal than its stream: store " + identity_.store_id +
                        ", terminal " + identity_.terminal_id);
    }
    found.event_id = Uuid::Parse(event.event_id);
    if (!found.event_id) {
      return Object(found, ParkReason::kInvalidEvent, "event_id is no UUID in canonical text");
    }
    if (!event.has_body) {
      return Object(found, ParkReason::kInvalidEvent, "the event has no body that this version knows");
    }
    const auto& stores = rules_.allowed_stores;
    if (!stores.empty() && std::find(stores.begin(), stores.end(), event.store_id) == stores.end()) {
      return Object(found, ParkReason::kStoreNotAllowed,
                    "store " + event.store_id + " is not in acceptance.allowed_stores");
    }
    if (event.lines > rules_.max_lines) {
      Object(found, ParkReason::kTooManyLines,
             "the event has " + std::to_string(event.lines) + " lines, acceptance.max_lines is " +
                 std::to_string(rules_.max_lines));
    }
  }

  const StreamIdentity& identity_;
  const AcceptanceRules& rules_;
};

}  // namespace

InspectedBatch Inspect(EventBatch batch, const StreamIdentity& identity, const AcceptanceRules& rules) {
  InspectedBatch inspected{std::move(batch), {}};
  inspected.inspections.reserve(inspected.batch.records.size());
  const Inspector inspector(identity, rules);
  for (const Record& record : inspected.batch.records)
    inspected.inspections.push_back(inspector.Look(record));
  return inspected;
}

}  // namespace tillwire
