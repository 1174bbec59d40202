// The check must bite before its silence means anything: each kind of damage is done to a good ledger.
#include "tests/support/guarantee_check.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/support/event_facts.h"
#include "tests/support/store_day.h"
#include "tillwire/v1/event.pb.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kEpoch = 77;

// A driver's log and a ledger that keep the guarantee.
class GoodDay {
 public:
  GoodDay() {
    StoreDayOptions options;
    options.captures = 200;
    std::map<std::string, RecordRef> lane_heads;
    Hash previous = GenesisHash("store", "till", kEpoch, Hash{});
    for (const PlannedCapture& planned : PlanStoreDay(options)) {
      const std::uint64_t sequence = ledger.size() + 1;
      const std::string event_id = "event-" + std::to_string(sequence);
      log.push_back(
          {event_id, planned.request.idempotency_key(), planned.lane, RequestDigest(planned.request)});

      LedgerEntry entry;
      entry.position = sequence;
      entry.id = {kEpoch, sequence};
      entry.last_sequence = sequence;
      entry.lane = planned.lane;
      entry.previous_hash = previous;
      entry.event = MakeEvent(planned.request, event_id, FromMicros(1'790'000'000'000'000));
      const auto head = lane_heads.find(entry.lane);
      entry.hash = RecordHash(entry.id, entry.lane,
                              head == lane_heads.end() ? std::nullopt : std::optional(head->second),
                              entry.previous_hash, entry.event);
      lane_heads[entry.lane] = {entry.id, entry.hash};
      previous = entry.hash;
      ledger.push_back(entry);
    }
  }

  [[nodiscard]] GuaranteeReport Check() const { return CheckGuarantee(log, ledger); }

  // The first place whose lane has a later capture, and that later place.
  [[nodiscard]] std::pair<std::size_t, std::size_t> TwoOfOneLane() const {
    for (std::size_t first = 0; first < ledger.size(); ++first) {
      for (std::size_t second = first + 1; second < ledger.size(); ++second) {
        if (ledger[first].lane == ledger[second].lane) {
          return {first, second};
        }
      }
    }
    throw std::logic_error("the day has no lane of two");
  }

  std::vector<AcknowledgedCapture> log;
  std::vector<LedgerEntry> ledger;
};

TEST_CASE_METHOD(GoodDay, "A good day passes") {
  const GuaranteeReport report = Check();
  CHECK(report.Holds());
  CHECK(report.acknowledged == 200);
  CHECK(report.at_centre == 200);
  CHECK(report.unexpected == 0);
  CHECK(report.holes == 0);
  CHECK(report.findings.empty());
}

TEST_CASE_METHOD(GoodDay, "A missing event is lost, and leaves a hole") {
  const auto [first, second] = TwoOfOneLane();
  ledger.erase(ledger.begin() + static_cast<std::ptrdiff_t>(second));
  const GuaranteeReport report = Check();
  CHECK(report.lost == 1);
  CHECK(report.holes == 1);
  CHECK_FALSE(report.Holds());
}

TEST_CASE_METHOD(GoodDay, "One changed character is an altered event, and breaks its hash") {
  v1::StoreEvent event;
  REQUIRE(event.ParseFromString(ledger[5].event));
  event.set_operator_id("A9999");
  ledger[5].event = event.SerializeAsString();
  const GuaranteeReport report = Check();
  CHECK(report.altered == 1);
  CHECK(report.broken_links >= 1);
  CHECK(report.lost == 0);
}

TEST_CASE_METHOD(GoodDay, "Bytes that are no event are altered and lost") {
  ledger[5].event = "\xff\xff";
  const GuaranteeReport report = Check();
  CHECK(report.altered == 1);
  CHECK(report.lost == 1);
}

TEST_CASE_METHOD(GoodDay, "An event in effect twice is doubled") {
  LedgerEntry again = ledger[7];
  again.position = ledger.size() + 1;
  ledger.push_back(again);
  CHECK(Check().doubled == 1);
}

TEST_CASE_METHOD(GoodDay, "A key in effect twice is doubled, even under two event ids") {
  v1::StoreEvent event;
  REQUIRE(event.ParseFromString(ledger[7].event));
  event.set_event_id("another");
  LedgerEntry again = ledger[7];
  again.position = ledger.size() + 1;
  again.event = event.SerializeAsString();
  ledger.push_back(again);
  const GuaranteeReport report = Check();
  CHECK(report.doubled == 1);
  CHECK(report.unexpected == 1);
}

TEST_CASE_METHOD(GoodDay, "A lane's events in the wrong order are found") {
  const auto [first, second] = TwoOfOneLane();
  std::swap(ledger[first].position, ledger[second].position);
  CHECK(Check().out_of_order == 1);
}

TEST_CASE_METHOD(GoodDay, "A record that does not follow the one before it is found") {
  ledger[9].previous_hash = Sha256("another history");
  CHECK(Check().broken_links >= 1);
}

TEST_CASE_METHOD(GoodDay, "A tombstone closes a hole and is no event") {
  const auto [first, second] = TwoOfOneLane();
  ledger[second].kind = LedgerEntryKind::kTombstone;
  ledger[second].event.clear();
  const GuaranteeReport report = Check();
  CHECK(report.lost == 1);
  CHECK(report.holes == 0);
}

}  // namespace
}  // namespace tillwire
