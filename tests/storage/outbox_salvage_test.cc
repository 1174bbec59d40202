// A damaged outbox: what is carried over, what is named, and that the damaged files stay as they were.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "tests/fakes/faulty_vfs.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPageBytes = 4096;
constexpr int kEvents = 200;

std::string ContentOf(const fs::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(content).str();
}

void Write(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// The files that were set aside, by their ending; of one salvage.
std::map<std::string, std::string> SetAside(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& file : fs::directory_iterator(directory)) {
    const std::string name = file.path().filename().string();
    if (name.rfind("outbox.damaged-", 0) == 0)
      CHECK(files.emplace(name.substr(name.find('.', 15)), ContentOf(file.path())).second);
  }
  return files;
}

std::string Content(int number) {
  return std::to_string(number) + std::string(300, 'x');
}

// Many events in a database of many pages, closed.
class ManyEvents : public OutboxHarness {
 public:
  ManyEvents() {
    Open();
    Transact([&](Outbox& box) {
      for (int i = 1; i <= kEvents; ++i)
        REQUIRE(box.Capture(Input("order:" + std::to_string(i % 9), Content(i))).ok());
      return true;
    });
    outbox->SyncHighWaterMark();
    Close();
  }

  [[nodiscard]] fs::path Database() const { return options.directory / "outbox.db"; }

  // Zeros in the page that holds the event, as a lost sector leaves it.
  void WipePageOf(int number) {
    std::string file = ContentOf(Database());
    const std::size_t at = file.find("event " + Content(number));
    REQUIRE(at != std::string::npos);
    file.replace(at / kPageBytes * kPageBytes, kPageBytes, kPageBytes, '\0');
    Write(Database(), file);
  }

  // Reads what waits, across the fault that leads to a salvage.
  std::vector<std::string> Drained() {
    try {
      return PendingEvents();
    } catch (const StorageFault&) {
      outbox->Rollback();
    }
    return PendingEvents();
  }
};

// Each event is either there, in order, or in one of the lost ranges, which name no other.
void CheckAllAccountedFor(ManyEvents& harness, const std::vector<std::string>& drained) {
  IntervalSet lost;
  for (const LostRange& range : harness.Status().lost_ranges) {
    lost.Add({range.tombstone.first, range.tombstone.last});
  }
  std::vector<std::string> expected;
  for (int i = 1; i <= kEvents; ++i) {
    if (!lost.Contains(static_cast<std::uint64_t>(i))) expected.push_back("event " + Content(i));
  }
  CHECK(drained == expected);
  CHECK(harness.Status().lost == lost.Count());
}

TEST_CASE("Of an outbox with a page that is gone all else is carried over, and the range is named") {
  ManyEvents harness;
  harness.Open();
  const Hash hash_of_first = harness.Pending(0, 1).records.at(0).record.hash;
  harness.Close();
  harness.WipePageOf(100);
  const std::string damaged = ContentOf(harness.Database());
  harness.Open();
  const auto drained = harness.Drained();
  CheckAllAccountedFor(harness, drained);
  const OutboxStatus status = harness.Status();
  REQUIRE(status.lost_ranges.size() == 1);
  const Tombstone& lost = status.lost_ranges[0].tombstone;
  CHECK(lost.kind == TombstoneKind::kLost);
  CHECK(lost.first <= 100);
  CHECK(lost.last >= 100);
  CHECK(lost.last - lost.first < 12);  // no more than a page holds
  CHECK(lost.previous_hash == harness.Pending(lost.first - 2, 1).records.at(0).record.hash);
  CHECK(lost.last_hash == harness.Pending(lost.last, 1).records.at(0).record.previous_hash);
  CHECK(harness.Pending(0, 1).records.at(0).record.hash == hash_of_first);  // its identity
  CHECK(status.epoch_ordinal == 2);
  CHECK(SetAside(harness.options.directory).at(".db") == damaged);
  for (const EpochDigest& epoch : harness.outbox->ReadDigest().epochs) CHECK(epoch.AddsUp());
  std::cout << "salvage: of " << kEvents << " events " << drained.size() << " carried over, sequences "
            << lost.first << " to " << lost.last << " named\n";
  harness.Open();
  CheckAllAccountedFor(harness, harness.Drained());
  CHECK(SetAside(harness.options.directory).size() == 3);
}

