#include "agent/offline/verify_outbox.h"

#include "tests/agent/offline/folder_bytes.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

// Two epochs, and events in several states.
class VerifiedOutbox : public OutboxHarness {
 public:
  VerifiedOutbox() {
    Open();
    for (int i = 1; i <= 10; ++i) Capture("order:" + std::to_string(i % 3), std::to_string(i));
    Answer({1, 2, 3}, Disposition::kAccepted);
    Answer({5}, Disposition::kParked, ParkReason::kTooManyLines);
    Transact([](Outbox& box) { return box.StartEpoch("an older copy was put back"); });
    for (int i = 11; i <= 16; ++i) Capture("order:" + std::to_string(i % 3), std::to_string(i));
    for (const EpochSummary& summary : outbox->Epochs()) epochs.push_back(summary.epoch);
    outbox->SyncHighWaterMark();
    Close();
  }

  // Nothing on the disk may change by it.
  Verification Verify() {
    const auto before = FolderBytes(options.directory);
    const auto verification = VerifyOutbox(options.directory, clock, rng);
    INFO((verification ? std::string() : verification.error().Text()));
    REQUIRE(verification.ok());
    CHECK(FolderBytes(options.directory) == before);
    return *verification;
  }
  // It must find just one thing.
  Finding VerifyEdited(const std::string& sql) {
    EditFile(sql);
    const Verification verification = Verify();
    std::string found;
    for (const Finding& finding : verification.findings) found += finding.text + "\n";
    INFO(sql << " was found as\n" << found);
    REQUIRE(verification.findings.size() == 1);
    CHECK_FALSE(verification.Sound());
    return verification.findings.front();
  }

  std::vector<std::uint64_t> epochs;
};

TEST_CASE("A sound outbox is verified as such, with its counts, and not changed") {
  VerifiedOutbox harness;
  const Verification verification = harness.Verify();
  CHECK(verification.Sound());
  CHECK(verification.terminal_id == "till-3");
  CHECK(verification.events == 16);
  CHECK(verification.delivered == 3);
  CHECK(verification.parked == 1);
  CHECK(verification.pending == 12);
  REQUIRE(verification.mark);
  CHECK(verification.mark->id == RecordId{harness.epochs.at(1), 6});
}

TEST_CASE("Verified: damaged events are named by exact ranges, neighbours in one") {
  VerifiedOutbox harness;
  const Finding finding =
      harness.VerifyEdited("UPDATE events SET event = event || 'x' WHERE position BETWEEN 6 AND 8");
  CHECK(finding.kind == FindingKind::kEvent);
  CHECK(finding.range == FoundRange{harness.epochs.at(0), 6, 8});
}

TEST_CASE("Verified: events that are gone, and those that the high-water mark knows") {
  VerifiedOutbox harness;
  SECTION("in the middle") {
    const Finding finding = harness.VerifyEdited("DELETE FROM events WHERE position IN (12, 13)");
    CHECK(finding.kind == FindingKind::kMissing);
    CHECK(finding.range == FoundRange{harness.epochs.at(1), 2, 3});
  }
  SECTION("at the end") {
    const Finding finding = harness.VerifyEdited(
        "DELETE FROM events WHERE position > 14; DELETE FROM lanes WHERE position > 14;"
        "INSERT INTO lanes SELECT lane, max(position) FROM events GROUP BY lane ON CONFLICT DO NOTHING");
    CHECK(finding.kind == FindingKind::kMark);
    CHECK(finding.range == FoundRange{harness.epochs.at(1), 5, 6});
  }
}

TEST_CASE("Verified: tables that contradict each other") {
  VerifiedOutbox harness;
  const char* edit = GENERATE("UPDATE lanes SET position = 4 WHERE lane = 'order:1'",
                              "DELETE FROM lanes WHERE lane = 'order:2'");
  CHECK(harness.VerifyEdited(edit).kind == FindingKind::kTables);
}

TEST_CASE("Verified: an outbox that can't be opened is damaged, and one in use is left alone") {
  VerifiedOutbox harness;
  SECTION("damaged at its head") {
    WriteWholeFile(harness.options.directory / "outbox.db", std::string(8192, 'x'));
    const Verification verification = harness.Verify();
    REQUIRE(verification.findings.size() == 1);
    CHECK(verification.findings[0].kind == FindingKind::kStructure);
  }
  SECTION("in use") {
    harness.Open();
    const auto refused = VerifyOutbox(harness.options.directory, harness.clock, harness.rng);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kFailedPrecondition);
    CHECK_THAT(refused.error().Text(), Catch::Contains("in use by"));
  }
}

}  // namespace
}  // namespace tillwire
