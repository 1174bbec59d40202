#include "storage/migrations.h"

#include <array>
#include <catch2/catch.hpp>

#include "storage/database.h"

namespace tillwire {
namespace {

constexpr std::array<Migration, 2> kSteps = {{
    {1, "CREATE TABLE words (word TEXT)"},
    {2, "ALTER TABLE words ADD COLUMN length INTEGER"},
}};

TEST_CASE("each step is run once, from wherever the file stands") {
  SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  REQUIRE(Migrate(database, "store", std::span(kSteps).first(1)).ok());
  database.exec("INSERT INTO words (word) VALUES ('till')");
  REQUIRE(Migrate(database, "store", kSteps).ok());
  REQUIRE(Migrate(database, "store", kSteps).ok());
  CHECK(database.execAndGet("PRAGMA user_version").getInt() == 2);
  CHECK(database.execAndGet("SELECT count(length IS NULL) FROM words").getInt() == 1);
}

TEST_CASE("a newer schema is refused by name and left as it is") {
  SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  REQUIRE(Migrate(database, "store", kSteps).ok());
  const auto refused = Migrate(database, "outbox /x", std::span(kSteps).first(1));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "outbox /x has schema version 2, this program knows up to 1");
  CHECK(database.execAndGet("PRAGMA user_version").getInt() == 2);
}

TEST_CASE("a step that fails is undone as a whole") {
  SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  constexpr std::array<Migration, 1> broken = {{{1, "CREATE TABLE a (b); CREATE TABLE a (b)"}}};
  CHECK_THROWS_AS(Migrate(database, "store", broken), StorageFault);
  CHECK(database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0);
}

}  // namespace
}  // namespace tillwire
