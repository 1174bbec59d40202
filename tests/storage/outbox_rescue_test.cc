// A disk that fails under a running agent: nothing of a group whose sync failed is acknowledged, and captures
// go on in new files without a restart; where nothing can be written, what is there is still sent.
#include <catch2/catch.hpp>
#include <future>
#include <iostream>
#include <map>

#include "tests/fakes/faulty_vfs.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// A till whose captures carry keys and are repeated, as callers do, until they are answered.
class FailingTill : public OutboxHarness {
 public:
  explicit FailingTill(const std::string& disk_name = "failing-till") : vfs(disk_name) {
    options.database.vfs = vfs.Name();
    options.reserve_bytes = 64 << 10;
  }
  ~FailingTill() { Close(); }  // before its disk goes
  FailingTill(const FailingTill&) = delete;
  FailingTill& operator=(const FailingTill&) = delete;

  [[nodiscard]] FaultyDisk& Disk() { return vfs.Disk(); }

  // One attempt at action `number`, through group commit.
  Result<Captured> Attempt(GroupCommit& commits, int number) {
    CaptureInput input = Input("order:" + std::to_string(number % 3), std::to_string(number));
    const Hash name = Sha256("action " + std::to_string(number));
    input.idempotency = CaptureInput::Idempotency{name, name};
    std::optional<Result<Captured>> reply;
    Result<Captured> answer = Error{};
    std::promise<void> answered;
    commits.Submit({[&] { reply = outbox->Capture(input); },
                    [&](const Result<void>& committed) {
                      answer = committed ? std::move(*reply) : Result<Captured>(committed.error());
                      answered.set_value();
                    }});
    answered.get_future().wait();
    if (answer) acknowledged[number] = answer->event_id;
    return answer;
  }

  // Until it is acknowledged; the disk heals meanwhile.
  void Insist(GroupCommit& commits, int number) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      const bool taken = Attempt(commits, number).ok();
      struck = struck || Disk().Struck();
      if (taken) return;
      RequireSeenOrRefused(commits);
      if (attempt == 2) Disk().Heal();
      clock.Advance(30s);
    }
    FAIL("action " << number << " is never taken");
  }

  // Whoever looks while the disk fails sees all that was acknowledged, or is refused.
  void RequireSeenOrRefused(GroupCommit& commits) {
    std::map<int, bool> seen;
    std::promise<void> answered;
    commits.Submit({[&] {
                      for (const auto& [number, id] : acknowledged) seen[number] = outbox->Find(id).ok();
                    },
                    [&](const Result<void>&) { answered.set_value(); }});
    answered.get_future().wait();
    for (const auto& entry : seen) {
      INFO("action " << entry.first << " while the disk fails");
      REQUIRE(entry.second);
    }
  }

  // Each action that was acknowledged is there once, and nothing that was not asked for.
  void RequireSound(int actions) {
    std::map<Uuid, int> found;
    for (const PendingRecord& pending : Pending().records) ++found[IdOf(pending.position)];
    for (const auto& [number, id] : acknowledged) {
      INFO("action " << number);
      REQUIRE(found[id] == 1);
    }
    REQUIRE(acknowledged.size() == static_cast<std::size_t>(actions));
    REQUIRE(found.size() == static_cast<std::size_t>(actions));
  }

  Uuid IdOf(Position position) {
    return Transact([&](Outbox& box) { return box.Views({position}); }).at(0).event_id;
  }

  FaultyVfs vfs;
  std::map<int, Uuid> acknowledged;
  bool struck = false;  // the fault that was planned
};

TEST_CASE("a failed sync acknowledges nothing, and captures go on in new files without a restart") {
  FailingTill till;
  till.Open();
  GroupCommit commits(*till.outbox);
  for (int i = 0; i < 10; ++i) REQUIRE(till.Attempt(commits, i).ok());
  till.Disk().FailAt(DiskFault::kSyncError, 1, FaultyDisk::Lasting::kOnce);
  const auto unknown = till.Attempt(commits, 10);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == ErrorCode::kUnknown);
  CHECK_FALSE(commits.Failed());

  REQUIRE(till.Attempt(commits, 11).ok());
  REQUIRE(till.Attempt(commits, 10).ok());
  CHECK(till.outbox->Openings() == 1);
  CHECK_FALSE(till.outbox->Trouble());
  till.RequireSound(12);
  const auto incidents = till.Status().incidents;
  REQUIRE_FALSE(incidents.empty());
  CHECK_THAT(incidents[0].text, Catch::Contains("copied to new files") && Catch::Contains("outbox.db"));
  CHECK(till.Status().lost == 0);
  commits.Stop();
  till.Close();
  till.Disk().PowerCut();
  till.Disk().Restart();
  till.Open();
  till.RequireSound(12);
}

