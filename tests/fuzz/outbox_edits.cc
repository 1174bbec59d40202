#include "tests/fuzz/outbox_edits.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fuzz/byte_source.h"
#include "tests/support/temp_directory.h"

namespace tillwire::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSteps = 12;
constexpr std::size_t kMaxFileBytes = 512 * 1024;

constexpr char kDatabase[] = "outbox.db";
constexpr char kLog[] = "outbox.db-wal";
constexpr char kMark[] = "outbox.hwm";

// With the column that tells its rows apart.
struct Table {
  const char* name;
  const char* key;
};
constexpr std::array<Table, 10> kTables = {{{"meta", "name"},
                                            {"epochs", "ordinal"},
                                            {"events", "position"},
                                            {"lanes", "lane"},
                                            {"delivered", "first"},
                                            {"exceptions", "position"},
                                            {"lost_ranges", "id"},
                                            {"idempotency", "key"},
                                            {"anchors", "server_time"},
                                            {"incidents", "id"}}};

std::string ContentOf(const fs::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(content).str();
}

void Write(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

OutboxFiles ReadFrom(const fs::path& directory) {
  return {ContentOf(directory / kDatabase), ContentOf(directory / kLog), ContentOf(directory / kMark)};
}

void WriteInto(const fs::path& directory, const OutboxFiles& files) {
  Write(directory / kDatabase, files.database);
  fs::remove(directory / kLog);
  if (!files.log.empty()) Write(directory / kLog, files.log);
  Write(directory / kMark, files.mark);
}

// A history with a row in each table: two epochs, and events in each state.
class BaseOutbox {
 public:
  BaseOutbox() {
    const auto options = OptionsIn(directory_.Path() / "outbox");
    {
      const auto outbox = Outbox::Open(options, clock_, rng_).value();
      outbox->Begin();
      for (int i = 1; i <= 8; ++i) Capture(*outbox, i);
      outbox->StartEpoch("fuzz");
      for (int i = 9; i <= 12; ++i) Capture(*outbox, i);
      Answer(*outbox);
      outbox->SetPause(UplinkPause{"op", "fuzz", clock_.WallNow(), clock_.WallNow() + kMaxPause});
      outbox->Maintain(clock_.WallNow());
      outbox->Commit();
    }
    closed_ = ReadFrom(options.directory);
    const auto outbox = Outbox::Open(options, clock_, rng_).value();
    for (int i = 13; i <= 15; ++i) {
      outbox->Begin();
      Capture(*outbox, i);
      outbox->Commit();
    }
    killed_ = ReadFrom(options.directory);
  }

  static const BaseOutbox& Get() {
    static const BaseOutbox base;
    return base;
  }

  [[nodiscard]] const OutboxFiles& Closed() const { return closed_; }
  [[nodiscard]] const OutboxFiles& Killed() const { return killed_; }

 private:
  void Capture(Outbox& outbox, int number) {
    CaptureInput input;
    input.event_id.bytes[15] = static_cast<std::uint8_t>(number);
    input.lane = "order:" + std::to_string(number % 3);
    input.event = "event " + std::to_string(number);
    input.captured_at = clock_.WallNow();
    input.idempotency = {Sha256(input.event), Sha256(input.lane)};
    ids_.push_back(input.event_id);
    outbox.Capture(input).value();
  }

  void Answer(Outbox& outbox) {
    const auto outcome = [](Position position, Disposition disposition) {
      EventOutcome answer{position, {}};
      answer.result.disposition = disposition;
      return answer;
    };
    outbox.ApplyOutcomes({outcome(1, Disposition::kAccepted), outcome(2, Disposition::kAccepted),
                          outcome(3, Disposition::kParked), outcome(4, Disposition::kParked),
                          outcome(5, Disposition::kAccepted), outcome(9, Disposition::kTombstoned)});
    outbox.Release(ids_[2], "fuzz").value();
  }

  TempDirectory directory_;
  FakeClock clock_;
  FakeRng rng_;
  std::vector<Uuid> ids_;
  OutboxFiles closed_;
  OutboxFiles killed_;
};

std::uint32_t BigEndianAt(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

void PutBigEndian(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

// SQLite's "WAL-Index and WAL File Formats": sums over the header's first 24 bytes, then over each frame's
// first 8 bytes and its page, going on from the sums before.
void MakeChecksumsRight(std::string& log) {
  constexpr std::size_t kHeader = 32;
  constexpr std::size_t kFrameHeader = 24;
  constexpr std::size_t kPage = 4096;
  if (log.size() < kHeader) return;
  const bool big_endian = (BigEndianAt(log, 0) & 1U) != 0;
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  const auto add = [&](std::size_t from, std::size_t count) {
    for (std::size_t at = from; at < from + count; at += 8) {
      std::uint32_t words[2] = {BigEndianAt(log, at), BigEndianAt(log, at + 4)};
      if (!big_endian) {
        for (std::uint32_t& word : words) word = __builtin_bswap32(word);
      }
      first += words[0] + second;
      second += words[1] + first;
    }
  };
  add(0, 24);
  PutBigEndian(log, 24, first);
  PutBigEndian(log, 28, second);
  for (std::size_t at = kHeader; at + kFrameHeader + kPage <= log.size(); at += kFrameHeader + kPage) {
    log.replace(at + 8, 8, log, 16, 8);  // the salts
    add(at, 8);
    add(at + kFrameHeader, kPage);
    PutBigEndian(log, at + 16, first);
    PutBigEndian(log, at + 20, second);
  }
}

std::string& SomeFile(ByteSource& source, OutboxFiles& files) {
  std::string* all[] = {&files.database, &files.log, &files.mark};
  return *all[source.Below(3)];
}

// Binds a value of any type.
void BindSome(ByteSource& source, SQLite::Statement& statement, int parameter) {
  switch (source.Below(8)) {
    case 0:
      return statement.bind(parameter);
    case 1:
      return statement.bind(parameter, std::string(source.Bytes(source.Below(40))));
    case 2: {
      const std::string blob(source.Bytes(source.Below(64)));
      return statement.bind(parameter, static_cast<const void*>(blob.data()), static_cast<int>(blob.size()));
    }
    case 3:
      return statement.bind(parameter, 0.5 * static_cast<double>(source.Byte()));
    default:
      return statement.bind(parameter, static_cast<std::int64_t>(source.Borderline()));
  }
}

std::string WhereNthRow(const Table& table, std::size_t row) {
  const std::string key = table.key;
  return " WHERE " + key + " = (SELECT " + key + " FROM " + table.name + " LIMIT 1 OFFSET " +
         std::to_string(row) + ")";
}

// Changes one thing in the tables. What SQLite refuses is left as it is.
void EditTables(ByteSource& source, SQLite::Database& database, std::size_t step) {
  const Table& table = kTables[source.Below(kTables.size())];
  const std::string name = table.name;
  const std::size_t row = source.Below(16);
  if (step == 4) {
    std::vector<std::string> columns;
    SQLite::Statement info(database, "SELECT name FROM pragma_table_info('" + name + "')");
    while (info.executeStep()) columns.push_back(info.getColumn(0).getString());
    if (columns.empty()) return;
    const std::string column = columns[source.Below(columns.size())];
    SQLite::Statement update(database,
                             "UPDATE " + name + " SET " + column + " = ?" + WhereNthRow(table, row));
    BindSome(source, update, 1);
    update.exec();
  } else if (step == 5) {
    database.exec("DELETE FROM " + name + WhereNthRow(table, row));
  } else if (step == 6) {
    database.exec("CREATE TEMP TABLE copy AS SELECT * FROM " + name + WhereNthRow(table, row));
    SQLite::Statement update(database, "UPDATE copy SET " + std::string(table.key) + " = ?");
    BindSome(source, update, 1);
    update.exec();
    database.exec("INSERT INTO main." + name + " SELECT * FROM copy");
  } else {
    const std::array<std::string, 4> statements = {
        "DROP TABLE " + name, "DROP INDEX events_by_id", "DELETE FROM " + name,
        "PRAGMA user_version = " + std::to_string(static_cast<std::int32_t>(source.Borderline()))};
    database.exec(statements[row % statements.size()]);
  }
}

void EditBySql(ByteSource& source, OutboxFiles& files, const fs::path& directory, std::size_t step) {
  WriteInto(directory, files);
  try {
    SQLite::Database database((directory / kDatabase).string(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("PRAGMA synchronous = OFF");
    EditTables(source, database, step);
  } catch (const SQLite::Exception&) {
    // Whatever it left is what is opened.
  }
  files = ReadFrom(directory);
}

void WriteMark(ByteSource& source, OutboxFiles& files, const fs::path& directory) {
  WriteInto(directory, files);
  const auto mark = HighWaterMark::Open(directory / kMark).value();
  RecordRef ref = mark->AtOpen().value_or(RecordRef{});
  if (source.Flip()) ref.id.epoch = source.Borderline();
  if (source.Flip()) ref.id.sequence = source.Borderline();
  if (source.Flip()) ref.hash.bytes[source.Below(32)] ^= 1U;
  mark->Write(ref);
  files.mark = ContentOf(directory / kMark);
}

}  // namespace

OutboxOptions OptionsIn(const fs::path& directory) {
  OutboxOptions options;
  options.directory = directory;
  options.store_id = "0417";
  options.terminal_id = "till-3";
  options.machine_id = "machine-1";
  options.max_bytes = 8U << 20U;
  options.reserve_bytes = 64U << 10U;
  options.database.synchronous = Synchronous::kOff;
  return options;
}

bool WriteOutboxFiles(std::string_view input, const fs::path& directory) {
  fs::create_directories(directory);
  OutboxFiles files = BaseOutbox::Get().Closed();
  ByteSource source(input);
  bool intact = true;
  for (std::size_t i = 0; i < kMaxSteps && !source.AtEnd(); ++i) {
    const std::size_t step = source.Below(10);
    if (step == 0) {
      files = BaseOutbox::Get().Killed();
      intact = true;
    } else if (step == 1) {
      std::string& file = SomeFile(source, files);
      const std::size_t at = source.Number(3) % (file.size() + 1);
      const auto bytes = source.Bytes(1 + source.Byte());
      file.replace(at, std::min(bytes.size(), file.size() - at), bytes);
      intact = false;
    } else if (step == 2) {
      SomeFile(source, files).resize(source.Number(3) % kMaxFileBytes);
      intact = false;
    } else if (step == 3) {
      std::string& file = SomeFile(source, files);
      file = std::string(source.Bytes(source.Number(2)));
      intact = false;
    } else if (step == 7) {
      WriteMark(source, files, directory);
    } else if (step == 8) {
      MakeChecksumsRight(files.log);
    } else {
      EditBySql(source, files, directory, step);
    }
  }
  WriteInto(directory, files);
  return intact;
}

}  // namespace tillwire::fuzz
