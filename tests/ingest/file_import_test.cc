// What an export file brings, on each ledger: from the sealed file to what is in effect.
#include "ingest/import/file_import.h"

#include "platform/sealed_file.h"
#include "proto/export_codec.h"
#include "tests/ingest/centre.h"
#include "tests/support/process.h"
#include "tests/support/sealing_keys.h"

namespace tillwire {
namespace {

constexpr std::size_t kNever = static_cast<std::size_t>(-1);

// The centre without a network. It may be gone after so many answers.
class LedgerTarget final : public ImportTarget {
 public:
  explicit LedgerTarget(Centre& centre) : centre_(centre) {}

  Result<StreamLimits> Begin(const ExportHeader& /*header*/) override { return limits; }
  Result<BatchResult> TakeIn(const ExportHeader& header, ImportPart part) override {
    if (answers == 0) return Error{ErrorCode::kUnavailable, "the centre is gone", ""};
    --answers;
    sizes.push_back(std::holds_alternative<EventBatch>(part) ? std::get<EventBatch>(part).records.size() : 0);
    return centre_.Import(header, part);
  }

  StreamLimits limits;
  std::size_t answers = kNever;
  std::vector<std::size_t> sizes;  // of the batches; 0 for tombstones

 private:
  Centre& centre_;
};

class ImportFixture {
 public:
  ImportFixture() : centre(GENERATE(ALL_LEDGERS)), target(centre) {
    header.export_id.bytes[0] = 7;
    header.store_id = kTerminal.store_id;
    header.terminal_id = kTerminal.terminal_id;
    header.created_at = kNow;
    header.version = "test";
  }

  // Writes the parts into a file, with a header that counts them.
  void Write(const std::vector<ExportMessage>& parts) {
    header.records = 0;
    header.tombstones = 0;
    for (const ExportMessage& part : parts) {
      const auto* batch = std::get_if<EventBatch>(&part);
      header.records += batch != nullptr ? batch->records.size() : 0;
      header.tombstones += batch != nullptr ? 0 : 1;
    }
    std::filesystem::remove(File());
    auto writer = SealedFileWriter::Create(File(), TheSealingKeys().sealing);
    REQUIRE(writer);
    REQUIRE((*writer)->Write(EncodeExport(header)));
    for (const ExportMessage& part : parts) REQUIRE((*writer)->Write(EncodeExport(part)));
    REQUIRE((*writer)->Finish());
  }

  Result<ImportReport> TryImport() {
    if (auto checked = CheckExport(File(), TheSealingKeys().opening); !checked) return checked.error();
    auto reader = ExportReader::Open(File(), TheSealingKeys().opening);
    REQUIRE(reader);
    return ImportFile(*reader, target);
  }
  ImportReport Import() {
    auto report = TryImport();
    INFO((report ? std::string() : report.error().Text()));
    REQUIRE(report);
    const std::uint64_t events = report->accepted + report->duplicates + report->parked + report->held +
                                 report->conflicts + report->given_up;
    CHECK(events == header.records);
    CHECK(report->tombstones + report->tombstones_superseded + report->tombstones_held +
              report->tombstones_in_conflict ==
          header.tombstones);
    return *report;
  }

  [[nodiscard]] std::filesystem::path File() const { return directory.Path() / "till.export"; }

