#include "storage/overlay_vfs.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "storage/database.h"
#include "storage/vfs_file.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

std::string ContentOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::int64_t CountOf(SQLite::Database& database) {
  return database.execAndGet("SELECT count(*) FROM t").getInt64();
}

TEST_CASE("A file on an overlay reads through, and keeps what is written to itself") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  const std::string original(10'000, 'a');
  std::ofstream(path, std::ios::binary) << original;
  OverlayVfs overlay;
  auto opened = VfsFile::Open(path, overlay.Name());
  REQUIRE(opened);
  VfsFile& file = **opened;
  CHECK(*file.Read(0, 20'000) == original);
  REQUIRE(file.Write(4090, std::string(20, 'b')));  // across two blocks
  REQUIRE(file.Write(15'000, "c"));                 // beyond the end, over a gap
  std::string expected = original;
  expected.replace(4090, 20, std::string(20, 'b'));
  expected.resize(15'000, '\0');
  expected += 'c';
  CHECK(*file.Read(0, 20'000) == expected);
  CHECK(*file.Read(4085, 30) == expected.substr(4085, 30));
  REQUIRE(file.Sync());
  CHECK(ContentOf(path) == original);

  // Seen by who opens it on the same overlay, and by nobody else.
  auto again = VfsFile::Open(path, overlay.Name());
  REQUIRE(again);
  CHECK(*(*again)->Read(0, 20'000) == expected);
  OverlayVfs other;
  auto fresh = VfsFile::Open(path, other.Name());
  REQUIRE(fresh);
  CHECK(*(*fresh)->Read(0, 20'000) == original);

  auto created = VfsFile::Open(directory.Path() / "new", overlay.Name());
  REQUIRE(created);
  REQUIRE((*created)->Write(0, "x"));
  CHECK_FALSE(std::filesystem::exists(directory.Path() / "new"));
}

TEST_CASE("A database with commits in its log alone is read and changed on an overlay, not on the disk") {
  const TempDirectory directory;
  const auto original = directory.Path() / "original.db";
  const auto path = directory.Path() / "killed.db";
  {
    auto database = OpenDatabase(original, {}, 0);
    REQUIRE(database);
    (*database)->exec("CREATE TABLE t (x BLOB)");
    for (int i = 0; i < 300; ++i) (*database)->exec("INSERT INTO t VALUES (randomblob(3000))");
    std::filesystem::copy(original, path);
    std::filesystem::copy(original.string() + "-wal", path.string() + "-wal");
  }
  const std::string file = ContentOf(path);
  const std::string log = ContentOf(path.string() + "-wal");
  REQUIRE(log.size() > 900'000);
  {
    OverlayVfs overlay;
    DatabaseOptions options;
    options.vfs = overlay.Name();
    for (int round = 1; round <= 2; ++round) {
      auto database = OpenDatabase(path, options, 0);
      REQUIRE(database);
      (*database)->exec("INSERT INTO t VALUES (randomblob(100000))");
      (*database)->exec("DELETE FROM t WHERE rowid = " + std::to_string(round));
      (*database)->exec("VACUUM");
      CHECK(CountOf(**database) == 300);
      CHECK((*database)->execAndGet("PRAGMA integrity_check").getString() == "ok");
    }
    CHECK(ContentOf(path) == file);
    CHECK(ContentOf(path.string() + "-wal") == log);
  }
  auto database = OpenDatabase(path, {}, 0);
  REQUIRE(database);
  CHECK(CountOf(**database) == 300);
}

}  // namespace
}  // namespace tillwire
