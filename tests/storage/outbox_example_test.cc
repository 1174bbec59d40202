// The worked example of docs/outbox-format.md: the outbox is taken through its steps, and what then stands in
// the files must stand in the document, line for line.
#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "storage/outbox.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kFirstEpoch = 0x8c1f5e0b3a9d2746;  // that of docs/wire-protocol.md
constexpr std::uint64_t kSecondEpoch = 0x2b7d90c4e6113a58;

// Gives the example's two epochs.
class ExampleRng final : public Rng {
 public:
  std::uint64_t Next() override { return ++calls_ == 1 ? kFirstEpoch : kSecondEpoch; }

 private:
  int calls_ = 0;
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
    text += digits;
  }
  return text;
}

std::string Unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// The event of a record in the other document's example, so that the two examples share their hashes.
std::string WireExampleEvent(const std::string& name) {
  const std::string document = ReadFile(TILLWIRE_DOCS "/wire-protocol.md");
  auto at = document.find(name + " =\n");
  REQUIRE(at != std::string::npos);
  at += name.size() + 3;
  std::string hex;
  while (document[at] == ' ') {
    const auto end = document.find('\n', at);
    hex += document.substr(at + 4, end - at - 4);
    at = end + 1;
  }
  return Unhex(hex);
}

std::string Pad(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// A table as the document shows it: columns of fixed width, hashes by their first four bytes, NULL as "-".
std::string Dump(SQLite::Database& database, const std::string& query) {
  SQLite::Statement select(database, query);
  std::vector<std::vector<std::string>> rows(1);
  for (int i = 0; i < select.getColumnCount(); ++i) rows[0].emplace_back(select.getColumnName(i));
  while (select.executeStep()) {
    auto& row = rows.emplace_back();
    for (int i = 0; i < select.getColumnCount(); ++i) {
      const SQLite::Column value = select.getColumn(i);
      if (value.isNull()) {
        row.emplace_back("-");
      } else if (value.isBlob()) {
        row.push_back(Hex({static_cast<const char*>(value.getBlob()), 4}));
      } else {
        row.push_back(value.getString());
      }
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::size_t width = 0;
      for (const auto& other : rows) width = std::max(width, other[i].size());
      line += (i == 0 ? "" : "  ") + (i + 1 == row.size() ? row[i] : Pad(row[i], width));
    }
    text += line + "\n";
  }
  return text;
}

void ExpectInDocument(const std::string& text) {
  static const std::string kDocument = ReadFile(TILLWIRE_DOCS "/outbox-format.md");
  INFO("docs/outbox-format.md must have:\n" << text);
  CHECK(kDocument.find(text) != std::string::npos);
}

void ExpectTables(const std::filesystem::path& directory) {
  SQLite::Database database(directory / "outbox.db", SQLite::OPEN_READONLY);
  ExpectInDocument(
      Dump(database,
           "SELECT ordinal, printf('%016x', epoch) AS epoch, base, retained, issued, genesis, last_hash "
           "FROM epochs ORDER BY ordinal"));
  ExpectInDocument(Dump(database,
                        "SELECT position, lane, predecessor, predecessor_hash, previous_hash, hash, origin "
                        "FROM events ORDER BY position"));
  ExpectInDocument(Dump(database, "SELECT first, last FROM delivered ORDER BY first"));
  ExpectInDocument(Dump(database, "SELECT position, kind, reason FROM exceptions ORDER BY position"));
  ExpectInDocument(Dump(database, "SELECT lane, position FROM lanes ORDER BY lane"));
}

void Capture(Outbox& outbox, const std::string& id, const std::string& lane, const std::string& event,
             const Clock& clock) {
  CaptureInput input;
  input.event_id = Uuid::Parse(id).value();
  input.lane = lane;
  input.event = event;
  input.captured_at = clock.WallNow();
  REQUIRE(outbox.Capture(input).ok());
}

TEST_CASE("The documented outbox example is what the files hold") {
  const TempDirectory directory;
  const FakeClock clock;
  ExampleRng rng;
  OutboxOptions options;
  options.directory = directory.Path();
  options.store_id = "0417";
  options.terminal_id = "till-3";

  {
    auto outbox = Outbox::Open(options, clock, rng);
    REQUIRE(outbox.ok());
    (*outbox)->Begin();
    Capture(**outbox, "019bc2f6-7a00-7000-8000-00000000a001", "order:W-700512",
            WireExampleEvent("record_1_event"), clock);
    Capture(**outbox, "019bc2f6-7a00-7001-8000-00000000a002", "order:W-700512",
            WireExampleEvent("record_2_event"), clock);
    Capture(**outbox, "019bc2f6-7a00-7002-8000-00000000a003", "bin:B-11", "a third event", clock);
    (*outbox)->Commit();
    (*outbox)->Begin();
    RecordResult accepted;
    accepted.disposition = Disposition::kAccepted;
    RecordResult parked;
    parked.disposition = Disposition::kParked;
    parked.park_reason = ParkReason::kTooManyLines;
    (*outbox)->ApplyOutcomes({{1, accepted}, {3, parked}});
    (*outbox)->Commit();
  }
  ExpectTables(directory.Path());
  // The mark is written after opening (serial 1), which found no record, and after the captures (serial 2).
  const std::string mark = ReadFile(directory.Path() / "outbox.hwm").substr(0, 96);
  for (const std::size_t at : {0, 8, 16, 24}) ExpectInDocument(Hex(mark.substr(at, 8)));
  ExpectInDocument(Hex(mark.substr(32, 32)));
  ExpectInDocument(Hex(mark.substr(64, 32)));

  {
    auto outbox = Outbox::Open(options, clock, rng);
    REQUIRE(outbox.ok());
    (*outbox)->Begin();
    (*outbox)->MoveSuffix(kFirstEpoch, "the centre has another history");
    (*outbox)->Commit();
  }
  ExpectTables(directory.Path());
}

}  // namespace
}  // namespace tillwire
