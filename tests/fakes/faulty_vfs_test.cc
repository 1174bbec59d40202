#include "tests/fakes/faulty_vfs.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <set>

#include "storage/vfs_file.h"
#include "tests/fakes/fake_rng.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

constexpr char kPath[] = "/till/outbox.db";
constexpr char kLogPath[] = "/till/outbox.db-wal";

std::unique_ptr<SQLite::Database> Open(const FaultyVfs& vfs, const std::string& synchronous) {
  auto database = std::make_unique<SQLite::Database>(kPath, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 0,
                                                     vfs.Name().c_str());
  database->exec("PRAGMA locking_mode=EXCLUSIVE");
  REQUIRE(database->execAndGet("PRAGMA journal_mode=WAL").getString() == "wal");
  database->exec("PRAGMA synchronous=" + synchronous);
  database->exec("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY)");
  return database;
}

void Insert(SQLite::Database& database, int count) {
  for (int i = 0; i < count; ++i) {
    database.exec("INSERT INTO event DEFAULT VALUES");
  }
}

int Count(SQLite::Database& database) {
  return database.execAndGet("SELECT count(*) FROM event").getInt();
}

TEST_CASE("Commits that were synced survive a power cut") {
  FaultyVfs vfs("survives");
  auto database = Open(vfs, "FULL");
  Insert(*database, 100);

  vfs.PowerCut();
  database.reset();
  vfs.Restart();

  CHECK(Count(*Open(vfs, "FULL")) == 100);
}

TEST_CASE("Without syncing, a power cut takes commits") {
  FaultyVfs vfs("forgets");
  Insert(*Open(vfs, "FULL"), 10);  // closing checkpoints, so these are in the database file
  auto database = Open(vfs, "OFF");
  Insert(*database, 90);
  CHECK(Count(*database) == 100);
  CHECK(vfs.UnsyncedBytes(kLogPath) > 0);

  vfs.PowerCut();
  database.reset();
  vfs.Restart();

  CHECK(Count(*Open(vfs, "FULL")) == 10);
}

TEST_CASE("A file whose directory was never synced is gone after a power cut") {
  FaultyVfs vfs("nameless");
  {
    SQLite::Database database(kPath, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 0, vfs.Name().c_str());
    database.exec("PRAGMA synchronous=OFF");
    database.exec("CREATE TABLE event (id INTEGER PRIMARY KEY)");
  }
  REQUIRE(vfs.Files() == std::vector<std::string>{kPath});

  vfs.PowerCut();
  vfs.Restart();

  CHECK(vfs.Files().empty());
}

TEST_CASE("Each commit under FULL syncs the log once") {
  FaultyVfs vfs("counts");
  auto database = Open(vfs, "FULL");
  Insert(*database, 1);  // the log's header is synced with the first commit
  const std::uint64_t before = vfs.SyncCount(kLogPath);

  Insert(*database, 7);
  CHECK(vfs.SyncCount(kLogPath) == before + 7);

  SQLite::Transaction transaction(*database);
  Insert(*database, 50);
  CHECK(vfs.SyncCount(kLogPath) == before + 7);
  transaction.commit();
  CHECK(vfs.SyncCount(kLogPath) == before + 8);
}

TEST_CASE("A transaction cut in its middle is wholly absent") {
  FaultyVfs vfs("whole");
  auto database = Open(vfs, "FULL");
  Insert(*database, 3);
  {
    SQLite::Transaction transaction(*database);
    Insert(*database, 5);
    vfs.PowerCut();
  }
  database.reset();
  vfs.Restart();

  CHECK(Count(*Open(vfs, "FULL")) == 3);
}

TEST_CASE("Nothing that is done after the cut counts") {
  FaultyVfs vfs("dark");
  auto database = Open(vfs, "FULL");
  Insert(*database, 3);

  vfs.PowerCut();
  CHECK_THROWS_AS(Insert(*database, 1), SQLite::Exception);
  CHECK_THROWS_AS(SQLite::Database(kPath, SQLite::OPEN_READWRITE, 0, vfs.Name().c_str()), SQLite::Exception);
  vfs.Restart();
  CHECK_THROWS_AS(Insert(*database, 1), SQLite::Exception);

  CHECK(Count(*Open(vfs, "FULL")) == 3);
}

TEST_CASE("One exclusive connection keeps others out") {
  FaultyVfs vfs("alone");
  const auto database = Open(vfs, "FULL");
  Insert(*database, 1);

  SQLite::Database second(kPath, SQLite::OPEN_READWRITE, 0, vfs.Name().c_str());
  CHECK_THROWS_AS(second.execAndGet("SELECT count(*) FROM event"), SQLite::Exception);
}

TEST_CASE("A name belongs to one disk") {
  const FaultyVfs vfs("taken");
  CHECK_THROWS_AS(FaultyVfs("taken"), std::logic_error);
}

TEST_CASE("A planned power cut comes before the change that was named") {
  FaultyVfs vfs("planned-cut");
  auto database = Open(vfs, "FULL");
  Insert(*database, 1);
  const std::uint64_t before = vfs.Disk().Changes();
  Insert(*database, 1);
  const std::uint64_t changes = vfs.Disk().Changes() - before;
  CHECK(changes > 1);

  // The last change of a commit is its sync: without it the row is gone.
  vfs.Disk().PowerCutAt(changes);
  CHECK_THROWS(Insert(*database, 1));
  CHECK_FALSE(vfs.Disk().Powered());
  database.reset();
  vfs.Restart();
  CHECK(Count(*Open(vfs, "FULL")) == 2);
}

