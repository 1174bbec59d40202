#include "ingest/ledger/sqlite_ledger.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "ingest/acceptance/acceptor.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/ingest/chain.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

TEST_CASE("The directory is made, and the incarnation lasts") {
  const TempDirectory directory;
  const auto path = directory.Path() / "a" / "b" / "ledger.db";
  FakeRng rng;
  std::string incarnation;
  {
    const auto ledger = SqliteLedger::Open(path, rng);
    REQUIRE(ledger);
    incarnation = ledger.value()->Incarnation();
    CHECK(Uuid::Parse(incarnation));
  }
  CHECK(SqliteLedger::Open(path, rng).value()->Incarnation() == incarnation);
}

TEST_CASE("A second owner is told who has the ledger") {
  const TempDirectory directory;
  const auto path = directory.Path() / "ledger.db";
  FakeRng rng;
  const auto ledger = SqliteLedger::Open(path, rng);
  REQUIRE(ledger);
  const auto second = SqliteLedger::Open(path, rng);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kUnavailable);
  CHECK_THAT(second.error().Text(), Catch::Contains("(tillwire-ingestd)") && Catch::Contains("ledger.path"));
}

TEST_CASE("A ledger by a newer version is refused and left alone") {
  const TempDirectory directory;
  const auto path = directory.Path() / "ledger.db";
  FakeRng rng;
  {
    REQUIRE(SqliteLedger::Open(path, rng));
  }
  {
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  }
  const auto refused = SqliteLedger::Open(path, rng);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kFailedPrecondition);
  CHECK_THAT(refused.error().Text(), Catch::Contains("99"));
}

TEST_CASE("A file that is no database is refused and left alone") {
  const TempDirectory directory;
  const auto path = directory.Path() / "ledger.db";
  const std::string content(5000, 'x');
  std::ofstream(path) << content;
  FakeRng rng;
  const auto refused = SqliteLedger::Open(path, rng);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kDataLoss);
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == content);
}

// Commits nothing until the gate is opened.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

// Batches of several streams that wait while a commit is under way share the next one, and its sync.
TEST_CASE("One sync serves the batches of all streams that wait, and comes before their answers") {
  FaultyVfs disk("ledger-disk");
  const TempDirectory directory;
  const auto path = directory.Path() / "ledger.db";
  const std::string log = path.string() + "-wal";
  FakeRng rng;
  constexpr int kStreams = 8;
  {
    const auto opened =
        SqliteLedger::Open(path, rng, {.vfs = disk.Name(), .synchronous = Synchronous::kFull});
    REQUIRE(opened);
    SqliteLedger& ledger = *opened.value();
    const std::uint64_t syncs_at_open = disk.SyncCount(log);
    Gate gate;
    std::atomic<int> commits = 0;
    std::atomic<int> answered = 0;
    std::atomic<int> answered_unsynced = 0;
    GroupCommit commit(ledger, GroupCommit::kDefaultMaxGroup, [&](CommitPhase phase) {
      if (phase == CommitPhase::kBeforeCommit) gate.Pass();
      if (phase == CommitPhase::kInCommit) ++commits;
    });
    // The first holds its group open, or joins the others: two commits at most.
    for (int stream = 0; stream <= kStreams; ++stream) {
      const StreamIdentity identity{"S01", "T" + std::to_string(stream)};
      Chain chain(7, identity);
      chain.CaptureMany(3);
      auto inspected = std::make_shared<InspectedBatch>(Inspect(chain.Batch(1, 3), identity, {}));
      commit.Submit(
          {[&ledger, identity, inspected] { Accept(ledger.Transaction(), identity, *inspected, kNow); },
           [&](const Result<void>& committed) {
             if (committed) ++answered;
             if (disk.UnsyncedBytes(log) != 0) ++answered_unsynced;
           }});
    }
    gate.Open();
    commit.Stop();
    CHECK(answered == kStreams + 1);
    CHECK(answered_unsynced == 0);
    CHECK(commits <= 2);
    CHECK(disk.SyncCount(log) - syncs_at_open <= 2);
    disk.PowerCut();
  }
  disk.Restart();
  const auto reopened =
      SqliteLedger::Open(path, rng, {.vfs = disk.Name(), .synchronous = Synchronous::kFull});
  REQUIRE(reopened);
  reopened.value()->Begin();
  CHECK(reopened.value()->Transaction().Statistics().counts.accepted == 3 * (kStreams + 1));
  reopened.value()->Commit();
}

}  // namespace
}  // namespace tillwire
