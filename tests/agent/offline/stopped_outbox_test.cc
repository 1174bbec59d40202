#include "agent/offline/stopped_outbox.h"

#include "tests/agent/offline/folder_bytes.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

// As a killed agent leaves it: with its last commits in the log alone.
std::filesystem::path CopyAsKilled(const OutboxHarness& harness) {
  const auto copy = harness.directory.Path() / "disk";
  std::filesystem::copy(harness.options.directory, copy);
  REQUIRE(std::filesystem::file_size(copy / "outbox.db-wal") > 0);
  return copy;
}

TEST_CASE("A killed agent's outbox is read with all that it had committed, and not changed") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 0; i < 50; ++i) harness.Capture("order:" + std::to_string(i % 5), std::to_string(i));
  const auto disk = CopyAsKilled(harness);
  const auto before = FolderBytes(disk);
  {
    auto stopped = StoppedOutbox::Open(disk, harness.clock, harness.rng);
    INFO((stopped ? std::string() : stopped.error().Text()));
    REQUIRE(stopped);
    Outbox& outbox = (*stopped)->Get();
    CHECK(outbox.StoreId() == "0417");
    CHECK(outbox.TerminalId() == "till-3");
    CHECK(outbox.Status().pending == 50);
    CHECK(outbox.Status().epoch_ordinal == 1);  // another machine, and no new epoch
    CHECK_FALSE(outbox.MissingByMark());
    // What is changed on it is its own affair.
    outbox.Begin();
    REQUIRE(outbox.Capture(harness.Input("order:x", "new")));
    outbox.Commit();
    CHECK(outbox.Status().pending == 51);
  }
  CHECK(FolderBytes(disk) == before);
  CHECK_FALSE(std::filesystem::exists(disk / "outbox.db-shm"));
}

TEST_CASE("An outbox without a log, a mark or a lock file is read too") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:1", "1");
  harness.Close();
  std::filesystem::remove(harness.options.directory / "outbox.hwm");
  std::filesystem::remove(harness.options.directory / "outbox.lock");
  const auto before = FolderBytes(harness.options.directory);
  {
    const auto stopped = StoppedOutbox::Open(harness.options.directory, harness.clock, harness.rng);
    REQUIRE(stopped);
    CHECK((*stopped)->Get().Status().pending == 1);
  }
  CHECK(FolderBytes(harness.options.directory) == before);
}

TEST_CASE("A mark that is ahead of the file is told, and declares nothing lost") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:1", "1");
  const auto older = CopyAsKilled(harness);
  harness.Capture("order:1", "2");
  harness.Capture("order:1", "3");
  harness.Close();
  std::filesystem::copy(harness.options.directory / "outbox.hwm", older / "outbox.hwm",
                        std::filesystem::copy_options::overwrite_existing);
  const auto stopped = StoppedOutbox::Open(older, harness.clock, harness.rng);
  REQUIRE(stopped);
  const auto missing = (*stopped)->Get().MissingByMark();
  REQUIRE(missing);
  CHECK(missing->first == 2);
  CHECK(missing->last == 3);
  CHECK((*stopped)->Get().Status().lost == 0);
  CHECK((*stopped)->Get().Status().epoch_ordinal == 1);
}

TEST_CASE("An outbox in use, of a newer schema, or absent is refused by name, and not changed") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:1", "1");
  const auto& directory = harness.options.directory;
  const auto refusal = [&](const std::filesystem::path& where) {
    const auto stopped = StoppedOutbox::Open(where, harness.clock, harness.rng);
    REQUIRE_FALSE(stopped);
    return stopped.error();
  };
  SECTION("in use") {
    CHECK(refusal(directory).code == ErrorCode::kFailedPrecondition);
    CHECK_THAT(refusal(directory).Text(),
               Catch::Contains("process " + std::to_string(getpid()) + " (tillwired)"));
    CHECK_THAT(refusal(directory).Text(), Catch::Contains("stop it first"));
  }
  SECTION("read by another") {
    harness.Close();
    const auto stopped = StoppedOutbox::Open(directory, harness.clock, harness.rng);
    REQUIRE(stopped);
    CHECK_THAT(harness.TryOpen().error().Text(), Catch::Contains("(tillwire)"));
  }
  SECTION("of a newer schema") {
    harness.Close();
    harness.EditFile("PRAGMA user_version = 99");
    const auto before = FolderBytes(directory);
    CHECK(refusal(directory).code == ErrorCode::kFailedPrecondition);
    CHECK_THAT(refusal(directory).Text(), Catch::Contains("99"));
    CHECK(FolderBytes(directory) == before);
  }
  SECTION("absent") {
    const auto empty = harness.directory.Path() / "empty";
    std::filesystem::create_directory(empty);
    CHECK(refusal(empty).code == ErrorCode::kNotFound);
    CHECK(refusal(empty / "absent").code == ErrorCode::kNotFound);
    CHECK(std::filesystem::is_empty(empty));
  }
  SECTION("no outbox") {
    harness.Close();
    WriteWholeFile(directory / "outbox.db",
                   "not a database, but long enough to be looked at " + std::string(4096, 'x'));
    std::filesystem::remove(directory / "outbox.db-wal");
    CHECK(refusal(directory).code == ErrorCode::kDataLoss);
  }
}

}  // namespace
}  // namespace tillwire