TEST_CASE("a disk that fails at any call once, or from some call on until it heals, is lived through") {
  const auto fault = GENERATE(DiskFault::kSyncError, DiskFault::kWriteError, DiskFault::kNoSpace,
                              DiskFault::kReadOnly, DiskFault::kReadError);
  const auto lasting = GENERATE(FaultyDisk::Lasting::kOnce, FaultyDisk::Lasting::kForEver);
  INFO("fault " << static_cast<int>(fault)
                << (lasting == FaultyDisk::Lasting::kOnce ? " once" : " until it heals"));
  constexpr int kActions = 6;
  std::uint64_t struck = 0;
  std::uint64_t copied = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    INFO("the fault strikes at call " << nth);
    FailingTill till;
    till.Open();
    till.Disk().FailAt(fault, nth, lasting);
    {
      GroupCommit commits(*till.outbox);
      for (int i = 0; i < kActions; ++i) till.Insist(commits, i);
      till.Disk().Heal();
      till.Insist(commits, kActions);
    }
    till.RequireSound(kActions + 1);
    CHECK(till.Status().lost == 0);
    copied += till.outbox->Openings();
    till.Close();
    till.Disk().PowerCut();
    till.Disk().Restart();
    till.Open();
    till.RequireSound(kActions + 1);
    if (!till.struck) break;
    ++struck;
  }
  std::cout << "a failing disk under a running outbox: struck at " << struck << " calls, opened anew "
            << copied << " times\n";
}

TEST_CASE("the power may fail at any step of going over to new files, and again in the start after it") {
  const bool torn = GENERATE(false, true);
  std::uint64_t cuts = 0;
  for (std::uint64_t nth = 1; cuts + 1 == nth; ++nth) {
    // A prime, so that the second cuts fall on every kind of change.
    for (std::uint64_t second = 1;; second += 23) {
      INFO("power cut at change " << nth << " of the rescue, then " << second << " of the start"
                                  << (torn ? ", torn" : ""));
      FakeRng survivors(nth * 1000 + second);  // the till's disk may need it until the end
      FailingTill till;
      till.Open();
      {
        GroupCommit commits(*till.outbox);
        for (int i = 0; i < 5; ++i) REQUIRE(till.Attempt(commits, i).ok());
        till.Disk().FailAt(DiskFault::kSyncError, 1, FaultyDisk::Lasting::kOnce);
        REQUIRE_FALSE(till.Attempt(commits, 5).ok());
        till.Disk().PowerCutAt(nth, torn ? &survivors : nullptr);
        static_cast<void>(till.Attempt(commits, 6));
      }
      if (till.Disk().Powered()) break;  // the rescue has fewer steps
      cuts = nth;
      till.Close();
      till.Disk().Restart();
      till.Disk().PowerCutAt(second, torn ? &survivors : nullptr);
      const bool opened = till.TryOpen().ok() && till.Disk().Powered();
      till.Disk().CancelPlan();
      till.Disk().Restart();
      till.Open();
      CHECK_FALSE(till.outbox->Trouble());
      for (const auto& entry : till.acknowledged) {
        INFO("action " << entry.first);
        REQUIRE(till.outbox->Find(entry.second).ok());
      }
      CHECK(till.Status().lost == 0);
      for (const std::string& path : till.vfs.Files()) {
        CHECK_THAT(path, !Catch::Contains("outbox.db-new") && !Catch::Contains("outbox.db-ready"));
      }
      if (opened) break;
    }
  }
  std::cout << "going over to new files: cut at each of " << cuts << " changes" << (torn ? ", torn" : "")
            << "\n";
  CHECK(cuts > 10);
}

