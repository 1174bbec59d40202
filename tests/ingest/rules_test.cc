#include "ingest/acceptance/rules.h"

#include <catch2/catch.hpp>

#include "core/limits.h"
#include "tests/ingest/chain.h"

namespace tillwire {
namespace {

Inspection InspectOne(const Record& record, const AcceptanceRules& rules = {},
                      const StreamIdentity& identity = kTerminal) {
  return Inspect({1, record.id.epoch, {record}}, identity, rules).inspections.at(0);
}

TEST_CASE("A good event passes with its id") {
  Chain chain(7);
  const Inspection found = InspectOne(chain.Capture("A"));
  CHECK(found.hash_matches);
  CHECK(found.event_id);
  CHECK(found.reason == ParkReason::kUnspecified);
}

TEST_CASE("What breaks a rule is named with its figures") {
  Chain chain(7);
  SECTION("lines") {
    const Inspection found = InspectOne(chain.Capture("A", 12), {.max_lines = 10, .allowed_stores = {}});
    CHECK(found.reason == ParkReason::kTooManyLines);
    CHECK(found.detail == "the event has 12 lines, acceptance.max_lines is 10");
  }
  SECTION("store") {
    const AcceptanceRules rules{.max_lines = 500, .allowed_stores = {"S02", "S03"}};
    CHECK(InspectOne(chain.Capture("A"), rules).reason == ParkReason::kStoreNotAllowed);
  }
  SECTION("store allowed") {
    const AcceptanceRules rules{.max_lines = 500, .allowed_stores = {"S02", "S01"}};
    CHECK(InspectOne(chain.Capture("A"), rules).reason == ParkReason::kUnspecified);
  }
  SECTION("another terminal's event") {
    const Inspection found = InspectOne(chain.Capture("A"), {}, {"S01", "T9"});
    CHECK(found.reason == ParkReason::kInvalidEvent);
    CHECK_FALSE(found.event_id);
  }
  SECTION("no event") {
    CHECK(InspectOne(chain.CaptureBytes("order:A", "\xff\xff")).reason == ParkReason::kInvalidEvent);
  }
  SECTION("no body") {
    Event event = MakeEvent(Uuid{}, "A");
    event.request.body = {};
    CHECK(InspectOne(chain.CaptureBytes("order:A", EncodeEvent(event))).reason == ParkReason::kInvalidEvent);
  }
  SECTION("no event id") {
    Event event = MakeEvent(Uuid{}, "A");
    event.event_id = "none";
    CHECK(InspectOne(chain.CaptureBytes("order:A", EncodeEvent(event))).reason == ParkReason::kInvalidEvent);
  }
  SECTION("size") {
    const Inspection found = InspectOne(chain.CaptureBytes("order:A", std::string(kMaxEventBytes + 1, 'x')));
    CHECK(found.reason == ParkReason::kInvalidEvent);
    CHECK_THAT(found.detail, Catch::Contains("65537 bytes"));
  }
  SECTION("lane") {
    CHECK(InspectOne(chain.CaptureBytes(std::string(500, 'x'), "")).reason == ParkReason::kInvalidEvent);
  }
  SECTION("hash") {
    Record record = chain.Capture("A");
    record.lane = "order:B";
    const Inspection found = InspectOne(record);
    CHECK_FALSE(found.hash_matches);
    CHECK(found.reason == ParkReason::kHashMismatch);
  }
}

}  // namespace
}  // namespace tillwire