TEST_CASE("Events that are lost in front are named, and their keys are free again") {
  OutboxHarness harness;
  harness.Open();
  CaptureInput keyed = harness.Input("order:1", "keyed");
  keyed.idempotency = {Sha256("key"), Sha256("keyed")};
  harness.Transact([&](Outbox& box) {
    REQUIRE(box.Capture(keyed).ok());
    for (int i = 2; i <= kEvents; ++i) {
      REQUIRE(box.Capture(harness.Input("order:1", Content(i))).ok());
    }
    return true;
  });
  harness.outbox->SyncHighWaterMark();
  harness.Close();
  const fs::path path = harness.options.directory / "outbox.db";
  std::string file = ContentOf(path);
  const std::size_t at = file.find("event keyed");
  REQUIRE(at != std::string::npos);
  file.replace(at / kPageBytes * kPageBytes, kPageBytes, kPageBytes, '\0');
  Write(path, file);
  harness.Open();
  try {
    harness.PendingEvents();
  } catch (const StorageFault&) {
    harness.outbox->Rollback();
  }
  const OutboxStatus status = harness.Status();
  REQUIRE(status.lost_ranges.size() == 1);
  CHECK(status.lost_ranges[0].tombstone.first == 1);
  harness.Transact([&](Outbox& box) {
    const auto again = box.Capture(keyed);
    REQUIRE(again.ok());
    CHECK_FALSE(again->repeated);
    return true;
  });
}

TEST_CASE("Of an outbox whose first page is gone everything is carried over") {
  ManyEvents harness;
  std::string file = ContentOf(harness.Database());
  file.replace(0, kPageBytes, kPageBytes, 'x');
  Write(harness.Database(), file);
  harness.Open();
  CHECK(harness.Drained().size() == kEvents);
  CHECK(harness.Status().lost == 0);
  CHECK(SetAside(harness.options.directory).at(".db") == file);
}

TEST_CASE("Of an outbox that was cut off, or is none, the mark names what is gone") {
  ManyEvents harness;
  const std::string whole = ContentOf(harness.Database());
  const std::string file =
      GENERATE_REF(whole.substr(0, kPageBytes * 20), whole.substr(0, 100), std::string(2 * kPageBytes, 'x'));
  Write(harness.Database(), file);
  harness.Open();
  const auto drained = harness.Drained();
  CheckAllAccountedFor(harness, drained);
  CHECK(SetAside(harness.options.directory).at(".db") == file);
  harness.Capture("order:1", "after");
  CHECK(harness.Drained().back() == "event after");
}

TEST_CASE("What the centre is known to have is not called lost, and idempotency keys go with their events") {
  OutboxHarness harness;
  harness.Open();
  std::vector<CaptureInput> inputs;
  for (int i = 1; i <= 40; ++i) {
    inputs.push_back(harness.Input("order:" + std::to_string(i), Content(i)));
    inputs.back().idempotency = {Sha256("key " + std::to_string(i)), Sha256(Content(i))};
    harness.Transact([&](Outbox& box) {
      REQUIRE(box.Capture(inputs.back()).ok());
      return true;
    });
  }
  std::vector<Position> delivered;
  for (Position position = 1; position <= 20; ++position) delivered.push_back(position);
  harness.Answer(delivered, Disposition::kAccepted);
  harness.outbox->SyncHighWaterMark();
  harness.Close();
  // All in the middle of what was delivered, and one that waits; the tree can't be walked there.
  const fs::path path = harness.options.directory / "outbox.db";
  std::string file = ContentOf(path);
  for (const int number : {10, 30}) {
    const std::size_t at = file.find("event " + Content(number));
    REQUIRE(at != std::string::npos);
    file.replace(at / kPageBytes * kPageBytes, kPageBytes, kPageBytes, '\0');
  }
  Write(path, file);
  harness.Open();
  CHECK_THROWS_AS(harness.Pending(), StorageFault);
  harness.outbox->Rollback();
  harness.Pending();
  const OutboxStatus status = harness.Status();
  REQUIRE(status.lost_ranges.size() == 1);
  const Tombstone& lost = status.lost_ranges[0].tombstone;
  CHECK(lost.first > 20);
  CHECK(status.delivered == 20);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto again = harness.Transact([&](Outbox& box) { return box.Capture(inputs[i]); });
    REQUIRE(again.ok());
    // Of what is lost the caller's repeat is heard.
    CHECK(again->repeated == !(i + 1 >= lost.first && i + 1 <= lost.last));
  }
}

