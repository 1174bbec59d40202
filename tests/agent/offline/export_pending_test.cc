#include "agent/offline/export_pending.h"

#include <map>

#include "agent/offline/stopped_outbox.h"
#include "platform/sealed_file.h"
#include "proto/export_codec.h"
#include "tests/agent/offline/folder_bytes.h"
#include "tests/storage/outbox_harness.h"
#include "tests/support/sealing_keys.h"

namespace tillwire {
namespace {

// A file's content.
struct Content {
  ExportHeader header;
  std::vector<Record> records;
  std::vector<ExportedTombstone> tombstones;
  // "1", "2", "tombstone 3": the sequences, in the file's order.
  std::vector<std::string> order;
};

class ExportFixture : public OutboxHarness {
 public:
  Result<ExportReport> TryExport() {
    Close();
    std::filesystem::remove(File());
    const auto stopped = StoppedOutbox::Open(options.directory, clock, rng);
    REQUIRE(stopped);
    return ExportPending((*stopped)->Get(), File(), TheSealingKeys().sealing, clock, rng);
  }

  ExportReport Export() {
    auto report = TryExport();
    INFO((report ? std::string() : report.error().Text()));
    REQUIRE(report);
    return *report;
  }

  Content Read() {
    Content content;
    auto reader = SealedFileReader::Open(File(), TheSealingKeys().opening);
    REQUIRE(reader);
    while (true) {
      const auto bytes = (*reader)->Read();
      REQUIRE(bytes);
      if (!bytes->has_value()) break;
      auto message = DecodeExport(**bytes);
      REQUIRE(message);
      if (auto* header = std::get_if<ExportHeader>(&*message)) content.header = *header;
      if (auto* batch = std::get_if<EventBatch>(&*message)) {
        CHECK(batch->records.size() <= StreamLimits().max_batch_records);
        for (Record& record : batch->records) {
          CHECK(record.HashMatches());
          content.order.push_back(std::to_string(record.id.sequence));
          content.records.push_back(std::move(record));
        }
      }
      if (auto* tombstone = std::get_if<ExportedTombstone>(&*message)) {
        content.order.push_back("tombstone " + std::to_string(tombstone->tombstone.first));
        content.tombstones.push_back(std::move(*tombstone));
      }
    }
    CHECK(content.header.records == content.records.size());
    CHECK(content.header.tombstones == content.tombstones.size());
    return content;
  }