  TempDirectory directory;
  Centre centre;
  LedgerTarget target;
  ExportHeader header;
};

TEST_CASE_METHOD(ImportFixture, "What a file brings is in effect once, and marked as imported") {
  Chain chain(7);
  chain.CaptureMany(10);
  centre.Send(chain.Batch(1, 4));
  Write({chain.Batch(3, 10)});
  const ImportReport first = Import();
  CHECK(first.accepted == 6);
  CHECK(first.duplicates == 2);
  CHECK(first.Complete());
  const auto entries = centre.Entries();
  REQUIRE(entries.size() == 10);
  for (const StoredEntry& entry : entries) {
    CHECK(entry.export_id == (entry.sequence <= 4 ? std::nullopt : std::optional(header.export_id)));
    CHECK(entry.event == chain.At(entry.sequence).event);
  }
  CHECK(centre.Statistics().counts.imported == 6);

  centre.Restart();
  const ImportReport second = Import();
  CHECK(second.accepted == 0);
  CHECK(second.duplicates == 8);
  CHECK(second.Complete());
  CHECK(centre.Entries().size() == 10);
  CHECK(centre.Statistics().counts.imported == 6);
  CHECK(centre.Statistics().counts.accepted == 10);

  // The terminal lives again.
  for (const RecordResult& result : centre.Send(chain.Batch(1, 10))) {
    CHECK(result.disposition == Disposition::kDuplicate);
  }
  CHECK(centre.State(7).accepted.size() == 1);
}

TEST_CASE_METHOD(ImportFixture, "An import that stops after any answer goes on where it was, when repeated") {
  Chain chain(7);
  for (std::size_t i = 0; i < 40; ++i) chain.Capture("A" + std::to_string(i % 7));
  const EventBatch all = chain.Batch(1, 40);
  Write({chain.Batch(1, 16), ExportedTombstone{chain.Tomb(17, 17), std::nullopt}, chain.Batch(18, 40)});
  target.limits.max_batch_records = 5;
  for (std::size_t answers = 0; answers < 10; ++answers) {
    target.answers = answers;
    const auto stopped = TryImport();
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::kUnavailable);
    centre.Restart();
  }
  target.answers = kNever;
  const ImportReport report = Import();
  CHECK(report.Complete());
  CHECK(report.duplicates > 0);
  CHECK(report.tombstones == 1);
  CHECK(centre.Statistics().counts.accepted == 39);
  CHECK(centre.Statistics().counts.tombstoned == 1);
  // In capture order, which is each lane's order.
  std::uint64_t last = 0;
  for (const StoredEntry& entry : centre.Entries()) {
    CHECK(entry.sequence == last + 1);
    last = entry.sequence;
  }
  CHECK(last == 40);
}

TEST_CASE_METHOD(ImportFixture, "Batches keep to what the centre takes, and to the file's order") {
  Chain chain(7);
  chain.CaptureMany(23);
  Write({chain.Batch(1, 20), chain.Batch(21, 23)});
  SECTION("so many records") {
    target.limits.max_batch_records = 8;
    Import();
    CHECK(target.sizes == std::vector<std::size_t>{8, 8, 4, 3});
  }
  SECTION("so many bytes, and one event whatever its size") {
    target.limits.max_batch_bytes = 1;
    Import();
    CHECK(target.sizes == std::vector<std::size_t>(23, 1));
  }
  CHECK(centre.Statistics().counts.accepted == 23);
}

TEST_CASE_METHOD(ImportFixture, "A parked event holds its lane alone, until the rule allows it") {
  Chain chain(7);
  chain.Capture("LONG", 5);
  chain.Capture("LONG");
  chain.Capture("OTHER");
  chain.Capture("LONG");
  Write({chain.Batch(1, 4)});
  centre.rules.max_lines = 3;
  for (int round = 0; round < 2; ++round) {
    const ImportReport report = Import();
    CHECK(report.parked == 1);
    CHECK(report.held == 2);
    CHECK(report.accepted + report.duplicates == 1);
    CHECK_FALSE(report.Complete());
    REQUIRE(report.problems.size() == 3);
    CHECK(report.problems[0].what == "parked");
    CHECK_THAT(report.problems[0].why, Catch::Contains("TOO_MANY_LINES"));
    CHECK(report.problems[1].what == "held");
    CHECK(report.problems[1].lane == "order:LONG");
    CHECK(centre.Statistics().parked == 1);
  }
  centre.rules.max_lines = 500;
  const ImportReport report = Import();
  CHECK(report.accepted == 3);
  CHECK(report.duplicates == 1);
  CHECK(report.Complete());
  CHECK(centre.Statistics().parked == 0);
}

TEST_CASE_METHOD(ImportFixture, "A tombstone closes its sequence only after what its lane puts before it") {
  Chain chain(7);
  const Record first = chain.Capture("LONG", 5);
  chain.Capture("LONG");
  chain.Capture("LONG");
  Tombstone released = chain.Tomb(2, 2);
  released.kind = TombstoneKind::kReleased;
  Write({chain.Batch(1, 1), ExportedTombstone{released, first.id}, chain.Batch(3, 3)});
  centre.rules.max_lines = 3;
  const ImportReport held = Import();
  CHECK(held.parked == 1);
  CHECK(held.tombstones_held == 1);
  CHECK(held.held == 1);
  CHECK(centre.Entries().empty());
  centre.rules.max_lines = 500;
  const ImportReport report = Import();
  CHECK(report.Complete());
  CHECK(report.accepted == 2);
  CHECK(report.tombstones == 1);
  const auto entries = centre.Entries();
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].sequence == 1);
  CHECK(entries[1].kind == EntryKind::kTombstone);
  CHECK(entries[1].export_id == header.export_id);
  CHECK(entries[2].sequence == 3);
}