// A damaged outbox on a disk that can lose power.
class SalvageOnFaultyDisk {
 public:
  SalvageOnFaultyDisk() : disk_("salvage-disk") {
    options_.directory = directory_.Path();
    options_.store_id = "0417";
    options_.terminal_id = "till-3";
    options_.machine_id = "machine-1";
    options_.reserve_bytes = 64 << 10;
    options_.database.vfs = disk_.Name();
    {
      auto outbox = Outbox::Open(options_, clock_, rng_).value();
      UuidGenerator uuids(rng_);
      outbox->Begin();
      for (int i = 1; i <= 60; ++i) {
        CaptureInput input;
        input.event_id = uuids.Make(clock_.WallNow());
        input.lane = "order:" + std::to_string(i % 5);
        input.event = Content(i);
        input.captured_at = clock_.WallNow();
        REQUIRE(outbox->Capture(input).ok());
      }
      outbox->Commit();
      outbox->SyncHighWaterMark();
    }
    damaged_ = disk_.Disk().Copy(Prefix());
    std::string& database = damaged_.at(Prefix() + "outbox.db");
    // The head, so that opening finds it at once; and a page of events.
    database.replace(0, 16, "not any database");
    const std::size_t at = database.find(Content(30));
    database.replace(at / kPageBytes * kPageBytes, kPageBytes, kPageBytes, '\0');
  }

  // From the damaged files on, whatever is planned for the disk then.
  void PutDamaged() { disk_.Disk().Replace(Prefix(), damaged_); }
  Result<std::unique_ptr<Outbox>> Open() { return Outbox::Open(options_, clock_, rng_); }
  [[nodiscard]] FaultyDisk& Disk() { return disk_.Disk(); }

  // What it came to: the events that wait, the ranges that are lost, and the files that were set aside.
  std::string End() {
    auto opened = Open();
    if (!opened) return opened.error().Text();
    std::ostringstream end;
    (*opened)->Begin();
    for (const PendingRecord& pending : (*opened)->ReadPending(0, 1000, 1 << 20).records)
      end << pending.record.id.sequence << ' ';
    for (const LostRange& range : (*opened)->Status().lost_ranges)
      end << "lost " << range.tombstone.first << '-' << range.tombstone.last << ' ';
    (*opened)->Commit();
    std::size_t databases = 0;
    for (const auto& [path, content] : disk_.Disk().Copy(Prefix() + "outbox.damaged-")) {
      if (path.substr(path.size() - 3) != ".db") continue;
      ++databases;
      if (content != damaged_.at(Prefix() + "outbox.db")) end << "what was set aside was changed ";
    }
    end << databases << " set aside";
    return end.str();
  }

 private:
  [[nodiscard]] std::string Prefix() const { return directory_.Path().string() + "/"; }

  const TempDirectory directory_;
  FaultyVfs disk_;
  FakeClock clock_;
  FakeRng rng_;
  OutboxOptions options_;
  std::map<std::string, std::string> damaged_;
};

TEST_CASE("Power may fail before every change of a salvage: the next start comes to the same end") {
  const bool torn = GENERATE(false, true);
  SalvageOnFaultyDisk rig;
  rig.PutDamaged();
  const std::string expected = rig.End();
  CHECK_THAT(expected, Catch::Contains("lost ") && Catch::Contains("1 set aside"));
  std::uint64_t cuts = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    INFO("power cut before change " << nth << (torn ? ", torn" : ", clean"));
    rig.PutDamaged();
    FakeRng survivors(nth);
    rig.Disk().PowerCutAt(nth, torn ? &survivors : nullptr);
    const bool opened = rig.Open().ok();
    const bool cut = !rig.Disk().Powered();
    rig.Disk().CancelPlan();
    rig.Disk().Restart();
    CHECK(rig.End() == expected);
    if (opened && !cut) break;
    ++cuts;
  }
  CHECK(cuts > 20);
  std::cout << "salvage: cut at each of " << cuts << " changes" << (torn ? ", torn" : "") << '\n';
}

TEST_CASE("A salvage that finds no room, or whose disk fails, leaves the files, and the next start does it") {
  const auto fault = GENERATE(DiskFault::kNoSpace, DiskFault::kWriteError, DiskFault::kReadError,
                              DiskFault::kSyncError, DiskFault::kReadOnly);
  SalvageOnFaultyDisk rig;
  rig.PutDamaged();
  const std::string expected = rig.End();
  std::uint64_t struck = 0;
  for (std::uint64_t nth = 1;; nth += fault == DiskFault::kReadError ? 7 : 1) {
    INFO("fault " << static_cast<int>(fault) << " at call " << nth);
    rig.PutDamaged();
    rig.Disk().FailAt(fault, nth, FaultyDisk::Lasting::kForEver);
    // It may go on reading, without what can't be read.
    static_cast<void>(rig.Open().ok());
    const bool untouched = !rig.Disk().Struck();
    rig.Disk().Heal();
    CHECK(rig.End() == expected);
    if (untouched) break;
    ++struck;
  }
  CHECK(struck > 0);
}

}  // namespace
}  // namespace tillwire