TEST_CASE("A torn power cut keeps some of what was not synced, and all that was") {
  std::set<std::string> logs;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    FaultyVfs vfs("torn-cut");
    auto database = Open(vfs, "FULL");
    Insert(*database, 10);
    database->exec("PRAGMA synchronous=OFF");
    Insert(*database, 5);
    FakeRng rng(seed);
    vfs.Disk().PowerCut(&rng);
    database.reset();
    vfs.Restart();
    logs.insert(vfs.Disk().Copy(kLogPath)[kLogPath]);
    const int left = Count(*Open(vfs, "FULL"));
    INFO("seed " << seed);
    CHECK(left >= 10);
    CHECK(left <= 15);
  }
  CHECK(logs.size() > 1);
}

TEST_CASE("Planned faults strike where they are planned, and end") {
  FaultyVfs vfs("planned-faults");
  auto database = Open(vfs, "FULL");
  vfs.Disk().FailAt(DiskFault::kSyncError, 1, FaultyDisk::Lasting::kOnce);
  CHECK_THROWS(Insert(*database, 1));
  CHECK(vfs.Disk().Struck());
  Insert(*database, 1);
  vfs.Disk().Heal();

  vfs.Disk().FailAt(DiskFault::kNoSpace, 1, FaultyDisk::Lasting::kForEver);
  CHECK_THROWS(Insert(*database, 1));
  CHECK_THROWS(Insert(*database, 1));
  vfs.Disk().Heal();
  Insert(*database, 1);
}

TEST_CASE("What a sync failed on, no later sync makes durable") {
  FaultyVfs vfs("gives-up");
  auto file = VfsFile::Open("/till/file", vfs.Name());
  REQUIRE(file.ok());
  REQUIRE((*file)->Write(0, "first").ok());
  REQUIRE((*file)->Sync().ok());
  REQUIRE((*file)->Write(0, "later").ok());
  vfs.Disk().FailAt(DiskFault::kSyncError, 1, FaultyDisk::Lasting::kOnce);
  CHECK_FALSE((*file)->Sync().ok());
  CHECK((*file)->Sync().ok());
  CHECK((*file)->Read(0, 5).value() == "later");
  vfs.PowerCut();
  vfs.Restart();
  CHECK(VfsFile::Open("/till/file", vfs.Name()).value()->Read(0, 5).value() == "first");
}

TEST_CASE("A program that was killed opens nothing and deletes nothing until it is started again") {
  FaultyVfs vfs("killed");
  REQUIRE(VfsFile::Open("/till/file", vfs.Name()).ok());
  CHECK(vfs.Disk().ProgramRuns());
  vfs.Disk().KillProgram();
  CHECK_FALSE(vfs.Disk().ProgramRuns());
  CHECK_FALSE(VfsFile::Open("/till/file", vfs.Name()).ok());
  CHECK_FALSE(VfsFile::Delete("/till/file", vfs.Name()).ok());
  vfs.Restart();
  CHECK(VfsFile::Open("/till/file", vfs.Name()).ok());
}

TEST_CASE("A single write of 128 KiB finds the disk full, on the twin as on SQLite's own VFS") {
  FaultyVfs vfs("at-once");
  const TempDirectory directory;
  const bool twin = GENERATE(true, false);
  INFO((twin ? "the twin" : "SQLite's VFS for Unix"));
  auto file = VfsFile::Open(directory.Path() / "file", twin ? vfs.Name() : "unix");
  REQUIRE(file.ok());
  const std::string too_much(128 << 10, 'x');
  const auto refused = (*file)->Write(0, too_much);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kResourceExhausted);
  CHECK((*file)->Read(0, too_much.size()).value().empty());
  CHECK((*file)->Write(0, too_much.substr(1)).ok());
}

TEST_CASE("A disk has as much room as it was given") {
  FaultyVfs vfs("room");
  auto database = Open(vfs, "FULL");
  vfs.Disk().SetCapacity(vfs.Disk().UsedBytes());
  CHECK_THROWS(Insert(*database, 1));
  vfs.Disk().SetCapacity(std::nullopt);
  Insert(*database, 1);
  CHECK(Count(*database) >= 1);
}

TEST_CASE("A flipped bit stays flipped, and files can be put back") {
  FaultyVfs vfs("flipped");
  Insert(*Open(vfs, "FULL"), 3);
  const auto copy = vfs.Disk().Copy("/till/");
  REQUIRE(vfs.Disk().FlipBit(kPath, 0, 0));
  CHECK(vfs.Disk().Copy("/till/") != copy);
  {
    SQLite::Database damaged(kPath, SQLite::OPEN_READWRITE, 0, vfs.Name().c_str());
    CHECK_THROWS(damaged.exec("SELECT * FROM event"));
  }
  vfs.Disk().Replace("/till/", copy);
  CHECK(Count(*Open(vfs, "FULL")) == 3);
  CHECK_FALSE(vfs.Disk().FlipBit(kPath, 1 << 30, 0));
}

}  // namespace
}  // namespace tillwire