TEST_CASE_METHOD(ImportFixture, "What a file brings of another history is a conflict, and changes nothing") {
  Chain chain(7);
  chain.CaptureMany(3);
  Chain copy = chain;
  chain.CaptureMany(3);
  copy.CaptureMany(3);
  centre.Send(chain.Batch(1, 6));
  Write({copy.Batch(1, 6), ExportedTombstone{copy.Tomb(6, 6), std::nullopt}});
  const ImportReport report = Import();
  CHECK(report.duplicates == 3);
  CHECK(report.conflicts == 3);
  CHECK(report.tombstones_in_conflict == 1);
  CHECK_FALSE(report.Complete());
  CHECK(centre.Entries().size() == 6);
}

TEST_CASE_METHOD(ImportFixture, "What was given up before a file brought it is kept, and reported") {
  Chain chain(7);
  chain.CaptureMany(3);
  centre.Send(chain.Tomb(1, 2));
  Write({chain.Batch(1, 3)});
  const ImportReport report = Import();
  CHECK(report.given_up == 2);
  CHECK(report.accepted == 1);
  CHECK_FALSE(report.Complete());
  CHECK(centre.Statistics().counts.reappeared == 2);
  CHECK(Import().given_up == 2);
  CHECK(centre.Statistics().counts.reappeared == 2);
}

TEST_CASE_METHOD(ImportFixture, "Events of another terminal than the file's are parked") {
  Chain elsewhere(7, {"S02", "T9"});
  elsewhere.CaptureMany(2);
  Write({elsewhere.Batch(1, 2)});
  const ImportReport report = Import();
  CHECK(report.parked == 2);
  CHECK_THAT(report.problems.at(0).why, Catch::Contains("INVALID_EVENT"));
}

TEST_CASE_METHOD(ImportFixture,
                 "A file whose content does not add up is refused before anything is taken in") {
  Chain chain(7);
  chain.CaptureMany(3);
  const auto refused = [&](const std::vector<ExportMessage>& messages, const std::string& why) {
    std::filesystem::remove(File());
    auto writer = SealedFileWriter::Create(File(), TheSealingKeys().sealing);
    REQUIRE(writer);
    for (const ExportMessage& message : messages) REQUIRE((*writer)->Write(EncodeExport(message)));
    REQUIRE((*writer)->Finish());
    const auto report = TryImport();
    REQUIRE_FALSE(report);
    CHECK_THAT(report.error().Text(), Catch::Contains(why));
    CHECK_THAT(report.error().Text(), Catch::Contains(File().string()));
  };
  header.records = 3;
  refused({}, "does not begin with a header");
  refused({chain.Batch(1, 3)}, "does not begin with a header");
  refused({header}, "its header says 3");
  refused({header, chain.Batch(1, 2)}, "holds 2 events");
  refused({header, chain.Batch(1, 3), ExportedTombstone{chain.Tomb(1, 1), {}}}, "1 tombstones");
  refused({header, chain.Batch(1, 3), header}, "a second header");
  EventBatch descending = chain.Batch(1, 3);
  std::swap(descending.records[0], descending.records[2]);
  refused({header, descending}, "does not ascend");
  CHECK(centre.Entries().empty());
  CHECK(target.sizes.empty());
}

TEST_CASE("A file is refused where any byte was altered, or where its end is missing") {
  const TempDirectory directory;
  const auto path = directory.Path() / "till.export";
  Chain chain(7);
  chain.CaptureMany(2);
  {
    ExportHeader header;
    header.store_id = "S01";
    header.terminal_id = "T1";
    header.records = 2;
    auto writer = SealedFileWriter::Create(path, TheSealingKeys().sealing);
    REQUIRE(writer);
    REQUIRE((*writer)->Write(EncodeExport(header)));
    REQUIRE((*writer)->Write(EncodeExport(chain.Batch(1, 2))));
    REQUIRE((*writer)->Finish());
  }
  REQUIRE(CheckExport(path, TheSealingKeys().opening));
  const std::string whole = ReadWholeFile(path);
  for (std::size_t i = 0; i < whole.size(); i += 3) {
    std::string altered = whole;
    altered[i] = static_cast<char>(altered[i] + 1);
    WriteWholeFile(path, altered);
    if (CheckExport(path, TheSealingKeys().opening)) FAIL("byte " << i << " was altered, and nobody noticed");
    WriteWholeFile(path, whole.substr(0, i));
    if (CheckExport(path, TheSealingKeys().opening)) FAIL("cut off at " << i << ", and nobody noticed");
  }
}

}  // namespace
}  // namespace tillwire