  [[nodiscard]] std::filesystem::path File() const { return directory.Path() / "till.export"; }
};

TEST_CASE_METHOD(ExportFixture, "What waits is exported as it was captured, and what the centre has is not") {
  Open();
  for (int i = 1; i <= 1200; ++i) Capture("order:" + std::to_string(i % 7), std::to_string(i));
  Answer({1, 2, 3, 5}, Disposition::kAccepted);
  std::map<Position, Record> pending;
  for (const PendingRecord& record : Pending(0, 2000).records) pending[record.position] = record.record;
  Close();
  const auto before = FolderBytes(options.directory);

  const ExportReport report = Export();
  CHECK(FolderBytes(options.directory) == before);
  CHECK(report.header.records == 1196);
  CHECK(report.parked == 0);
  CHECK(report.delivered == 4);
  CHECK(report.bytes == std::filesystem::file_size(File()));
  REQUIRE(report.all_runs == 2);
  CHECK(report.runs[0].first == 4);
  CHECK(report.runs[0].last == 4);
  CHECK(report.runs[1].first == 6);
  CHECK(report.runs[1].last == 1200);
  const Content content = Read();
  CHECK(content.header.store_id == "0417");
  CHECK(content.header.terminal_id == "till-3");
  CHECK(content.header.version == TILLWIRE_VERSION);
  REQUIRE(content.header.epochs.size() == 1);
  CHECK(content.header.epochs[0].last == 1200);
  REQUIRE(content.records.size() == pending.size());
  std::size_t i = 0;
  for (const auto& [position, record] : pending) {
    CHECK(content.records[i].event == record.event);
    CHECK(content.records[i].id == record.id);
    CHECK(content.records[i].hash == record.hash);
    CHECK(content.records[i].lane_predecessor == record.lane_predecessor);
    ++i;
  }

  // Again, for another stick.
  CHECK(Export().header.records == 1196);
}

TEST_CASE_METHOD(ExportFixture, "Parked events are exported in their place, and stay parked here") {
  Open();
  for (int i = 1; i <= 5; ++i) Capture("order:1", std::to_string(i));
  Answer({2}, Disposition::kParked, ParkReason::kTooManyLines);
  const ExportReport report = Export();
  CHECK(report.parked == 1);
  CHECK(report.header.records == 5);
  CHECK(Read().order == std::vector<std::string>{"1", "2", "3", "4", "5"});
  Open();
  CHECK(Status().parked == 1);
}

TEST_CASE_METHOD(ExportFixture, "A tombstone stands behind what its lane puts before it, and names that") {
  Open();
  Capture("order:1", "1");
  const Captured second = Capture("order:1", "2");
  Capture("order:1", "3");
  const Captured other = Capture("order:2", "4");
  Answer({1, 2, 4}, Disposition::kParked, ParkReason::kTooManyLines);
  Transact([&](Outbox& box) {
    REQUIRE(box.Release(other.event_id, "entered by hand"));
    // In turn, so that the second may be released; then the first waits again, as after a lost centre.
    REQUIRE(box.Requeue(second.event_id));
    return true;
  });
  Damage(2);
  const ExportReport report = Export();
  CHECK(report.damaged == 1);
  CHECK(report.header.records == 2);
  CHECK(report.header.tombstones == 2);
  const Content content = Read();
  CHECK(content.order == std::vector<std::string>{"1", "tombstone 2", "3", "tombstone 4"});
  CHECK(content.tombstones[0].awaits == content.records[0].id);
  CHECK(content.tombstones[0].tombstone.kind == TombstoneKind::kDamaged);
  CHECK_FALSE(content.tombstones[1].awaits);
  CHECK(content.tombstones[1].tombstone.kind == TombstoneKind::kReleased);
  CHECK(content.tombstones[1].tombstone.cause == "entered by hand");
}

TEST_CASE_METHOD(ExportFixture, "Epochs are not mixed in a batch") {
  Open();
  Capture("order:1", "1");
  Transact([&](Outbox& box) {
    box.StartEpoch("test");
    return true;
  });
  Capture("order:1", "2");
  const ExportReport report = Export();
  CHECK(report.header.epochs.size() == 2);
  CHECK(report.all_runs == 2);
  const Content content = Read();
  REQUIRE(content.records.size() == 2);
  CHECK(content.records[0].id.epoch != content.records[1].id.epoch);
  CHECK(content.records[1].lane_predecessor->id == content.records[0].id);
}

TEST_CASE_METHOD(ExportFixture, "Where nothing waits no file is written") {
  Open();
  Capture("order:1", "1");
  Answer({1}, Disposition::kAccepted);
  const ExportReport report = Export();
  CHECK(report.bytes == 0);
  CHECK(report.header.records == 0);
  CHECK(report.delivered == 1);
  CHECK_FALSE(std::filesystem::exists(File()));
}

TEST_CASE_METHOD(ExportFixture, "A file that exists is not overwritten") {
  Open();
  Capture("order:1", "1");
  Close();
  WriteWholeFile(File(), "of somebody else");
  const auto stopped = StoppedOutbox::Open(options.directory, clock, rng);
  REQUIRE(stopped);
  const auto report = ExportPending((*stopped)->Get(), File(), TheSealingKeys().sealing, clock, rng);
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ErrorCode::kAlreadyExists);
  CHECK(ReadWholeFile(File()) == "of somebody else");
}

}  // namespace
}  // namespace tillwire