TEST_CASE(
    "on a disk that turns read-only captures are refused by name, what is there is sent, and it heals") {
  FailingTill till;
  till.Open();
  GroupCommit commits(*till.outbox);
  for (int i = 0; i < 5; ++i) REQUIRE(till.Attempt(commits, i).ok());
  till.Disk().FailAt(DiskFault::kReadOnly, 1, FaultyDisk::Lasting::kForEver);
  CHECK(till.Attempt(commits, 5).error().code == ErrorCode::kUnknown);
  const auto refused = till.Attempt(commits, 6);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK_THAT(refused.error().Text(), Catch::Contains(till.options.directory.string()) &&
                                         Catch::Contains("can't be written") &&
                                         Catch::Contains("check the disk"));
  REQUIRE(till.Status().trouble);
  // A repeat of what is recorded may not be called unrecorded, nor recorded: it can't be made sure.
  CHECK(till.Attempt(commits, 0).error().code == ErrorCode::kUnknown);

  // The backlog goes out, and the answers are held as long as the process lives.
  const auto drain = [&till] {
    std::vector<Position> sent;
    for (const PendingRecord& pending : till.Pending().records) sent.push_back(pending.position);
    till.Answer(sent, Disposition::kAccepted);
    return sent.size();
  };
  CHECK(drain() >= 5);
  CHECK(till.Pending().records.empty());
  CHECK_FALSE(till.Transact([](Outbox& box) { return box.StartEpoch("a test"); }));
  CHECK(till.Transact([](Outbox& box) { return box.Epochs().size(); }) == 1);
  commits.Stop();

  // A start on the same disk: all of it is sent again, and refused again.
  till.Open();
  REQUIRE(till.outbox->Trouble());
  CHECK(drain() >= 5);
  {
    GroupCommit again(*till.outbox);
    CHECK_FALSE(till.Attempt(again, 6).ok());
    till.Disk().Heal();
    till.clock.Advance(61s);
    CHECK(till.Attempt(again, 6).ok());
    CHECK(till.Attempt(again, 0).ok());
  }
  CHECK_FALSE(till.outbox->Trouble());
  CHECK(till.Pending().records.size() >= 6);
  for (const auto& entry : till.acknowledged) CHECK(till.outbox->Find(entry.second).ok());
}

TEST_CASE("a file that can't be read is named, tried again, and no reason to end") {
  FailingTill till;
  till.Open();
  till.Capture("order:A", "1");
  till.Close();
  till.Disk().FailAt(DiskFault::kReadError, 1, FaultyDisk::Lasting::kForEver);
  till.Open();
  REQUIRE(till.outbox->Trouble());
  CHECK_THAT(till.outbox->Trouble()->Text(), Catch::Contains("outbox.db"));
  CHECK_THROWS_AS(till.outbox->Begin(), StorageFault);
  till.clock.Advance(61s);
  CHECK_THROWS_AS(till.outbox->Begin(), StorageFault);
  till.Disk().Heal();
  till.clock.Advance(61s);
  CHECK(till.Pending().records.size() == 1);
  CHECK_FALSE(till.outbox->Trouble());
}

TEST_CASE("what a failed sync left in doubt is not sent before it is on the disk") {
  FailingTill till;
  till.Open();
  {
    GroupCommit commits(*till.outbox);
    for (int i = 0; i < 5; ++i) REQUIRE(till.Attempt(commits, i).ok());
    till.Disk().FailAt(DiskFault::kSyncError, 1, FaultyDisk::Lasting::kForEver);
    REQUIRE(till.Attempt(commits, 5).error().code == ErrorCode::kUnknown);
  }
  REQUIRE(till.Pending().at_end);
  REQUIRE(till.outbox->Trouble());
  CHECK(till.outbox->LastPosition() == 6);
  CHECK(till.Pending().records.size() == 5);

  SECTION("the disk heals") {
    till.Disk().Heal();
    till.clock.Advance(61s);
    CHECK(till.Pending().records.size() == 6);
  }
  SECTION("the agent is started again meanwhile: the mark tells what is on the disk") {
    till.Open();
    REQUIRE(till.outbox->Trouble());
    CHECK(till.outbox->LastPosition() == 6);
    CHECK(till.Pending().records.size() == 5);
    till.Disk().Heal();
    till.clock.Advance(61s);
    CHECK(till.Pending().records.size() == 6);
  }
  SECTION("the power goes: its caller captures it again") {
    till.Close();
    till.Disk().PowerCut();
    till.Disk().Restart();
    till.Disk().Heal();
    till.Open();
    CHECK(till.Pending().records.size() == 5);
    GroupCommit commits(*till.outbox);
    CHECK_FALSE(till.Attempt(commits, 5)->repeated);
  }
}

TEST_CASE("without room for a copy the outbox goes on reading, and is rescued when there is room") {
  FailingTill till;
  till.Open();
  GroupCommit commits(*till.outbox);
  for (int i = 0; i < 5; ++i) REQUIRE(till.Attempt(commits, i).ok());
  till.Disk().SetCapacity(till.Disk().UsedBytes() + 8192);
  till.Disk().FailAt(DiskFault::kSyncError, 1, FaultyDisk::Lasting::kOnce);
  CHECK_FALSE(till.Attempt(commits, 5).ok());
  CHECK_FALSE(till.Attempt(commits, 5).ok());
  REQUIRE(till.outbox->Trouble());
  CHECK(till.Pending().records.size() >= 5);
  till.Disk().SetCapacity(std::nullopt);
  till.clock.Advance(61s);
  CHECK(till.Attempt(commits, 5).ok());
  CHECK_FALSE(till.outbox->Trouble());
}

}  // namespace
}  // namespace tillwire
