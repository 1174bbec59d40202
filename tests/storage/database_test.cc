#include "storage/database.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/fakes/faulty_vfs.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kMaxBytes = 1 << 20;

std::unique_ptr<SQLite::Database> Open(const FaultyVfs& disk, Synchronous synchronous) {
  auto opened = OpenDatabase("/store.db", {disk.Name(), synchronous}, kMaxBytes);
  INFO((opened.ok() ? std::string() : opened.error().Text()));
  REQUIRE(opened.ok());
  return std::move(*opened);
}

// A process that is killed between writing a commit to the log and syncing it leaves the commit readable, in
// the page cache alone. Whoever answers from it must have synced it first.
TEST_CASE("what an earlier run wrote without a sync is synced when the database is opened") {
  FaultyVfs disk("faulty");
  {
    const auto database = Open(disk, Synchronous::kFull);
    database->exec("CREATE TABLE words (word TEXT)");
    KeepLogOnClose(*database);
  }
  {
    const auto database = Open(disk, Synchronous::kOff);
    database->exec("INSERT INTO words VALUES ('till')");
    KeepLogOnClose(*database);
  }
  {
    const auto database = Open(disk, Synchronous::kFull);
    CHECK(database->execAndGet("SELECT word FROM words").getString() == "till");
    disk.PowerCut();
  }
  disk.Restart();
  const auto database = Open(disk, Synchronous::kFull);
  CHECK(database->execAndGet("SELECT count(*) FROM words").getInt() == 1);
}

// SQLite syncs the directory of a log with the first sync by the process that made it, and no other.
TEST_CASE("a log that an earlier run made and did not come to sync is there after a power cut") {
  FaultyVfs disk("faulty");
  {
    Open(disk, Synchronous::kFull)->exec("CREATE TABLE words (word TEXT)");
  }
  {
    const auto killed = Open(disk, Synchronous::kFull);
    disk.Disk().KillProgram();
  }
  disk.Restart();
  {
    const auto database = Open(disk, Synchronous::kFull);
    database->exec("INSERT INTO words VALUES ('till')");
    disk.PowerCut();
  }
  disk.Restart();
  const auto database = Open(disk, Synchronous::kFull);
  CHECK(database->execAndGet("SELECT count(*) FROM words").getInt() == 1);
}

TEST_CASE("a file that is no database is refused as damaged") {
  const TempDirectory directory;
  const auto path = directory.Path() / "store.db";
  std::ofstream(path) << std::string(8192, 'x');
  const auto refused = OpenDatabase(path, {}, kMaxBytes);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace tillwire
