// Acknowledged means on disk: shown on a disk that forgets everything that was not synced.
#include <condition_variable>
#include <mutex>
#include <set>

#include "tests/fakes/faulty_vfs.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

// Captures through the commit thread, as the agent does.
class Day {
 public:
  Day(OutboxHarness& harness, GroupCommit& commits) : harness_(harness), commits_(commits) {}

  void Submit(const std::string& content) {
    {
      const std::lock_guard lock(mutex_);
      ++outstanding_;
    }
    CaptureInput input = harness_.Input("order:" + content, content);
    auto stored = std::make_shared<bool>(false);
    commits_.Submit({[this, input, stored] { *stored = harness_.outbox->Capture(input).ok(); },
                     [this, input, stored](const Result<void>& committed) {
                       const std::lock_guard lock(mutex_);
                       if (committed && *stored) acknowledged_.insert(input.event);
                       --outstanding_;
                       idle_.notify_all();
                     }});
  }

  std::set<std::string> WaitForAll() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return outstanding_ == 0; });
    return acknowledged_;
  }

 private:
  OutboxHarness& harness_;
  GroupCommit& commits_;
  std::mutex mutex_;
  std::condition_variable idle_;
  int outstanding_ = 0;
  std::set<std::string> acknowledged_;
};

// What was acknowledged before a power cut and is not there after it.
std::set<std::string> LostByPowerCut(Synchronous synchronous) {
  OutboxHarness harness;
  FaultyVfs disk("faulty");
  harness.options.database = {disk.Name(), synchronous};
  harness.Open();
  std::set<std::string> acknowledged;
  {
    GroupCommit commits(*harness.outbox);
    Day day(harness, commits);
    for (int i = 0; i < 50; ++i) {
      day.Submit(std::to_string(i));
      acknowledged = day.WaitForAll();
    }
    disk.PowerCut();
  }
  CHECK(acknowledged.size() == 50);
  harness.Close();
  disk.Restart();
  harness.Open();
  for (const std::string& event : harness.PendingEvents()) acknowledged.erase(event);
  harness.Close();
  return acknowledged;
}

TEST_CASE("a power cut loses nothing that was acknowledged") {
  CHECK(LostByPowerCut(Synchronous::kFull).empty());
}

TEST_CASE("the same check fails where nothing is synced: it would notice") {
  CHECK_FALSE(LostByPowerCut(Synchronous::kOff).empty());
}

TEST_CASE("the sync comes before the reply") {
  OutboxHarness harness;
  FaultyVfs disk("faulty");
  harness.options.database.vfs = disk.Name();
  harness.Open();
  const std::string log = (harness.options.directory / "outbox.db-wal").string();
  {
    GroupCommit commits(*harness.outbox);
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t before = disk.SyncCount(log);
      std::mutex mutex;
      std::condition_variable replied;
      std::optional<std::uint64_t> at_reply;
      std::uint64_t unsynced_at_reply = 0;
      commits.Submit({[&] { CHECK(harness.outbox->Capture(harness.Input("order:A", "x")).ok()); },
                      [&](const Result<void>& committed) {
                        CHECK(committed.ok());
                        const std::lock_guard lock(mutex);
                        unsynced_at_reply = disk.UnsyncedBytes(log);
                        at_reply = disk.SyncCount(log);
                        replied.notify_one();
                      }});
      std::unique_lock lock(mutex);
      replied.wait(lock, [&] { return at_reply.has_value(); });
      CHECK(*at_reply == before + 1);
      CHECK(unsynced_at_reply == 0);
    }
  }
  harness.Close();
}

TEST_CASE("one sync serves many concurrent captures") {
  OutboxHarness harness;
  FaultyVfs disk("faulty");
  harness.options.database.vfs = disk.Name();
  harness.Open();
  const std::string log = (harness.options.directory / "outbox.db-wal").string();
  constexpr int kCaptures = 1000;
  std::uint64_t syncs = 0;
  {
    // The first commit is held until all the others wait.
    std::mutex mutex;
    std::condition_variable go;
    bool submitted = false;
    GroupCommit commits(*harness.outbox, GroupCommit::kDefaultMaxGroup, [&](CommitPhase phase) {
      if (phase != CommitPhase::kInCommit) return;
      std::unique_lock lock(mutex);
      go.wait(lock, [&] { return submitted; });
    });
    Day day(harness, commits);
    const std::uint64_t before = disk.SyncCount(log);
    for (int i = 0; i < kCaptures; ++i) day.Submit(std::to_string(i));
    {
      const std::lock_guard lock(mutex);
      submitted = true;
    }
    go.notify_all();
    CHECK(day.WaitForAll().size() == kCaptures);
    syncs = disk.SyncCount(log) - before;
  }
  harness.Close();
  // The first group, then all the rest; and what a checkpoint of the log adds.
  INFO(kCaptures << " captures took " << syncs << " syncs of the log");
  CHECK(syncs >= 1);
  CHECK(syncs <= 4);
}

}  // namespace
}  // namespace tillwire
