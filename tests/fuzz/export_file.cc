// An export file. An input that begins with an even byte is the content of one, which is sealed as it stands:
// for each message its length (two bytes) and its bytes. One that begins with an odd byte is a list of edits
// to a sealed file, each of a kind (one byte), a place (three bytes) and a value (one byte).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ingest/acceptance/acceptor.h"
#include "ingest/acceptance/batch_limits.h"
#include "ingest/import/export_reader.h"
#include "ingest/import/file_import.h"
#include "platform/sealed_file.h"
#include "tests/fakes/fake_ledger.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/targets.h"
#include "tests/support/sealing_keys.h"
#include "tests/support/temp_directory.h"

namespace tillwire::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxEdits = 8;
const WallTime kNow = FromMicros(1'780'000'000'000'000);

using Messages = std::vector<std::string>;

// For the life of the process; each input writes it anew.
const fs::path& TheFile() {
  static const TempDirectory directory;
  static const fs::path path = directory.Path() / "till.export";
  return path;
}

void Seal(const Messages& messages) {
  fs::remove(TheFile());
  auto writer = SealedFileWriter::Create(TheFile(), TheSealingKeys().sealing);
  Expect(writer.ok(), "a sealed file can be begun");
  for (const std::string& message : messages) {
    Expect((*writer)->Write(message).ok(), "a message can be sealed");
  }
  Expect((*writer)->Finish().ok(), "a sealed file can be finished");
}

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The centre without a network, which keeps to the limits that it gives.
class LedgerTarget final : public ImportTarget {
 public:
  Result<StreamLimits> Begin(const ExportHeader& /*header*/) override { return limits_; }
  Result<BatchResult> TakeIn(const ExportHeader& header, ImportPart part) override {
    const StreamIdentity identity{header.store_id, header.terminal_id};
    const auto* batch = std::get_if<EventBatch>(&part);
    const auto within =
        batch != nullptr ? CheckLimits(*batch, limits_) : CheckLimits(std::get<Tombstones>(part), limits_);
    if (!within) return within.error();
    ledger_.Begin();
    const ImportRow row = ledger_.EnsureImport({header.export_id, header.created_at}, kNow);
    auto result = batch != nullptr ? Accept(ledger_, identity, Inspect(*batch, identity, {}), kNow, row)
                                   : Accept(ledger_, identity, std::get<Tombstones>(part), kNow, row);
    ledger_.Commit();
    return result;
  }

  [[nodiscard]] LedgerStatistics Statistics() { return ledger_.Statistics(); }
  [[nodiscard]] std::size_t Commits() const { return ledger_.Commits(); }

 private:
  StreamLimits limits_{4, 4096, 1};
  FakeLedger ledger_;
};

Result<ImportReport> Import(LedgerTarget& target) {
  auto reader = ExportReader::Open(TheFile(), TheSealingKeys().opening);
  if (!reader) return reader.error();
  return ImportFile(*reader, target);
}

void CheckAddsUp(const ExportHeader& header, const ImportReport& report) {
  Expect(report.accepted + report.duplicates + report.parked + report.held + report.conflicts +
                 report.given_up ==
             header.records,
         "the answers to the events add up");
  Expect(report.tombstones + report.tombstones_superseded + report.tombstones_held +
                 report.tombstones_in_conflict ==
             header.tombstones,
         "the answers to the tombstones add up");
}

void CheckContent(ByteSource& input) {
  Messages messages;
  while (!input.AtEnd()) {
    const std::size_t size = input.Number(2);
    messages.emplace_back(input.Bytes(size));
  }
  Seal(messages);
  LedgerTarget target;
  const auto header = CheckExport(TheFile(), TheSealingKeys().opening);
  if (!header) return ExpectRefusal(header.error());
  const auto first = Import(target);
  if (!first) return ExpectRefusal(first.error());
  CheckAddsUp(*header, *first);
  const LedgerStatistics after_first = target.Statistics();
  Expect(after_first.counts.accepted == first->accepted && after_first.counts.imported == first->accepted,
         "what was accepted is in effect, and marked");
  const auto second = Import(target);
  Expect(second.ok(), "what was imported can be imported again");
  CheckAddsUp(*header, *second);
  Expect(second->accepted == 0 || !first->Complete(), "what is in effect is a duplicate");
  if (!first->Complete()) return;
  Expect(second->Complete(), "what was complete is complete");
  const LedgerStatistics after_second = target.Statistics();
  Expect(after_second.counts.accepted == after_first.counts.accepted &&
             after_second.counts.tombstoned == after_first.counts.tombstoned &&
             after_second.parked == after_first.parked,
         "a file that is imported again changes nothing");
}

void Edit(ByteSource& input, std::string& bytes) {
  const std::size_t kind = input.Below(5);
  const std::size_t place = input.Number(3) % (bytes.size() + 1);
  const auto value = static_cast<char>(input.Byte());
  switch (kind) {
    case 0:
      if (place < bytes.size()) bytes[place] = value;
      break;
    case 1:
      bytes.resize(place);
      break;
    case 2:
      bytes.insert(place, 1, value);
      break;
    case 3:
      bytes.erase(place, static_cast<std::uint8_t>(value));
      break;
    default:
      bytes.append(bytes, place, std::string::npos);
  }
}

void CheckEdits(ByteSource& input) {
  static const Messages messages = {"first", "", std::string(kSealedChunkBytes, 'b'), "last"};
  static const std::string sealed = [] {
    Seal(messages);
    return ContentOf(TheFile());
  }();
  std::string edited = sealed;
  for (std::size_t i = 0; i < kMaxEdits && !input.AtEnd(); ++i) Edit(input, edited);
  std::ofstream(TheFile(), std::ios::binary | std::ios::trunc) << edited;

  auto reader = SealedFileReader::Open(TheFile(), TheSealingKeys().opening);
  if (!reader) {
    Expect(edited != sealed, "a file that was not altered is opened");
    return ExpectRefusal(reader.error());
  }
  for (std::size_t i = 0;; ++i) {
    const auto message = (*reader)->Read();
    if (!message) {
      Expect(edited != sealed, "a file that was not altered is read");
      return ExpectRefusal(message.error());
    }
    if (!message->has_value()) {
      Expect(i == messages.size(), "the end is the end");
      break;
    }
    Expect(i < messages.size() && **message == messages[i], "what is read is what was written");
  }
  Expect(edited == sealed, "a file that was altered is not read to its end");
}

}  // namespace

void FuzzExportFile(std::string_view input) {
  ByteSource source(input);
  if (source.Flip()) {
    CheckEdits(source);
  } else {
    CheckContent(source);
  }
}

}  // namespace tillwire::fuzz
